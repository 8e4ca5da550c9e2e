"""The bytes of a glTF: its chunks, buffers, views and accessors, decoded within a budget."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import meshopt
import numpy as np
import numpy.typing as npt
import orjson

JsonObject: TypeAlias = dict[str, Any]
Array: TypeAlias = npt.NDArray[Any]

COMPONENTS: Final[dict[int, str]] = {
    5120: "<i1",
    5121: "<u1",
    5122: "<i2",
    5123: "<u2",
    5125: "<u4",
    5126: "<f4",
}
WIDTHS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
MESHOPT: Final = ("EXT_meshopt_compression", "KHR_meshopt_compression")

CHUNK_HEADER: Final = 8


class BudgetError(ValueError):
    """The content is larger, decoded, than the check may hold."""


def split_glb(data: bytes) -> tuple[JsonObject, bytes, int]:
    """JSON and BIN chunk of a GLB (glTF 2.0 section 4.4), and bytes of further chunks, which
    clients ignore. Raises ValueError."""
    if len(data) < 20 or data[:4] != b"glTF":
        raise ValueError("no GLB header")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise ValueError(f"GLB version {version}")
    if length > len(data) or len(data) - length >= 8:
        raise ValueError(f"a GLB of {len(data)} bytes whose header says {length}")
    size, kind = struct.unpack_from("<I4s", data, 12)
    if kind != b"JSON" or 20 + size > length:
        raise ValueError(f"a first chunk {kind!r} of {size} bytes")
    document = orjson.loads(data[20 : 20 + size])
    if not isinstance(document, dict):
        raise ValueError("a JSON chunk that is no object")
    at = 20 + size
    if at + 8 > length:
        return document, b"", 0
    size, kind = struct.unpack_from("<I4s", data, at)
    if kind != b"BIN\0" or at + 8 + size > length:
        raise ValueError(f"a second chunk {kind!r} of {size} bytes")
    end = at + 8 + size
    return document, data[at + 8 : end], length - end


class Buffers:
    """A glTF document with its buffers; ``fetch`` gives the bytes of a buffer's URI.

    No more than ``max_points`` elements and ``max_bytes`` decompressed are read.
    """

    def __init__(
        self,
        document: JsonObject,
        binary: bytes,
        fetch: Callable[[str], bytes],
        max_points: int,
        max_bytes: int,
    ) -> None:
        self.json = document
        self.binary = binary
        self._fetch = fetch
        self._points, self._bytes = max_points, max_bytes
        self._views: dict[int, bytes] = {}
        self._buffers: dict[int, bytes] = {}

    def view(self, index: int) -> bytes:
        """The bytes of a buffer view, decompressed."""
        if index not in self._views:
            self._views[index] = self._read_view(element(self.json["bufferViews"], index))
        return self._views[index]

    def buffer(self, index: int) -> bytes:
        """The bytes of a buffer, as many as its chunk, URI or file has."""
        if index not in self._buffers:
            spec = element(self.json["buffers"], index)
            uri = spec.get("uri")
            if uri is None:
                if index:
                    raise ValueError(f"buffer {index} without data")
                data = self.binary
            elif uri.startswith("data:"):
                data = base64.b64decode(uri.partition(",")[2], validate=True)
            else:
                data = self._fetch(uri)
            if len(data) < spec["byteLength"]:
                raise ValueError(f"a buffer of {len(data)} bytes, {spec['byteLength']} stated")
            self._buffers[index] = data
        return self._buffers[index]

    def accessor(self, index: int) -> Array:
        """The elements of an accessor (n, width); normalised ones as float64, sparse ones whole."""
        spec = element(self.json["accessors"], index)
        dtype, width = np.dtype(COMPONENTS[spec["componentType"]]), WIDTHS[spec["type"]]
        count = int(spec["count"])
        self.spend(points=count)
        if "bufferView" in spec:
            out = self._strided(spec["bufferView"], spec.get("byteOffset", 0), dtype, width, count)
        else:
            out = np.zeros((count, width), dtype)
        if "sparse" in spec:
            out = self._with_sparse(out.copy(), spec["sparse"], dtype, width)
        if spec.get("normalized") and dtype.kind in "iu":
            return np.maximum(out / np.iinfo(dtype).max, -1.0)
        return out

    def _strided(self, view: int, offset: int, dtype: Any, width: int, count: int) -> Array:
        stride = self.json["bufferViews"][view].get("byteStride", dtype.itemsize * width)
        data = self.view(view)
        need = offset + stride * (count - 1) + dtype.itemsize * width if count else 0
        if offset < 0 or stride < dtype.itemsize * width or need > len(data):
            raise ValueError(f"an accessor of {need} bytes in a view of {len(data)}")
        return np.ndarray((count, width), dtype, data, offset, (stride, dtype.itemsize))

    def _with_sparse(self, out: Array, sparse: JsonObject, dtype: Any, width: int) -> Array:
        where, values, count = sparse["indices"], sparse["values"], int(sparse["count"])
        kind = np.dtype(COMPONENTS[where["componentType"]])
        rows = self._strided(where["bufferView"], where.get("byteOffset", 0), kind, 1, count)
        out[rows[:, 0]] = self._strided(
            values["bufferView"], values.get("byteOffset", 0), dtype, width, count
        )
        return out

    def _read_view(self, view: JsonObject) -> bytes:
        extensions = view.get("extensions", {})
        packed = next((extensions[name] for name in MESHOPT if name in extensions), None)
        place = view if packed is None else packed
        start, length = place.get("byteOffset", 0), place["byteLength"]
        buffer = self.buffer(place["buffer"])
        if start < 0 or length < 0 or start + length > len(buffer):
            raise ValueError(f"a buffer view to byte {start + length} of {len(buffer)}")
        data = buffer[start : start + length]
        if packed is None:
            return data
        self.spend(size=packed["count"] * packed["byteStride"])
        decoded = meshopt.decode_gltf_buffer(
            data,
            packed["count"],
            packed["byteStride"],
            packed["mode"],
            packed.get("filter", "NONE"),
        )
        return bytes(decoded.tobytes())

    def spend(self, points: int = 0, size: int = 0) -> None:
        """Take from the budget. Raises :class:`BudgetError` where nothing is left."""
        if points < 0 or size < 0:
            raise ValueError("a negative count")
        self._points -= points
        self._bytes -= size
        if self._points < 0 or self._bytes < 0:
            raise BudgetError("more vertices or bytes than the limit")


def element(items: list[Any], index: int) -> Any:
    """``items[index]`` where a negative index is an error, not the last one."""
    if not isinstance(index, int) or index < 0:
        raise IndexError(f"index {index!r}")
    return items[index]
