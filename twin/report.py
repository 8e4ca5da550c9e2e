"""Reports of findings: a terminal table, JSON and GeoJSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from models.errors import TwinError
from models.findings import Finding, Severity

_STYLE = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_SHOWN = 50


class ReportError(TwinError):
    """A report of that kind cannot be written there."""

    code = "RPT-01"


def require(path: Path) -> None:
    """Raise :class:`ReportError` before any work is done if ``path`` could not be written."""
    if path.suffix.lower() not in (".json", ".geojson"):
        raise ReportError(
            f"Reports are .json or .geojson, not {path.name}. Name the report so.",
            f"报告只支持 .json 和 .geojson，收到 {path.name}。请更改报告文件名。",
        )
    if not path.parent.is_dir():
        raise ReportError(
            f"The report {path} needs a folder that is there. Make it or choose another.",
            f"报告 {path} 所在目录不存在。请新建目录或另选位置。",
        )


def show(console: Console, findings: Sequence[Finding], limit: int = _SHOWN) -> None:
    """Print the gravest ``limit`` findings as a table, and how many are not shown."""
    if not findings:
        return
    table = Table(show_lines=False, expand=True, pad_edge=False)
    for name, options in (
        ("级别 Level", {"no_wrap": True}),
        ("代码 Code", {"no_wrap": True}),
        ("位置 Where", {"overflow": "fold"}),
        ("说明 What and what to do", {"overflow": "fold", "ratio": 1}),
    ):
        table.add_column(name, **options)
    order = list(Severity)
    for finding in sorted(findings, key=lambda f: order.index(f.severity))[:limit]:
        table.add_row(
            f"[{_STYLE[finding.severity]}]{finding.severity}[/]",
            finding.code,
            where(finding),
            f"{_escape(finding.zh)}\n[dim]{_escape(finding.en)}[/]",
        )
    console.print(table)
    if len(findings) > limit:
        console.print(
            f"… 另有 {len(findings) - limit} 条，用 --report 查看全部 "
            f"({len(findings) - limit} more; --report writes all)"
        )


def where(finding: Finding) -> str:
    """The place of a finding in one line: file, sheet, row, column, element."""
    place = finding.place
    parts = [place.file, place.sheet, place.row and f"行 row {place.row}", place.column]
    return _escape(" · ".join(str(p) for p in (*parts, place.element) if p))


def write(path: Path, findings: Sequence[Finding], summary: Mapping[str, Any], srid: int) -> None:
    """Write a report to ``path``: ``.json`` (all findings and ``summary``) or ``.geojson``.

    GeoJSON positions are longitude, latitude (CRS84) of findings that have a place, the others
    have null geometry (RFC 7946 section 3.2). Raises :class:`ReportError`.
    """
    require(path)
    body: dict[str, Any] = {**summary, "findings": [f.as_dict() for f in findings]}
    if path.suffix.lower() == ".geojson":
        body = {
            "type": "FeatureCollection",
            "features": [_feature(finding, srid) for finding in findings],
        }
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1, default=str), "utf-8")


def _feature(finding: Finding, srid: int) -> dict[str, Any]:
    from models.crs import StorageCrs, storage_to_geodetic

    geometry = None
    if finding.position is not None:
        e, n, _ = finding.position
        lon, lat, _h = storage_to_geodetic([e], [n], [0.0], StorageCrs(srid))
        geometry = {"type": "Point", "coordinates": [float(lon[0]), float(lat[0])]}
    properties = finding.as_dict()
    properties.pop("position")
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
