"""Wavefront OBJ and its MTL, read in pieces: text of any size, arrays out.

Polygons become fans of triangles. Lines, points, curves, groups and normals are passed over;
negative indices count from the end, as the format says (Wavefront OBJ, "Referencing vertex data").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from ingest.readers.mesh_raw import I64, MeshFault, RawMaterial, RawMesh, find_beside, text_of

_PIECE: Final = 1 << 24
_STATE: Final = re.compile(rb"^[ \t]*(usemtl|mtllib)[ \t]*([^\n]*)$", re.MULTILINE)
_BLANKS: Final = re.compile(rb"[ \t]+")
_NONE: Final = np.iinfo(np.int64).min


class _Reading:
    """What was read so far."""

    def __init__(self) -> None:
        self.positions: list[np.ndarray] = []
        self.uv: list[np.ndarray] = []
        self.faces: list[I64] = []  # (k, 3, 2): position and uv of three corners, from 1
        self.materials: list[I64] = []
        self.names: dict[str, int] = {}
        self.libraries: list[str] = []
        self.current = -1
        self.count = self.uv_count = 0
        self.coloured = False

    def segment(self, text: bytes) -> None:
        """Lines between two changes of material."""
        lines = text.split(b"\n")
        places = [line[2:] for line in lines if line.startswith((b"v ", b"v\t"))]
        textures = [line[3:] for line in lines if line.startswith((b"vt ", b"vt\t"))]
        faces = [line[2:].strip() for line in lines if line.startswith((b"f ", b"f\t"))]
        relative = any(b"-" in face for face in faces)
        if relative and (places or textures):
            self._in_order(lines)
            return
        self._add(places, textures)
        if faces:
            self._add_faces(faces, self.count, self.uv_count)

    def use(self, name: str) -> None:
        """The material of the faces that follow."""
        self.current = self.names.setdefault(name, len(self.names))

    def _in_order(self, lines: list[bytes]) -> None:
        """Relative indices among vertices: each face counts from what stands above it."""
        run: list[bytes] = []
        kind = b""
        for line in [*lines, b"end"]:
            word = line.split(None, 1)[0] if line.strip() else b""
            group = b"f" if word == b"f" else b"v" if word in (b"v", b"vt") else b"end"
            if group == b"end" and line != b"end":
                continue
            if group != kind and run:
                self._run(kind, run)
                run = []
            kind = group
            run.append(line)

    def _run(self, kind: bytes, run: list[bytes]) -> None:
        if kind == b"f":
            self._add_faces([line[2:].strip() for line in run], self.count, self.uv_count)
        else:
            self._add(
                [line[2:] for line in run if line.startswith((b"v ", b"v\t"))],
                [line[3:] for line in run if line.startswith((b"vt ", b"vt\t"))],
            )

    def _add(self, places: list[bytes], textures: list[bytes]) -> None:
        if places:
            rows, widest = _numbers(places, 3)
            self.coloured |= widest >= 6
            self.positions.append(rows)
            self.count += len(rows)
        if textures:
            rows, _ = _numbers(textures, 2)
            self.uv.append(rows)
            self.uv_count += len(rows)

    def _add_faces(self, faces: list[bytes], count: int, uv_count: int) -> None:
        if self.current < 0:
            self.use("")
        shapes: dict[tuple[int, bytes], list[int]] = {}
        tidy = [_BLANKS.sub(b" ", face) for face in faces]
        for at, face in enumerate(tidy):
            corner = face.split(b" ", 1)[0]
            form = b"//" if b"//" in corner else b"/" * corner.count(b"/")
            shapes.setdefault((face.count(b" ") + 1, form), []).append(at)
        for (size, form), members in shapes.items():
            width = 1 if not form else 2 if form != b"//" and len(form) == 1 else len(form) + 1
            width = 2 if form == b"//" else width
            joined = b" ".join(tidy[at] for at in members)
            numbers = _integers(joined.replace(b"//", b" ").replace(b"/", b" "))
            if len(numbers) != len(members) * size * width or size < 3:
                raise _unclear(text_of(tidy[members[0]])[:80])
            table = numbers.reshape(len(members), size, width)
            pairs = np.full((len(members), size, 2), _NONE)
            pairs[:, :, 0] = _absolute(table[:, :, 0], count)
            if form and form != b"//":
                pairs[:, :, 1] = _absolute(table[:, :, 1], uv_count)
            fan = [pairs[:, [0, at, at + 1]] for at in range(1, size - 1)]
            triangles = np.stack(fan, axis=1).reshape(-1, 3, 2)
            self.faces.append(triangles)
            self.materials.append(np.full(len(triangles), self.current))


def read_obj(path: Path) -> RawMesh:
    """The mesh in ``path`` with the materials of its MTL files.

    Raises :class:`MeshFault` for text that is no OBJ, OSError.
    """
    reading = _Reading()
    for text in _pieces(path):
        at = 0
        for state in _STATE.finditer(text):
            reading.segment(text[at : state.start()])
            at = state.end()
            name = text_of(state[2].strip())
            if state[1] == b"usemtl":
                reading.use(name)
            else:
                reading.libraries.append(name)
        reading.segment(text[at:])
    corners = np.concatenate(reading.faces) if reading.faces else np.empty((0, 3, 2), np.int64)
    positions = np.concatenate(reading.positions) if reading.positions else np.empty((0, 3))
    uv = np.concatenate(reading.uv) if reading.uv else np.empty((0, 2))
    materials = np.concatenate(reading.materials) if reading.materials else np.empty(0, np.int64)
    known = (corners[:, :, 0] >= 0) & (corners[:, :, 0] < len(positions))
    good = np.asarray(known.all(axis=1))
    textured = np.asarray(((corners[:, :, 1] >= 0) & (corners[:, :, 1] < len(uv))).all(axis=1))
    flipped = uv * [1, -1] + [0, 1]  # OBJ counts from the lower left corner
    out = RawMesh(
        positions,
        corners[good][:, :, 0],
        flipped.astype(np.float32),
        np.where(textured[:, None], corners[:, :, 1], -1)[good],
        materials[good],
        [RawMaterial(name, defined=False) for name in reading.names],
        coloured=reading.coloured,
        broken=int((~good).sum()),
    )
    for name in dict.fromkeys(reading.libraries):
        library = find_beside(path, name)
        if library is None:
            out.missing.append(name)
        else:
            out.beside.append(library)
            _read_mtl(library, out.table)
    return out


def _read_mtl(path: Path, table: list[RawMaterial]) -> None:
    known = {material.name: material for material in table}
    current: RawMaterial | None = None
    for line in path.read_bytes().splitlines():
        word, _, rest = text_of(line.strip()).partition(" ")
        if word == "newmtl":
            current = known.get(rest.strip())
            if current is not None:
                current.defined = True
        elif current is None:
            continue
        elif word == "Kd":
            try:
                r, g, b = (min(max(round(float(v) * 255), 0), 255) for v in rest.split()[:3])
            except ValueError:
                continue
            current.colour = (r, g, b)
        elif word == "map_Kd":
            # options such as "-s 1 1 1" stand before the name, which may hold blanks
            current.texture = re.sub(r"^(-\w+(\s+(-?[\d.]+|on|off))*\s+)+", "", rest.strip())


def _pieces(path: Path) -> Iterator[bytes]:
    """The text in whole lines, with line breaks as LF and continued lines joined."""
    left = b""
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            piece = left + piece
            cut = piece.rfind(b"\n") + 1
            while cut > 1 and piece[:cut].rstrip(b"\r\n").endswith(b"\\"):
                cut = piece.rfind(b"\n", 0, cut - 1) + 1
            left = piece[cut:]
            yield _plain(piece[:cut])
    yield _plain(left)


def _plain(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\\\n", b" ")


def _numbers(lines: list[bytes], wanted: int) -> tuple[np.ndarray, int]:
    """(n, wanted) numbers of lines that may hold more, and how many the first one has."""
    widest = len(lines[0].split())
    try:
        text = b" ".join(lines)
        flat = np.array(() if b"#" in text else text.split(), dtype="S32").astype(np.float64)
        if widest >= wanted and flat.size == widest * len(lines):
            return flat.reshape(len(lines), widest)[:, :wanted], widest
        rows = [[_number(word) for word in line.split()[:wanted]] for line in lines]
        return np.array(rows, dtype="S32").astype(np.float64), widest
    except ValueError as error:
        raise _unclear(text_of(lines[0])[:80]) from error


def _number(word: bytes) -> bytes:
    return b"nan" if b"#" in word else word  # as some libraries write it: 1.#QNAN


def _integers(text: bytes) -> I64:
    try:
        return np.array(text.split(), dtype="S20").astype(np.int64)
    except ValueError as error:
        raise _unclear(text_of(text[:80])) from error


def _absolute(indices: I64, count: int) -> I64:
    """Indices from 0; what is out of range stays so."""
    return np.where(indices < 0, indices + count, indices - 1)


def _unclear(line: str) -> MeshFault:
    return MeshFault(
        f"It holds lines that no OBJ has, such as “{line}”. Export the mesh again.",
        f"含有不符合 OBJ 的行，如“{line}”。请重新导出网格。",
    )
