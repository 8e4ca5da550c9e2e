"""From the columns of a footprint layer to canonical buildings, and what is wrong in them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from ingest.mapping import buildings
from ingest.readers import footprint_checks as checks
from ingest.readers.base import ReadOptions
from ingest.readers.footprint_attributes import attributes
from ingest.readers.footprint_columns import Layer
from ingest.readers.footprint_report import Mask, Objects, Report, counted
from ingest.readers.footprint_values import Floats
from models.findings import Severity

_TEXTS: Final = ("name", "function", "address")


def build(
    wkb: Objects,
    fids: npt.NDArray[np.int64],
    names: list[str],
    columns: list[npt.NDArray[Any]],
    options: ReadOptions,
    report: Report,
    own: Sequence[dict[str, Any]] | None = None,
) -> pd.DataFrame:
    """Every row of the layer as a canonical one; ``report`` tells which of them are refused.

    ``wkb`` holds a geometry a row (None where there is none), ``columns`` the values of ``names``;
    ``own`` are the attributes of each row as a GeoJSON writes them, where they are known.
    """
    layer = Layer(names, columns, options, report)
    with np.errstate(invalid="ignore"):  # NaN coordinates, found below
        geometry: Objects = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)
    checks.check_geometry(geometry, np.array([shape is not None for shape in wkb]), report)
    geometry = _flat(geometry, report)
    height, source, foot, storeys = _heights(layer, options, report)
    base = layer.metres("base_height", "BLD-04")
    low, high = checks.BASE_RANGE
    report.rows(
        (base < low) | (base > high),
        "BLD-04",
        en=f"base height is {{found}}, expected {low:g} to {high:g} m. Check value and unit.",
        zh=f"基底高程为 {{found}}，应在 {low:g} 至 {high:g} m 之间。请核对数值与单位。",
        found=layer.raw("base_height"),
        expected=f"{low:g}..{high:g} m",
        column=layer.source("base_height"),
    )
    key, parent = _keys(layer, wkb, fids, report)
    frame = pd.DataFrame(
        {
            "key": key,
            "source_row": np.arange(1, report.count + 1),
            "source_sheet": report.sheet,
            "source_geom": wkb,
            "attrs": attributes(layer, own),
            "building_key": parent,
            **{name: layer.texts(name) for name in _TEXTS},
            "storeys": pd.array(np.where(np.isnan(storeys), 0, storeys), dtype="Int64"),
            "height": height - foot,
            "min_height": foot,
            "base_height": base,
            "base_source": np.where(np.isnan(base), None, "attribute"),  # type: ignore[call-overload]
            "height_source": source,
            "built": _years(layer),
            "geom": geometry,
        }
    )
    frame.loc[np.isnan(storeys), "storeys"] = pd.NA
    checks.check_repeated(geometry, foot, report)
    report.place(geometry)
    return frame


def _heights(
    layer: Layer, options: ReadOptions, report: Report
) -> tuple[Floats, Objects, Floats, Floats]:
    """Top above the base (m), where it comes from, foot above the base (m), storeys."""
    height = layer.metres("height", "BLD-02")
    storeys = layer.numbers("storeys", "BLD-05", Severity.WARNING)
    with np.errstate(invalid="ignore"):
        odd = (storeys < 1) | (storeys > checks.MAX_STOREYS) | (storeys != np.round(storeys))
    odd &= ~np.isnan(storeys)
    report.rows(
        odd,
        "BLD-05",
        en=f"storeys is {{found}}, expected a whole number from 1 to {checks.MAX_STOREYS}. "
        "It was not used; correct it.",
        zh=f"层数为 {{found}}，应为 1 至 {checks.MAX_STOREYS} 的整数。未采用，请更正。",
        found=layer.raw("storeys"),
        expected=f"1..{checks.MAX_STOREYS}",
        column=layer.source("storeys"),
        severity=Severity.WARNING,
    )
    storeys = np.where(odd, np.nan, storeys)
    each = buildings.storey_height(options.profile)
    guessed = np.isnan(height) & ~np.isnan(storeys) & ~report.bad
    shown = layer.raw("height")
    checks.check_storeys(height, storeys, layer.source("height"), shown, report)
    height = np.where(guessed, storeys * each, height)
    source = np.where(guessed, "storeys", "attribute").astype(object)
    if guessed.any():
        many = int(np.count_nonzero(guessed))
        report.whole(
            "BLD-06",
            Severity.INFO,
            en=f"the height of {counted(many, 'building')} is storeys x {each:g} m; "
            "deliver measured heights where they are known.",
            zh=f"{many} 栋建筑的高度按层数 × {each:g} m 估算；如有实测高度请提供。",
            found=str(many),
            column=layer.source("storeys"),
        )
    column = layer.source("height") or layer.source("storeys")
    if column is None:
        checks.refuse_without_heights(layer.names, report)
    checks.check_heights(height, np.where(guessed, height, shown), column, report)
    foot = np.nan_to_num(layer.metres("min_height", "BLD-03"))
    with np.errstate(invalid="ignore"):
        upside = (foot < 0) | (foot >= height)
    report.rows(
        upside & ~report.bad,
        "BLD-03",
        en="min_height is {found}, expected at least 0 and less than the height. Correct it.",
        zh="起始高度为 {found}，应不小于 0 且小于建筑高度。请更正。",
        found=foot,
        expected="0 <= min_height < height",
        column=layer.source("min_height"),
    )
    return height, source, foot, storeys


def _keys(
    layer: Layer, wkb: Objects, fids: npt.NDArray[np.int64], report: Report
) -> tuple[Objects, Objects]:
    """The key of each row and its building's, where it is a part.

    A row without an id gets one from its geometry: it stays the same when the file is delivered
    again in another order.
    """
    key = layer.texts("key")
    missing = np.array([word is None for word in key], dtype=bool)
    if "key" not in layer.found and not np.array_equal(np.sort(fids), np.arange(fids.size)):
        if layer_has_ids := report.sheet is None:
            key = fids.astype(str).astype(object)  # ids of GeoJSON features, which GDAL hands on
        missing = np.full(report.count, not layer_has_ids)
    report.rows(
        checks.duplicated(key),
        "STR-06",
        en="id {found} occurs more than once, expected unique ids. Correct the ids.",
        zh="编号 {found} 重复，应唯一。请更正编号。",
        found=key,
        expected="unique",
        column=layer.source("key"),
    )
    if missing.any():
        digests = pd.Series(
            [
                hashlib.sha1(shape or b"", usedforsecurity=False).hexdigest()[:20]
                for shape in wkb[missing]
            ]
        )
        again = digests.groupby(digests).cumcount().to_numpy()
        key[missing] = [
            f"geom:{digest}" if not times else f"geom:{digest}:{times}"
            for digest, times in zip(digests, again, strict=True)
        ]
        many = int(np.count_nonzero(missing))
        report.whole(
            "STR-07",
            Severity.WARNING if "key" in layer.found else Severity.INFO,
            en=f"{counted(many, 'feature')} without an id: the id is made from the geometry and "
            "changes with it. Deliver an id column.",
            zh=f"{many} 个要素没有编号，按几何生成，几何变化则编号变化。建议提供编号字段。",
            found=str(many),
            column=layer.source("key"),
        )
    parent = layer.texts("building_key")
    parent[parent == key] = None
    is_part = np.array([word is not None for word in parent], dtype=bool)
    whole = set(key[~is_part & ~report.bad])
    report.rows(
        is_part & np.array([word not in whole for word in parent], dtype=bool),
        "BLD-07",
        en="its building {found} is not among the accepted buildings. Deliver both together.",
        zh="所属建筑 {found} 不在通过检查的建筑中。请一并提交。",
        found=parent,
        expected="id of a building in this file",
        column=layer.source("building_key"),
    )
    return key, parent


def _years(layer: Layer) -> Any:
    """Year built from a number or the first four digits of a date; null where out of range."""
    words = pd.Series(layer.texts("built"), dtype=object)
    years = pd.to_numeric(words.str.extract(r"(\d{4})", expand=False), errors="coerce")
    low, high = checks.YEARS
    return years.where((years >= low) & (years <= high)).astype("Int64").array


def _flat(geometry: Objects, report: Report) -> Objects:
    """Geometries without Z; a finding tells that there was some."""
    has_z: Mask = shapely.has_z(geometry)
    if not has_z.any():
        return geometry
    count = int(np.count_nonzero(has_z))
    report.whole(
        "GEO-07",
        Severity.INFO,
        en=f"Z of {counted(count, 'polygon')} is not used: give base heights in a column.",
        zh=f"{count} 个多边形带有 Z 值，未采用：请以字段给出基底高程。",
        found=str(count),
    )
    return np.asarray(shapely.force_2d(geometry), dtype=object)
