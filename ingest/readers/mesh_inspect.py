"""What is in a textured mesh, told as JSON in a process of its own (:mod:`ingest.isolation`), and
its arrays and images in a folder."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np
from PIL import Image, UnidentifiedImageError

from ingest.readers.mesh_gltf import read_gltf
from ingest.readers.mesh_obj import read_obj
from ingest.readers.mesh_raw import F64, I64, MeshFault, RawMaterial, RawMesh, find_beside
from models.texturedmesh import Look, MeshArrays

#: Images are opened as these, whatever their names say.
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "TGA")
#: Pixels that one image may have: 32,768 squared.
_PIXELS: Final = 1 << 30
#: A side beyond which an image is remarked on: many clients draw no more.
_WIDE: Final = 16_384
#: Texture coordinates of more than so many repetitions of an image are taken for damage.
_REPEATED: Final = 1e6
#: Share of the surface that has to look one way before it tells where up is.
_DECIDED: Final = 0.35


class Seen(TypedDict):
    """A mesh: ``fault`` (English, Chinese) why it cannot be read; ``box`` (6) of the triangles that
    are kept, with ``offset`` and z up; ``normal`` (3) the mean direction of the surface; the rest
    are counts and names of what is wrong."""

    fault: tuple[str, str] | None
    triangles: int
    total: int
    box: list[float]
    normal: list[float]
    up: str
    colours: list[list[int]]
    textures: list[int]
    images: list[str]
    looks: list[dict[str, Any]]
    beside: list[str]
    missing: list[str]
    lost: list[str]
    elsewhere: list[str]
    unread: list[str]
    wide: list[str]
    undefined: list[str]
    translucent: list[str]
    ignored: list[str]
    broken: int
    infinite: int
    flat: int
    bare: int
    coloured: bool
    step: float


def inspect(path: str, folder: str, up: str | None, offset: list[float]) -> Seen:
    """Read the mesh at ``path`` and write arrays and images to ``folder``.

    ``up`` (y or z) overrules the format; ``offset`` (east, north, height) is added.
    """
    seen = _nothing()
    source = Path(path)
    try:
        raw = read_obj(source) if not _is_gltf(source) else read_gltf(source)
        _geometry(raw, seen, Path(folder), up, offset)
        _images(raw, seen, source, Path(folder))
    except MeshFault as fault:
        seen["fault"] = (fault.en, fault.zh)
    except (ValueError, KeyError, IndexError, TypeError, OverflowError, struct.error) as error:
        told = f"{type(error).__name__}: {error}"[:200]
        seen["fault"] = (
            f"It cannot be read ({told}); it may be damaged or half-written. Export it again.",
            f"无法读取（{told}），文件可能已损坏或未写完。请重新导出。",
        )
    return seen


def _geometry(raw: RawMesh, seen: Seen, folder: Path, up: str | None, offset: list[float]) -> None:
    seen["up"] = up or raw.up or "z"
    seen["broken"], seen["coloured"] = raw.broken, raw.coloured
    seen["missing"], seen["ignored"] = raw.missing, raw.ignored
    seen["beside"] = [str(path) for path in raw.beside]
    seen["total"] = len(raw.faces) + raw.broken
    positions = raw.positions if seen["up"] == "z" else _z_up(raw.positions)
    sound = np.asarray(np.isfinite(positions).all(axis=1))
    finite = sound[raw.faces].all(axis=1)
    seen["infinite"] = int((~finite).sum())
    places, number = np.unique(positions[np.unique(raw.faces[finite])], axis=0, return_inverse=True)
    faces = _renumbered(raw.faces[finite], number.ravel())
    a, b, c = (places[faces[:, at]] for at in range(3))
    cross = np.cross(b - a, c - a)
    sound = np.linalg.norm(cross, axis=1) > 0
    seen["flat"] = int((~sound).sum())
    kept = np.flatnonzero(finite)[sound]
    faces, cross = faces[sound], cross[sound]
    seen["triangles"] = len(faces)
    if not len(faces):
        return
    whole = np.linalg.norm(cross, axis=1).sum()
    seen["normal"] = (cross.sum(axis=0) / whole).tolist()
    corners = raw.corners[kept].astype(np.int64)
    possible = (np.abs(_of(raw.uv, corners)) <= _REPEATED).all(axis=(1, 2))  # which NaN is not
    textured = (corners >= 0).all(axis=1) & possible
    material = raw.materials[kept]
    wanted = np.array([m.texture is not None or m.data is not None for m in raw.table], np.bool_)
    seen["bare"] = int((wanted[material] & ~textured).sum())
    uv, at = np.unique(_of(raw.uv, corners)[textured].reshape(-1, 2), axis=0, return_inverse=True)
    fresh = np.full(corners.shape, -1, np.int32)
    fresh[textured] = at.reshape(-1, 3)
    places = places + np.array(offset)
    used = places[np.unique(faces)]
    seen["box"] = [*used.min(axis=0).tolist(), *used.max(axis=0).tolist()]
    if raw.single and not offset[0]:
        seen["step"] = float(np.spacing(np.abs(used).max().astype(np.float32)))
    arrays = MeshArrays(
        np.ascontiguousarray(places),
        faces.astype(np.int32),
        uv.astype(np.float32),
        fresh,
        material.astype(np.uint16),
    )
    arrays.save(folder)


def _images(raw: RawMesh, seen: Seen, source: Path, folder: Path) -> None:
    written: dict[str, str | None] = {}
    numbers: dict[tuple[str, Look], int] = {}
    for material in raw.table:
        seen["colours"].append(list(material.colour))
        if not material.defined and material.name:
            seen["undefined"].append(material.name)
        if material.translucent:
            seen["translucent"].append(material.name)
        name = _image(material, seen, source, folder, written)
        if name is None:
            seen["textures"].append(-1)
            continue
        drawn = name, material.look
        if drawn not in numbers:
            numbers[drawn] = len(numbers)
            seen["images"].append(name)
            seen["looks"].append(asdict(material.look))
        seen["textures"].append(numbers[drawn])


def _image(
    material: RawMaterial, seen: Seen, source: Path, folder: Path, written: dict[str, str | None]
) -> str | None:
    """The file of a material's image in ``folder``, None where it has none that can be used;
    ``written`` are those of the images before it, None where one could not be read."""
    named, data = material.texture, material.data
    if named is None:
        return None
    if data is not None:
        key = hashlib.sha256(data).hexdigest()
    else:
        found = find_beside(source, named)
        if found is None:
            seen["lost"].append(named)
            return None
        if named.replace("\\", "/").startswith("/") or ":" in named:
            seen["elsewhere"].append(named)
        key = str(found)
    if key in written:
        return written[key]
    if data is None:
        data = Path(key).read_bytes()
        seen["beside"].append(key)
    written[key] = None
    try:
        Image.MAX_IMAGE_PIXELS = None  # the limit is ours, below
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > _PIXELS:
                raise ValueError(f"{width} × {height} pixels")
            kind = image.format
            image.draft("RGB", (1024, 1024))
            image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, MemoryError) as error:
        seen["unread"].append(f"{named} ({error})"[:200])
        return None
    if max(width, height) > _WIDE:
        seen["wide"].append(f"{named} ({width} × {height})")
    name = written[key] = f"{len(written) - 1}.{str(kind).lower()}"
    (folder / name).write_bytes(data)
    return name


def decided(normal: list[float]) -> int | None:
    """The axis (0 x, 1 y, 2 z) that most of an open surface looks along, None where it is not
    plain, as for closed bodies."""
    strength = np.abs(normal)
    axis = int(strength.argmax())
    others = float(np.delete(strength, axis).max())
    return axis if strength[axis] > max(_DECIDED, 2 * others) else None


def _is_gltf(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(64)
    return head.startswith(b"glTF") or head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def is_gltf_json(path: Path) -> bool:
    """Whether a file of JSON is a glTF 2.0, by what stands at its top."""
    try:
        document: Any = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and "asset" in document and "meshes" in document


def _z_up(positions: F64) -> F64:
    return np.column_stack([positions[:, 0], -positions[:, 2], positions[:, 1]])


def _of(uv: np.ndarray, corners: I64) -> np.ndarray:
    """(m, 3, 2) texture coordinates; NaN where there are none."""
    padded = np.concatenate([uv.reshape(-1, 2), np.full((1, 2), np.nan, np.float32)])
    out: np.ndarray = padded[corners]
    return out


def _renumbered(faces: I64, number: I64) -> I64:
    """``faces`` with their vertices, in ascending order, numbered anew."""
    _, at = np.unique(faces, return_inverse=True)
    return np.asarray(number[at.ravel()].reshape(faces.shape), np.int64)


def _nothing() -> Seen:
    return {
        "fault": None,
        "triangles": 0,
        "total": 0,
        "box": [],
        "normal": [0.0, 0.0, 0.0],
        "up": "z",
        "colours": [],
        "textures": [],
        "images": [],
        "looks": [],
        "beside": [],
        "missing": [],
        "lost": [],
        "elsewhere": [],
        "unread": [],
        "wide": [],
        "undefined": [],
        "translucent": [],
        "ignored": [],
        "broken": 0,
        "infinite": 0,
        "flat": 0,
        "bare": 0,
        "coloured": False,
        "step": 0.0,
    }
