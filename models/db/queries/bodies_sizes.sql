-- $1 keys of meshes. How many triangles each has, by the length of its indices (three of 4 bytes).
SELECT m.key, octet_length(m.indices) / 12 AS triangles FROM bim_mesh AS m WHERE m.key = ANY($1)
