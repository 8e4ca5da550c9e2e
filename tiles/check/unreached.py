"""Files that no tile reaches: left over, or of an earlier version and kept for its readers; and
bytes of shared files that none uses."""

from __future__ import annotations

from typing import Final

from tiles.check.session import Session
from tiles.check.waste import gaps
from tiles.store.directory import NAME

#: How files that tiles are made of end; others may lie beside them.
TILE_FILES: Final = (
    *(".json", ".glb", ".gltf", ".bin", ".subtree"),
    *(".b3dm", ".i3dm", ".pnts", ".cmpt"),
)
#: A store whose names hold hashes keeps what a new root no longer reaches for so many seconds.
KEPT: Final = 24 * 3600.0


def check_unreached(session: Session, root: str) -> None:
    """Note them, after the walk from ``root`` has ended."""
    files = session.files
    spare = {n for n in files.names() if n.endswith(TILE_FILES)} - session.reached
    age = files.age()
    kept = {n for n in spare if NAME.fullmatch(n)} if age is not None and age < KEPT else set()
    for code, names, expected in (
        ("TSC-02", sorted(spare - kept), "0"),
        ("TSC-10", sorted(kept), f"{KEPT / 3600:g} h"),
    ):
        if names:
            size = sum(map(files.size, names))
            found = f"{len(names)} ({', '.join(names[:3])}), {size} bytes"
            session.findings.add(code, root, found, expected)
    for name, (length, spans) in sorted(session.buffers.items()):
        wasted = gaps(spans, length)
        if wasted:
            session.findings.add("TSC-35", name, f"{wasted} bytes", "0 bytes")
