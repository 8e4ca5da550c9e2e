"""LAS and LAZ files (ASPRS LAS 1.0 to 1.4, COPC included) read in pieces of bounded size.

laspy reads headers and records, lazrs decompresses. A piece is a run of points that can be read
without those before it: of a LAZ file, one or more of its compressed chunks, found by the chunk
table, so that several processes can read one file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import laspy
import lazrs
import numpy as np
import numpy.typing as npt

from models.las_errors import BROKEN, HEAD, LasError, broken, cut, require_room, told

__all__ = ["LasError", "LasFile", "Piece", "Points"]

F64 = npt.NDArray[np.float64]

#: Points of a piece; a LAZ chunk that holds more is refused, for it can only be read whole.
PIECE: Final = 400_000
MAX_CHUNK: Final = 4_000_000
_LASZIP: Final = 22204
_PROJECTION: Final = "LASF_Projection"
_WKT, _GEO_KEYS = 2112, 34735
#: GeoTIFF keys: projected, geographic and vertical CRS as EPSG codes; the first two exclude.
_PROJECTED, _GEOGRAPHIC, _VERTICAL, _USER_DEFINED = 3072, 2048, 4096, 32767


@dataclass(frozen=True, slots=True)
class Piece:
    """``count`` points that start at byte ``offset``; of a LAZ file, whole chunks of ``table``."""

    offset: int
    count: int
    size: int
    table: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Points:
    """Attributes of n points as the file has them; ``xyz`` (n, 3) with scale and offset applied.

    ``rgb`` (n, 3) and ``time`` (n,) are None where the point format has none; ``returns`` is the
    return number; ``withheld`` marks points that their producer deleted (LAS 1.4 R15, table 16).
    """

    xyz: F64
    classification: npt.NDArray[np.uint8]
    intensity: npt.NDArray[np.uint16]
    returns: npt.NDArray[np.uint8]
    withheld: npt.NDArray[np.bool_]
    rgb: npt.NDArray[np.uint16] | None
    time: F64 | None


class LasFile:
    """A LAS or LAZ file whose header is sound.

    Raises :class:`LasError` for a file that is no LAS, is shorter than its header says, or has no
    usable table of compressed chunks; :class:`OSError` where it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as stream:
                require_room(path, stream.read(HEAD))
                stream.seek(0)
                header = laspy.LasHeader.read_from(stream, read_evlrs=False)
            self.header = header
            self.count = int(header.point_count)
            self._scales = np.array(header.scales, np.float64)
            self._offsets = np.array(header.offsets, np.float64)
            self.table = self._chunks() if header.are_points_compressed else ()
        except BROKEN as error:
            raise told(path, error) from error
        usable = np.isfinite([*self._scales, *self._offsets]).all() and (self._scales != 0).all()
        if not usable:
            found = f"{self._scales.tolist()}, {self._offsets.tolist()}"
            raise broken(path, f"scale and offset {found}", f"比例与偏移为 {found}")
        self._check_size()

    @property
    def box(self) -> F64:
        """(6,) minimum and maximum x, y, z as the header states them."""
        return np.array([*self.header.mins, *self.header.maxs], np.float64)

    @property
    def step(self) -> F64:
        """(3,) resolution of coordinates in units of the file."""
        return np.abs(self._scales)

    @property
    def has_time(self) -> bool:
        """Whether points have a GPS time."""
        return "gps_time" in self.header.point_format.dimension_names

    @property
    def has_colour(self) -> bool:
        """Whether points have red, green and blue."""
        return "red" in self.header.point_format.dimension_names

    @property
    def adjusted_time(self) -> bool:
        """Whether times are GPS seconds less 10^9 (else seconds of the GPS week)."""
        return bool(self.header.global_encoding.gps_time_type)

    def crs(self) -> str | None:
        """The CRS that the file states: WKT, or EPSG codes of its GeoTIFF keys; None for neither.

        A CRS that is defined by parameters in GeoTIFF keys counts as not stated.
        """
        records = list(self.header.vlrs.get_by_id(_PROJECTION))
        for record in records:
            if record.record_id == _WKT:
                text = bytes(record.record_data_bytes()).split(b"\0")[0]
                if wkt := text.decode("utf-8", "replace").strip():
                    return wkt
        keys: dict[int, int] = {}
        for record in records:
            if record.record_id == _GEO_KEYS:
                keys |= {k.id: k.value_offset for k in record.geo_keys if not k.tiff_tag_location}
        flat = next((keys[k] for k in (_PROJECTED, _GEOGRAPHIC) if keys.get(k)), _USER_DEFINED)
        if flat == _USER_DEFINED:
            return None
        up = keys.get(_VERTICAL, 0)
        return f"EPSG:{flat}" + (f"+{up}" if 0 < up < _USER_DEFINED else "")

    def pieces(self, limit: int = PIECE) -> Iterator[Piece]:
        """The file's points in order, about ``limit`` at a time."""
        start = self.header.offset_to_point_data
        if not self.header.are_points_compressed:
            size = self.header.point_format.size
            for first in range(0, self.count, limit):
                count = min(limit, self.count - first)
                yield Piece(start + first * size, count, count * size)
            return
        offset, open_at = start + 8, start + 8  # eight bytes tell where the chunk table lies
        held: list[tuple[int, int]] = []
        for count, size in self.table:
            if held and sum(n for n, _ in held) + count > limit:
                yield _piece(open_at, held)
                held, open_at = [], offset
            held.append((count, size))
            offset += size
        if held:
            yield _piece(open_at, held)

    def read(self, piece: Piece) -> Points:
        """The points of ``piece``. Raises :class:`LasError` where they are damaged."""
        layout = self.header.point_format
        try:
            with self.path.open("rb") as stream:
                stream.seek(piece.offset)
                data = np.frombuffer(stream.read(piece.size), np.uint8)
            if len(data) != piece.size:
                raise cut(self.path, len(data), piece.size)
            if piece.table:
                raw = np.zeros(piece.count * layout.size, np.uint8)
                record = self._laszip().record_data
                lazrs.decompress_points_with_chunk_table(data, record, raw, list(piece.table))
                data = raw
            record = laspy.PackedPointRecord(data.view(layout.dtype()), layout)
            return self._points(record)
        except BROKEN as error:
            raise told(self.path, error) from error
        except BaseException as error:  # of a panic in lazrs, pyo3 makes none of Python's errors
            if type(error).__name__ != "PanicException":
                raise
            raise told(self.path, error) from error

    def _points(self, record: Any) -> Points:
        whole = np.stack([record["X"], record["Y"], record["Z"]], axis=1)
        rgb = None
        if self.has_colour:
            rgb = np.stack([record["red"], record["green"], record["blue"]], axis=1)
        return Points(
            whole * self._scales + self._offsets,
            np.asarray(record["classification"], np.uint8),
            np.asarray(record["intensity"], np.uint16),
            np.asarray(record["return_number"], np.uint8),
            np.asarray(record["withheld"], np.bool_),
            rgb,
            np.asarray(record["gps_time"], np.float64) if self.has_time else None,
        )

    def _laszip(self) -> Any:
        for record in self.header.vlrs:
            if record.record_id == _LASZIP:
                return record
        raise broken(self.path, "no record of how it is compressed", "缺少压缩方式记录")

    def _chunks(self) -> tuple[tuple[int, int], ...]:
        """(points, bytes) of every compressed chunk."""
        if not self.count:
            return ()
        start = self.header.offset_to_point_data
        with self.path.open("rb") as stream:
            stream.seek(start)
            (place,) = struct.unpack("<q", stream.read(8))
            if not start < place < self.path.stat().st_size:
                raise broken(self.path, "no table of compressed chunks", "缺少压缩块表")
            stream.seek(start)
            table = lazrs.read_chunk_table(stream, lazrs.LazVlr(self._laszip().record_data))
        if not table:
            raise broken(self.path, "an empty table of compressed chunks", "压缩块表为空")
        before = sum(count for count, _ in table[:-1])
        last = self.count - before  # of chunks of equal size, the table does not count the last
        if not 0 < last <= table[-1][0]:
            held = before + table[-1][0]
            raise broken(
                self.path,
                f"compressed chunks hold up to {held} points, the header states {self.count}",
                f"压缩块最多含 {held} 个点，而文件头为 {self.count} 个",
            )
        largest = max(last, *(count for count, _ in table[:-1]), 0)
        if largest > MAX_CHUNK:
            raise broken(
                self.path,
                f"a compressed chunk of {largest} points, at most {MAX_CHUNK} are read",
                f"单个压缩块含 {largest} 个点，上限为 {MAX_CHUNK}",
            )
        if sum(size for _, size in table) > place - start:
            raise broken(self.path, "chunks reach beyond their table", "压缩块超出其块表")
        return (*((int(n), int(size)) for n, size in table[:-1]), (last, int(table[-1][1])))

    def _check_size(self) -> None:
        if self.header.are_points_compressed:
            return
        need = self.header.offset_to_point_data + self.count * self.header.point_format.size
        found = self.path.stat().st_size
        if found < need:
            raise cut(self.path, found, need)


def _piece(offset: int, table: list[tuple[int, int]]) -> Piece:
    counts, sizes = zip(*table, strict=True)
    return Piece(offset, sum(counts), sum(sizes), tuple(table))
