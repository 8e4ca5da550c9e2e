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
from ingest.readers import footprint_datums, footprint_source, footprint_table
from ingest.readers.base import ReadOptions
from ingest.readers.footprint_checks import Objects, Report
from ingest.readers.footprint_extract import MAX_COLUMNS
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
            columns = [_column(folder, index) for index in range(len(answer["columns"]))]
            fids = np.load(folder / "fids.npy", allow_pickle=False)
        crs = source.crs if source.driver in {"GeoJSON", "ESRI Shapefile"} else answer["crs"]
        passport = footprint_datums.passport(source.path.name, crs, source.default_crs, options)
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
        frame = footprint_table.build(wkb, fids, answer["columns"], columns, options, report)
        parts = frame["building_key"].notna().to_numpy(dtype=bool)
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
        raise _stopped(source.path.name, error) from None
    if "problem" in answer:
        raise _problem(source.path.name, answer)
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


def _stopped(file: str, error: isolation.IsolationError) -> RefusedError:
    """Why GDAL gave nothing: its own words, or the limit that it passed."""
    detail = error.detail.removeprefix("DataSourceError: ").replace(
        "source.", f"{Path(file).stem}."
    )
    limits = {
        isolation.Reason.TIME: ("超过读取时限", "took longer than the time limit"),
        isolation.Reason.MEMORY: ("超过内存限值", "needs more memory than the limit"),
        isolation.Reason.CRASH: ("导致读取程序崩溃", "crashed the reading process"),
        isolation.Reason.ERROR: ("无法读取", "cannot be read"),
    }
    zh, en = limits[error.reason]
    return refuse(
        "STR-00",
        file,
        en=f"{file} {en}: {detail}. The file may be damaged; export it again.",
        zh=f"{file} {zh}：{detail}。文件可能已损坏，请重新导出。",
        found=detail,
        expected="a readable file",
    )


def _problem(file: str, answer: dict[str, Any]) -> RefusedError:
    layers = ", ".join(answer.get("layers", ()))
    found = str(answer.get("found", layers))
    likely = " / ".join(answer.get("likely", ())) or "?"
    code, expected, en, zh = {
        "driver": (
            "STR-00",
            "footprints",
            f"GDAL took the file for {found}, which is not accepted",
            f"被识别为 {found}，不予接受",
        ),
        "columns": (
            "STR-02",
            f"<= {MAX_COLUMNS}",
            f"found {found} columns, expected at most {MAX_COLUMNS}. Leave out what is not needed",
            f"共有 {found} 列，最多 {MAX_COLUMNS} 列。请去除无关字段",
        ),
        "layer": (
            "STR-03",
            layers,
            f"there is no layer of the declared name; there are: {layers}. Name one of them",
            f"没有所声明的图层；现有：{layers}。请从中指定",
        ),
        "layers": (
            "STR-03",
            "one layer",
            f"found several polygon layers: {layers}. Name the one to read",
            f"存在多个面图层：{layers}。请指定要读取的图层",
        ),
        "no layer": (
            "STR-03",
            "a polygon layer",
            f"found no polygon layer, only: {layers or '-'}. Deliver footprints as polygons",
            f"没有面图层，仅有：{layers or '-'}。请以多边形提交建筑轮廓",
        ),
        "encoding": (
            "ENC-01",
            "UTF-8, or a declared code page",
            "the text is neither ASCII nor UTF-8, and no code page is declared "
            f"(as {likely} it reads {found!r}). Add a .cpg file or declare the encoding",
            f"文字既非 ASCII 也非 UTF-8，且未声明编码（按 {likely} 读为“{found}”）。"
            "请附 .cpg 文件或声明编码",
        ),
    }[answer["problem"]]
    return refuse(
        code, file, en=f"{file}: {en}.", zh=f"{file}：{zh}。", found=found, expected=expected
    )


def _gravest(finding: Finding) -> int:
    return list(Severity).index(finding.severity)


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


def _column(folder: Path, index: int) -> npt.NDArray[Any]:
    path = folder / f"{index}.npy"
    if path.exists():
        loaded: npt.NDArray[Any] = np.load(path, allow_pickle=False)
        return loaded
    text = (folder / f"{index}.json").read_bytes()
    values = orjson.loads(text.replace(b"\\u0000", b""))  # which no database text can hold
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _tell(answer: dict[str, Any], report: Report) -> None:
    """Findings on the file: what GDAL remarked, text that does not decode, Z that is not used."""
    for message in answer["messages"]:
        report.whole(
            "STR-04", Severity.WARNING, en=message, zh=f"读取提示：{message}", found=message
        )
    for index in sorted({index for _, index in answer.get("undecodable", ())}):
        mask = np.zeros(report.count, dtype=bool)
        mask[[row for row, column in answer["undecodable"] if column == index]] = True
        report.rows(
            mask,
            "ENC-01",
            en=f"the text is not {answer['encoding']}. Declare the file's real encoding.",
            zh=f"文字不符合 {answer['encoding']} 编码。请声明文件的实际编码。",
            found="?",
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
