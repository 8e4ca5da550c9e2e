"""Building footprints from GeoJSON, GeoPackage, Shapefile and FlatGeobuf.

GDAL reads in a process of its own (:mod:`ingest.readers.footprint_extract`); here its arrays become
canonical buildings and building parts, whole columns at a time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from ingest import isolation
from ingest.errors import RefusedError, refuse
from ingest.mapping.text import Json
from ingest.readers import (
    footprint_datums,
    footprint_position,
    footprint_refusals,
    footprint_source,
    footprint_table,
)
from ingest.readers.base import ReadOptions
from ingest.readers.footprint_report import Objects, Report, counted
from ingest.readers.footprint_source import Source
from models.features import Delivery, Theme
from models.findings import Finding, Severity

_ALLOWED: Final = frozenset({"GeoJSON", "GPKG", "ESRI Shapefile", "FlatGeobuf"})


class FootprintReader:
    """Reads building footprints with height or storeys.

    Tables ``building`` and, for rows that name a parent, ``building_part``; both carry a column
    ``min_height`` (m above the base, 0 mostly) that the pipeline adds to ``base_height``. Geometry
    is 2D in the source CRS. ``height`` is from the foot of the walls (base plus ``min_height``) to
    the top. ``base_height`` is NaN where the file has none.
    """

    name = "footprints"

    def group(self, paths: Sequence[Path]) -> list[tuple[Path, ...]]:
        """A group a file; the parts of a Shapefile together."""
        return footprint_source.group(paths)

    def read(self, paths: tuple[Path, ...], options: ReadOptions) -> Delivery:
        """Read one file. Raises :class:`RefusedError`; see :class:`ingest.readers.base.Reader`."""
        source = footprint_source.open_source(paths)
        with tempfile.TemporaryDirectory(prefix="footprints-") as name:
            folder = Path(name)
            answer = _extract(source, folder, options)
            wkb = _geometries(folder)
            columns = [
                _column(folder, index, index in answer["documents"])
                for index in range(len(answer["columns"]))
            ]
            own = orjson.loads((folder / "own.json").read_bytes()) if answer["own"] else None
            fids = np.load(folder / "fids.npy", allow_pickle=False)
        crs = source.crs if source.driver in {"GeoJSON", "ESRI Shapefile"} else answer["crs"]
        passport = footprint_datums.passport(
            source.path.name,
            crs,
            source.default_crs,
            options,
            footprint_position.middle_of_wkb(wkb),
        )
        sheet = answer["layer"] if source.driver == "GPKG" else None
        report = Report(source.path.name, sheet, answer["count"])
        _tell(answer, report)
        if answer["count"] == 0:
            raise refuse(
                "STR-01",
                source.path.name,
                en=f"{source.path.name} holds no features. Export the layer again.",
                zh=f"{source.path.name} 不含任何要素。请重新导出。",
                found="0",
                expected="> 0",
            )
        frame = footprint_table.build(wkb, fids, answer["columns"], columns, options, report, own)
        parts = frame["building_key"].notna().to_numpy(dtype=bool)
        at = footprint_position.middle(frame["geom"].to_numpy(dtype=object))
        assumed = source.default_crs is not None and crs is None and options.horizontal is None
        misplaced = (
            footprint_position.not_degrees(source.path.name, at) if assumed else None
        ) or footprint_position.not_there(source.path.name, at, passport.horizontal or "")
        if misplaced is not None:
            raise RefusedError([misplaced, *report.findings])
        if report.bad.all():
            raise RefusedError(sorted(report.findings, key=_gravest))
        return Delivery(
            theme=Theme.BUILDINGS,
            source=source.hashed(),
            passport=passport,
            tables={
                "building": frame[~report.bad & ~parts]
                .drop(columns="building_key")
                .reset_index(drop=True),
                "building_part": frame[~report.bad & parts].reset_index(drop=True),
            },
            findings=tuple(report.findings),
            features_in=answer["count"],
        )


def _extract(source: Source, folder: Path, options: ReadOptions) -> dict[str, Any]:
    """Have GDAL read the file, under a plain name and away from whatever lies beside it."""
    import pyogrio  # slow to load, and needed by who reads footprints only

    encoding = _encoding(source, options)
    main = footprint_source.stage(source, folder)
    try:
        answer: dict[str, Any] = isolation.run(
            "ingest.readers.footprint_extract:extract",
            str(main),
            str(folder),
            source.driver,
            sorted(set(pyogrio.list_drivers()) - _ALLOWED),
            options.layer,
            encoding,
            limits=isolation.Limits(options.time_limit, options.memory_limit),
        )
    except isolation.IsolationError as error:
        raise footprint_refusals.stopped(source.path.name, error) from None
    if "problem" in answer:
        raise footprint_refusals.problem(source, answer)
    return answer


def _encoding(source: Source, options: ReadOptions) -> str | None:
    """The code page of a DBF. Raises :class:`RefusedError` where file and declaration differ."""
    if source.driver != "ESRI Shapefile" or options.encoding is None:
        return source.encoding
    declared = footprint_source.codec(options.encoding, source.path.name)
    if source.encoding not in (None, declared):
        raise refuse(
            "ENC-01",
            source.path.name,
            en=f"{source.path.name}: the file's code page is {source.encoding}, the declared one "
            f"{declared}. Correct the .cpg file or the declaration.",
            zh=f"{source.path.name}：文件编码为 {source.encoding}，声明的编码为 {declared}，"
            "二者不一致。请更正 .cpg 或声明。",
            found=source.encoding,
            expected=declared,
        )
    return declared


def _gravest(finding: Finding) -> tuple[int, bool]:
    """Errors first, and of these what is said of the whole file."""
    return list(Severity).index(finding.severity), finding.place.row is not None


def _geometries(folder: Path) -> Objects:
    """WKB a row, None where there is none."""
    sizes = np.load(folder / "sizes.npy", allow_pickle=False)
    blob = np.load(folder / "wkb.npy", allow_pickle=False).tobytes()
    ends = np.cumsum(np.maximum(sizes, 0)).tolist()
    wkb = np.empty(len(sizes), dtype=object)
    wkb[:] = [
        None if size < 0 else blob[end - size : end]
        for end, size in zip(ends, sizes.tolist(), strict=True)
    ]
    return wkb


def _column(folder: Path, index: int, documents: bool) -> npt.NDArray[Any]:
    path = folder / f"{index}.npy"
    if path.exists():
        loaded: npt.NDArray[Any] = np.load(path, allow_pickle=False)
        return loaded
    values = orjson.loads((folder / f"{index}.json").read_bytes())
    column = np.empty(len(values), dtype=object)
    column[:] = [None if v is None else Json(v) for v in values] if documents else values
    return column


def _tell(answer: dict[str, Any], report: Report) -> None:
    """Findings on the file: what GDAL remarked, text that does not decode, Z that is not used."""
    if messages := answer["messages"]:
        quoted = "; ".join(messages)[:300]
        report.whole(
            "STR-04",
            Severity.WARNING,
            en=f"{counted(len(messages), 'remark')} from the library that reads the file; rows may "
            "be read otherwise than they were meant, expected none. Compare the rows it names with "
            f'what was exported. GDAL: "{quoted}"',
            zh=f"底层读取库给出 {len(messages)} 条提示，个别要素的读取结果可能与原意不同，"
            f"应无提示。请将所涉要素与导出前的数据核对。GDAL 原文：“{quoted}”",
            found=quoted,
            expected="no remark",
        )
    for index in sorted({index for _, index in answer.get("undecodable", ())}):
        mask = np.zeros(report.count, dtype=bool)
        mask[[row for row, column in answer["undecodable"] if column == index]] = True
        report.rows(
            mask,
            "ENC-01",
            en=f"{answer['columns'][index]} holds {{found}}, expected {answer['encoding']}, the "
            "file's code page. Correct its .cpg, or declare the real one with --encoding.",
            zh=f"{answer['columns'][index]} 的文字不符合 {answer['encoding']} 编码（{{found}}）。"
            "请更正 .cpg，或用 --encoding 声明实际编码。",
            found=f"bytes that are not {answer['encoding']}",
            expected=str(answer["encoding"]),
            column=answer["columns"][index],
        )
    if answer.get("encoding") == "utf-8":
        report.whole(
            "ENC-02",
            Severity.INFO,
            en="text was read as UTF-8.",
            zh="文字按 UTF-8 读取。",
            found="utf-8",
        )
