"""Triangle meshes, stored once under the hash of their content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from models.db.connection import Connection
from models.db.errors import PublishError, translated
from models.features import Delivery, TriangleMesh

FETCH: Final = 500


def require_meshes(deliveries: Sequence[Delivery]) -> None:
    """Raise :class:`PublishError` where an element names a mesh that its delivery lacks."""
    for delivery in deliveries:
        frame = delivery.tables.get("bim_element")
        if frame is not None and "mesh" in frame:
            lacking = set(frame["mesh"].dropna()) - set(delivery.meshes)
            if lacking:
                raise PublishError(
                    f"{delivery.source.name} names {len(lacking)} bodies that it does not bring. "
                    "Nothing was stored; read the file again.",
                    f"{delivery.source.name} 引用了 {len(lacking)} 个未提供的几何体。"
                    "未存入任何内容;请重新读取文件。",
                )


def store_meshes(conn: Connection, deliveries: Sequence[Delivery]) -> int:
    """Store the meshes that the database lacks; returns how many. Arrays are little-endian."""
    meshes: dict[str, TriangleMesh] = {}
    for delivery in deliveries:
        meshes.update(delivery.meshes)
    if not meshes:
        return 0
    known = conn.execute("SELECT key FROM bim_mesh WHERE key = ANY(%s)", (list(meshes),)).fetchall()
    new = [k for k in meshes if k not in {row[0] for row in known}]
    # two twins may store the same body at once; only publishers of one twin queue
    conn.execute("CREATE TEMP TABLE stage_mesh (LIKE bim_mesh) ON COMMIT DROP")
    with conn.cursor() as cursor, cursor.copy("COPY stage_mesh FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["text", "bytea", "bytea", "bytea", "bytea", "text[]"])
        for key in sorted(new):
            mesh = meshes[key]
            copy.write_row(
                (
                    key,
                    mesh.positions.astype("<f8").tobytes(),
                    mesh.indices.astype("<u4").tobytes(),
                    mesh.materials.astype("<u2").tobytes(),
                    mesh.palette.astype("<f4").tobytes(),
                    list(mesh.material_names),
                )
            )
    conn.execute("INSERT INTO bim_mesh SELECT * FROM stage_mesh ON CONFLICT DO NOTHING")
    conn.execute("DROP TABLE stage_mesh")
    return len(new)


@translated
def read_meshes(conn: Connection, keys: Iterable[str]) -> dict[str, TriangleMesh]:
    """Meshes by key; keys that are not stored are left out."""
    wanted = sorted(set(keys))
    found: dict[str, TriangleMesh] = {}
    for first in range(0, len(wanted), FETCH):
        with conn.cursor(binary=True) as cursor:
            cursor.execute(
                "SELECT key, positions, indices, materials, palette, material_names"
                " FROM bim_mesh WHERE key = ANY(%s)",
                (wanted[first : first + FETCH],),
            )
            for key, positions, indices, materials, palette, names in cursor:
                found[key] = TriangleMesh(
                    np.frombuffer(positions, "<f8").reshape(-1, 3).astype(np.float64),
                    np.frombuffer(indices, "<u4").reshape(-1, 3).astype(np.uint32),
                    np.frombuffer(materials, "<u2").astype(np.uint16),
                    np.frombuffer(palette, "<f4").reshape(-1, 4).astype(np.float32),
                    tuple(names),
                )
    return found
