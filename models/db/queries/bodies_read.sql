-- $1 keys of meshes.
SELECT m.key, m.positions, m.indices FROM bim_mesh AS m WHERE m.key = ANY($1)
