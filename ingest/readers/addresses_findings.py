"""What is wrong with address tables and their rows, told in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ingest.errors import RefusedError, refuse
from models.findings import Finding, Severity
from models.findings import Place as Where

_WRONG: Final = {
    "name": ("neither a name nor an address", "既无名称也无地址"),
    "position": ("a coordinate that is missing or no number", "坐标缺失或不是数值"),
    "height": ("a height that is no number", "高程不是数值"),
    "outline": (
        "an outline that is no valid polygon; expected WKT, POLYGON or MULTIPOLYGON",
        "范围不是有效的多边形，应为 WKT 的 POLYGON 或 MULTIPOLYGON",
    ),
    "area": (
        "a position outside the CRS's area of use: check the CRS and the order of coordinates",
        "坐标超出该坐标系适用范围，请检查坐标系及坐标次序",
    ),
}


def refused(path: Path, row: int, what: str) -> Finding:
    """That a row was left out since ``what`` of it is wrong: a key of what is told."""
    en, zh = _WRONG[what]
    return Finding(
        "ADR-01",
        Severity.ERROR,
        Where(path.name, None, row),
        f"{path.name} 第 {row} 行：{zh}，该行未采用。",
        f"{path.name}, row {row}: {en}; the row was left out.",
    )


def no_columns(path: Path, header: list[str]) -> RefusedError:
    """That a table has not the columns it needs; ``header`` are those it has."""
    there = ", ".join(header) or "-"
    return refuse(
        "ADR-02",
        path.name,
        en=f"{path.name}: found columns {there}; expected 名称 or 地址, and 经度, 纬度 (or 东坐标, "
        "北坐标) or 范围. X and Y are not taken: in surveys X is the northing. Rename the columns.",
        zh=f"{path.name} 的列为：{there}；应有“名称”或“地址”，以及“经度”“纬度”"
        "（或“东坐标”“北坐标”）或“范围”。不接受 X、Y：测量中 X 为北坐标。请修改列名。",
        found=there,
    )


def unreadable(path: Path, en: str, zh: str) -> RefusedError:
    """That a file is no table of texts, and why."""
    return refuse(
        "ADR-03",
        path.name,
        en=f"{path.name} cannot be read: {en}. Save it as CSV in UTF-8, up to 512 MB.",
        zh=f"{path.name} 无法读取：{zh}。请另存为 UTF-8 编码、不超过 512 MB 的 CSV。",
    )


def no_datum(path: Path, column: str) -> RefusedError:
    """That heights in ``column`` are above nobody knows what."""
    return refuse(
        "ADR-04",
        path.name,
        en=f"{path.name}: column {column} holds heights, but no vertical datum was declared. "
        "Declare it with --vertical (1985, 1956, wusong:1.6587, egm96 or ellipsoidal).",
        zh=f"{path.name} 的“{column}”列含高程，但未声明高程基准。"
        "请用 --vertical 声明（1985、1956、wusong:1.6587、egm96 或 ellipsoidal）。",
        found=column,
    )
