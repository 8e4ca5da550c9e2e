"""Buffer views, streams of vertex data, and the GLB container."""

from __future__ import annotations

import struct
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from tiles.compress import encode_attributes, encode_lines, encode_triangles

JsonObject: TypeAlias = dict[str, Any]
Rows: TypeAlias = npt.NDArray[np.generic]

MESHOPT: Final = "EXT_meshopt_compression"
BYTE, UNSIGNED_BYTE, UNSIGNED_SHORT, UNSIGNED_INT, FLOAT = 5120, 5121, 5123, 5125, 5126
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
_ALIGN: Final = 8  # what 3D Metadata asks of property table views; enough for everything else


class Views:
    """The buffer views of one GLB and the bytes behind them.

    With ``meshopt``, vertex and index views hold compressed data in buffer 0 and name buffer 1,
    a fallback without data, as the place of the uncompressed bytes.
    """

    def __init__(self, *, meshopt: bool) -> None:
        self.views: list[JsonObject] = []
        self.binary = bytearray()
        self.fallback = 0
        self._meshopt = meshopt

    def raw(self, data: bytes) -> int:
        """Bytes as they are; returns the view's index."""
        self.views.append({"buffer": 0, "byteOffset": self._append(data), "byteLength": len(data)})
        return len(self.views) - 1

    def attributes(self, rows: Rows, *, vertex: bool, octahedral: bool = False) -> int:
        """Rows of one attribute (n, k), each a multiple of 4 bytes.

        ``vertex`` is false for instance attributes, which have neither target nor stride.
        ``octahedral`` says that rows are in the form of that filter (meshopt only).
        """
        stride = rows.nbytes // len(rows)
        extra: JsonObject = {"byteStride": stride, "target": ARRAY_BUFFER} if vertex else {}
        if not self._meshopt:
            return self._plain(rows, extra)
        codec: JsonObject = {"byteStride": stride, "count": len(rows), "mode": "ATTRIBUTES"}
        if octahedral:
            codec["filter"] = "OCTAHEDRAL"
        return self._packed(rows.nbytes, encode_attributes(rows), codec, extra)

    def indices(self, indices: Rows, *, lines: bool = False) -> int:
        """Flat uint16 or uint32 indices of whole triangles, or of lines."""
        extra: JsonObject = {"target": ELEMENT_ARRAY_BUFFER}
        if not self._meshopt:
            return self._plain(indices, extra)
        codec: JsonObject = {"byteStride": indices.itemsize, "count": len(indices)}
        codec["mode"] = "INDICES" if lines else "TRIANGLES"
        packed = encode_lines(indices) if lines else encode_triangles(indices)
        return self._packed(indices.nbytes, packed, codec, extra)

    def buffers(self) -> list[JsonObject]:
        """The glTF ``buffers`` for these views."""
        out: list[JsonObject] = [{"byteLength": len(self.binary)}]
        if self.fallback:
            out.append({"byteLength": self.fallback, "extensions": {MESHOPT: {"fallback": True}}})
        return out

    def _plain(self, data: Rows, extra: JsonObject) -> int:
        index = self.raw(data.tobytes())
        self.views[index] |= extra
        return index

    def _packed(self, size: int, packed: bytes, codec: JsonObject, extra: JsonObject) -> int:
        place = {"buffer": 0, "byteOffset": self._append(packed), "byteLength": len(packed)}
        self.views.append(
            {"buffer": 1, "byteOffset": self.fallback, "byteLength": size}
            | extra
            | {"extensions": {MESHOPT: place | codec}}
        )
        self.fallback += -(-size // _ALIGN) * _ALIGN
        return len(self.views) - 1

    def _append(self, data: bytes) -> int:
        self.binary.extend(bytes(-len(self.binary) % _ALIGN))
        offset = len(self.binary)
        self.binary.extend(data)
        return offset


class Stream:
    """One attribute of all primitives in one view; accessors point into it.

    A tile has many small primitives. Sharing a view compresses better than a view each and keeps
    the JSON short.
    """

    def __init__(self, component: int, kind: Literal["SCALAR", "VEC3", "VEC4"]) -> None:
        self._component = component
        self._kind = kind
        self._parts: list[Rows] = []
        self._size = 0
        self._accessors: list[JsonObject] = []

    def add(self, rows: Rows, **extra: object) -> JsonObject:
        """Append rows and return their accessor; its view is filled in by :meth:`attach`."""
        accessor: JsonObject = {"componentType": self._component, "type": self._kind}
        accessor |= {"byteOffset": self._size, "count": len(rows)} | extra
        self._parts.append(rows)
        self._size += rows.nbytes
        self._accessors.append(accessor)
        return accessor

    def rows(self) -> Rows | None:
        """All rows, or None if there are none."""
        return np.concatenate(self._parts) if self._parts else None

    def attach(self, view: int) -> None:
        """Name the view in every accessor."""
        for accessor in self._accessors:
            accessor["bufferView"] = view


def pack_glb(document: JsonObject, binary: bytes) -> bytes:
    """A binary glTF 2.0 file with a JSON and a BIN chunk."""
    text = orjson.dumps(document)
    text += b" " * (-len(text) % 4)
    data = binary + bytes(-len(binary) % 4)
    total = 12 + 8 + len(text) + 8 + len(data)
    head = struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(text), b"JSON")
    return head + text + struct.pack("<I4s", len(data), b"BIN\0") + data
