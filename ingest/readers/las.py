"""Point clouds: one LAS, LAZ or COPC file, checked before a twin keeps it.

Every point is read once, in a process of its own, so that a damaged or hostile file can only end
that. What passes is stored as delivered by :func:`models.pointcloud.store_cloud`; tiling turns it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ingest import isolation
from ingest.errors import RefusedError, refuse
from ingest.isolation import Limits
from ingest.readers.base import ReadOptions
from ingest.readers.las_datums import datums_of
from ingest.readers.las_findings import place_findings, remarks
from ingest.readers.las_points import Elsewhere, Seen, elsewhere, inspect
from ingest.readers.signatures import beginning
from models.crs import STORAGE, StorageCrs
from models.errors import TwinError
from models.features import DatumPassport, SourceFile
from models.findings import Finding
from models.pointcloud import CloudPassport, Placement
from models.twins import TwinDefinition

_MAGIC: Final = b"LASF"
_EIGHT_BITS: Final = 255


@dataclass(frozen=True, slots=True)
class PointCloud:
    """A cloud that may be stored: its file and passport, how many of its points are refused, and
    findings on them and others."""

    path: Path
    passport: CloudPassport
    refused: int
    findings: tuple[Finding, ...]


def group(paths: Sequence[Path]) -> list[Path]:
    """Those of ``paths`` that are LAS or LAZ files by their first bytes."""
    return beginning(paths, (_MAGIC,))


def read(
    path: Path,
    options: ReadOptions,
    twin: TwinDefinition | None = None,
    storage: StorageCrs = STORAGE,
) -> PointCloud:
    """Check the cloud at ``path``, for ``twin`` where one is named.

    Raises :class:`ingest.errors.RefusedError`: STR-00 not readable, cut short or half-written,
    PTC-01 without points, PTC-02 in feet, PTC-03 all of it elsewhere than the twin or outside the
    box of its own header, MET-01 datums, CRS-02 outside their area.
    """
    name = path.name
    if not group([path]):
        raise refuse(
            "STR-00",
            name,
            zh=f"{name} 不是 LAS/LAZ 点云。请提交 LAS、LAZ 或 COPC 文件。",
            en=f"{name} is no LAS or LAZ point cloud. Deliver a LAS, LAZ or COPC file.",
            found="-",
            expected="LAS, LAZ, COPC",
        )
    limits = Limits(options.time_limit, options.memory_limit)
    seen: Seen = _isolated(name, limits, "inspect", str(path))
    if seen["fault"] is not None:
        en, zh = seen["fault"]
        raise refuse("STR-00", name, zh=zh, en=en, found=name, expected="LAS, LAZ, COPC")
    if not seen["count"]:
        raise refuse(
            "PTC-01",
            name,
            zh=f"{name} 中没有点。请检查导出设置后重新提交。",
            en=f"{name} holds no points. Check how it was exported and deliver it again.",
            found="0",
            expected="点 points",
        )
    datums = datums_of(name, seen["crs"], seen["box"], options)
    source = SourceFile.of(path)
    checked = _passport(source, datums, seen, 0.0 if twin is None else twin.n_offset)
    try:
        there = _places(path, checked, twin, storage, limits)
    except RefusedError:
        raise
    except TwinError as error:
        raise refuse(
            error.code, name, en=f"{name}: {error.en}", zh=f"{name}：{error.zh}"
        ) from error
    refused = place_findings(checked, there, twin)
    lost = there["far"] + there["height"] + checked.stray
    lost = min(lost, checked.count)  # a point may be refused for two reasons
    return PointCloud(path, checked, lost, (*refused, *remarks(checked, seen["colour"])))


def _passport(
    source: SourceFile, datums: DatumPassport, seen: Seen, n_offset: float
) -> CloudPassport:
    assert datums.horizontal is not None
    assert datums.vertical is not None
    colour = seen["colour"]
    times = seen["times"]
    return CloudPassport(
        source.name,
        source.sha256,
        datums.horizontal,
        datums.vertical,
        seen["count"],
        tuple(seen["box"]),
        tuple(seen["stated"]),
        seen["stray"],
        seen["withheld"],
        seen["classes"],
        0 if not colour else 8 if colour <= _EIGHT_BITS else 16,
        seen["intensity"],
        seen["returns"],
        None if times is None else (times[0], times[1]),
        seen["adjusted"],
        n_offset,
    )


def _places(
    path: Path,
    checked: CloudPassport,
    twin: TwinDefinition | None,
    storage: StorageCrs,
    limits: Limits,
) -> Elsewhere:
    """Points that are not where they can be; only asked one by one where the box says so."""
    extent = None if twin is None else twin.extent
    place = Placement(checked.horizontal, checked.vertical, storage, checked.n_offset, extent)
    if place.holds(checked.box):
        return {"far": 0, "height": 0, "first": []}
    asked = (checked.horizontal, checked.vertical, storage.srid, checked.n_offset)
    there: Elsewhere = _isolated(
        path.name, limits, "elsewhere", str(path), *asked, None if extent is None else list(extent)
    )
    return there


def _isolated(name: str, limits: Limits, function: str, *arguments: Any) -> Any:
    assert function in (inspect.__name__, elsewhere.__name__)
    try:
        return isolation.run(f"{inspect.__module__}:{function}", *arguments, limits=limits)
    except isolation.IsolationError as error:
        raise refuse(
            "STR-00",
            name,
            zh=f"{name} 无法完整读取（{error}），可能已损坏或未写完。请重新导出后提交。",
            en=f"{name} cannot be read in full ({error}); it may be damaged or half-written. "
            "Export it again.",
            found=str(error),
            expected="LAS, LAZ, COPC",
        ) from error
