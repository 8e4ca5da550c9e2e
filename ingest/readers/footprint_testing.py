"""Footprint files for tests, as they are delivered, and what the reader finds in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyogrio
import shapely

from ingest.errors import RefusedError
from ingest.readers.base import ReadOptions
from ingest.readers.footprints import FootprintReader
from models.features import Delivery
from models.findings import Finding, Severity

READER: Final = FootprintReader()
#: A place in EPSG:4549, east and north.
X, Y = 617_000.0, 3_430_000.0
LON, LAT = 121.22, 30.98


def ring(x: float, y: float, size: float = 0.0002) -> list[list[float]]:
    """A square ring with its least corner at ``x``, ``y``."""
    return [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    """A GeoJSON polygon."""
    return {"type": "Polygon", "coordinates": rings}


def feature(number: int, geometry: Any = ..., **properties: Any) -> dict[str, Any]:
    """Feature ``b{number}``, a square of its own unless ``geometry`` is given."""
    if geometry is ...:
        geometry = polygon(ring(LON + number * 0.0003, LAT))
    return {
        "type": "Feature",
        "properties": {"id": f"b{number}", **properties},
        "geometry": geometry,
    }


def geojson(folder: Path, *features: dict[str, Any], name: str = "a.geojson", **more: Any) -> Path:
    """A GeoJSON file of ``features`` with the members ``more``."""
    path = folder / name
    body = {"type": "FeatureCollection", **more, "features": features}
    path.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    return path


def named_crs(name: str) -> dict[str, Any]:
    """The ``crs`` member of GeoJSON 2008."""
    return {"type": "name", "properties": {"name": name}}


def written(
    path: Path,
    driver: str,
    columns: dict[str, Any] | None = None,
    encoding: str | None = None,
    crs: str | None = "EPSG:4549",
    shapes: Sequence[shapely.Geometry] | None = None,
    **more: Any,
) -> Path:
    """Three square buildings, 20 m wide, or ``shapes``, as ``driver`` writes them."""
    columns = columns or {
        "编号": ["甲-1", "甲-2", "甲-3"],
        "名称": ["南楼", "北楼", "東塔"],
        "高度": [12.5, 30.0, 99.9],
    }
    shapes = shapes or [shapely.box(X + 50 * i, Y, X + 50 * i + 20, Y + 20) for i in range(3)]
    values = [
        np.array(v, dtype=object if isinstance(v[0], str) else None) for v in columns.values()
    ]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(shapes),
        values,
        list(columns),
        geometry_type="Polygon",
        crs=crs,
        driver=driver,
        encoding=encoding,
        **more,
    )
    return path


def read(path: Path, **options: Any) -> Delivery:
    """What the reader makes of ``path``, with 1985 heights unless ``options`` say otherwise."""
    options.setdefault("vertical", "1985")
    (group,) = READER.group([path])
    return READER.read(group, ReadOptions(**options))


def refusal(path: Path, **options: Any) -> tuple[Finding, ...]:
    """The findings with which ``path`` is refused, each of them complete."""
    try:
        read(path, **options)
    except RefusedError as error:
        for finding in error.findings:
            require_complete(finding)
        return error.findings
    raise AssertionError(f"{path.name} was not refused")


def refused(path: Path, code: str, **options: Any) -> str:
    """The sentences of the first finding on a refused ``path``, which must be an error of
    ``code``."""
    first = refusal(path, **options)[0]
    if (first.code, first.severity) != (code, Severity.ERROR):
        raise AssertionError(f"expected an error {code}, found {first}")
    return f"{first.en} {first.zh}"


def rows_by_code(delivery: Delivery) -> dict[str, list[int | None]]:
    """Rows of the findings by code; all findings must be complete."""
    found: dict[str, list[int | None]] = {}
    for finding in delivery.findings:
        require_complete(finding)
        found.setdefault(finding.code, []).append(finding.place.row)
    return found


def only(findings: Sequence[Finding], code: str) -> Finding:
    """The one finding of ``code``."""
    (finding,) = [finding for finding in findings if finding.code == code]
    return finding


def require_complete(finding: Finding) -> None:
    """Raise :class:`AssertionError` unless the finding speaks both languages, names its file, and
    an error says what was found and what was expected."""
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in finding.zh)
    sentences = (finding.zh, finding.en)
    if not (
        chinese
        and finding.zh != finding.en
        and any(letter.isascii() and letter.isalpha() for letter in finding.en)
        and all(finding.place.file in sentence for sentence in sentences)
        and not any(left in sentence for sentence in sentences for left in ("{found}", "None"))
        and (finding.severity is not Severity.ERROR or (finding.found and finding.expected))
    ):
        raise AssertionError(f"a finding that does not say enough: {finding}")
