"""One delivery into the storage CRS of a twin: datums, coordinates, ids, what lies elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from ingest import ground
from ingest.errors import RefusedError, refuse
from ingest.transform import Mask, Transform
from models.crs import (
    STORAGE,
    StorageCrs,
    VerticalDatum,
    inside_area,
    looks_swapped,
    storage_to_geodetic,
)
from models.elevation import Terrain
from models.errors import TwinError
from models.features import Delivery, Theme, feature_id
from models.findings import Finding, Place, Severity
from models.horizontal import parse
from models.twins import TwinDefinition

NOT_DECLARED: Final = "未声明 not declared"
#: Metres outside a twin's extent at which a feature is taken for misplaced.
FAR: Final = 5_000.0


def prepare(
    delivery: Delivery,
    twin: TwinDefinition,
    dataset: str,
    storage: StorageCrs = STORAGE,
    terrain: Terrain | None = None,
) -> Delivery:
    """``delivery`` in the storage CRS with ids, for ``twin``.

    The passport must name both datums. Rows outside the area of use or more than :data:`FAR` from
    the twin are refused with CRS-02; buildings without base height stand on ``terrain``, the twin's
    elevation model, or without one on its typical ground (:mod:`ingest.ground`).
    ``source_geom`` and the passport stay as delivered. Raises :class:`RefusedError` when no datum
    is declared or no row with a place is left.
    """
    transform = _transform(delivery, twin, storage)
    findings = list(delivery.findings)
    tables: dict[str, pd.DataFrame] = {}
    placed = refused = 0
    buildings: pd.DataFrame | None = None
    for name, frame in delivery.tables.items():
        if frame.empty:
            continue
        geometry = frame["geom"].to_numpy(dtype=object)
        inside = transform.inside(geometry)
        moved = transform.table(name, _with_source(name, frame)[inside].reset_index(drop=True))
        near = inside.copy()
        near[inside] = _near(moved["geom"].to_numpy(dtype=object), twin, storage)
        findings += _far(delivery, frame, ~near, twin)
        placed += int(np.count_nonzero(shapely.is_geometry(geometry)))
        refused += int(np.count_nonzero(~near))
        kept = moved[near[inside]].reset_index(drop=True)
        if delivery.theme is Theme.BUILDINGS:
            unknown = kept["base_height"].isna().to_numpy(dtype=bool)
            ground.stand(kept, twin, terrain, buildings)
            findings += ground.tell(delivery, name, kept, unknown, twin, terrain)
            if name == "building":
                buildings = kept[["key", "base_height", "base_source"]]
        tables[name] = _finished(name, kept, twin, dataset)
    if placed and refused == placed:
        raise RefusedError(_everything_far(delivery, twin, storage, findings))
    _link(tables)
    return replace(delivery, tables=tables, findings=_positioned(findings, transform))


def placed(delivery: Delivery, storage: StorageCrs = STORAGE) -> Delivery:
    """``delivery`` with the positions of its findings in the storage CRS, its tables as read.

    Findings stay without one where the delivery declares no datums that do.
    """
    horizontal, vertical = delivery.passport.horizontal, delivery.passport.vertical
    if horizontal is None or vertical is None:
        return delivery
    transform = Transform(horizontal, vertical, storage)
    try:
        return replace(delivery, findings=_positioned(list(delivery.findings), transform))
    except TwinError:  # datums that do not do are told by whoever needs them
        return delivery


def _transform(delivery: Delivery, twin: TwinDefinition, storage: StorageCrs) -> Transform:
    horizontal, vertical = delivery.passport.horizontal, delivery.passport.vertical
    if horizontal is None:
        file = delivery.source.name
        raise refuse(
            "MET-01",
            file,
            en=f"{file} declares no horizontal CRS; it is refused. Declare it, such as EPSG:4549.",
            zh=f"{file} 未声明平面坐标系，拒收。请声明，如 EPSG:4549。",
            found=NOT_DECLARED,
            expected="坐标系 CRS, e.g. EPSG:4549",
        )
    try:
        VerticalDatum.parse(vertical)
    except TwinError as error:
        file = delivery.source.name
        raise refuse(
            error.code,
            file,
            en=f"{file}: {error.en}",
            zh=f"{file}：{error.zh}",
            found=vertical or NOT_DECLARED,
            expected="高程基准 vertical datum, e.g. 1985",
        ) from None
    return Transform(horizontal, vertical or "", storage, twin.n_offset)


def _with_source(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the geometry as delivered, where the reader has not; a BIM box is none of the source."""
    if "source_geom" in frame.columns or name == "bim_element":
        return frame
    return frame.assign(source_geom=shapely.to_wkb(frame["geom"].to_numpy(dtype=object)))


def _near(geometry: npt.NDArray[np.object_], twin: TwinDefinition, storage: StorageCrs) -> Mask:
    """Rows that lie in the twin's extent or near it, and rows without geometry."""
    near = np.ones(len(geometry), dtype=bool)
    there = np.asarray(shapely.is_geometry(geometry), dtype=bool)
    west, south, east, north = np.asarray(shapely.bounds(geometry[there])).reshape(-1, 4).T
    good = np.ones(int(there.sum()), dtype=bool)
    for x, y in ((west, south), (east, north)):
        lon, lat, _ = storage_to_geodetic(x, y, np.zeros_like(x), storage)
        good &= twin.contains(lon, lat, FAR)
    near[there] = good
    return near


def _finished(name: str, frame: pd.DataFrame, twin: TwinDefinition, dataset: str) -> pd.DataFrame:
    """Ids, and for buildings the footprint at its base height."""
    frame.insert(0, "id", [feature_id(twin.id, dataset, name, str(key)) for key in frame["key"]])
    if "height" not in frame.columns or "base_height" not in frame.columns:
        return frame
    base = frame["base_height"].to_numpy(np.float64)
    if "min_height" in frame.columns:
        base = base + frame.pop("min_height").to_numpy(np.float64)
    frame["base_height"] = base
    frame["geom"] = _footprints(frame["geom"].to_numpy(dtype=object), base)
    return frame


def _footprints(
    geometry: npt.NDArray[np.object_], base: npt.NDArray[np.float64]
) -> npt.NDArray[np.object_]:
    """MultiPolygon Z at ``base``, outer rings counter-clockwise."""
    single = shapely.get_type_id(geometry) == 3
    many = geometry.copy()
    rows = np.arange(int(single.sum()))
    if rows.size:
        many[single] = shapely.multipolygons(geometry[single], indices=rows)
    if shapely.has_z(many).any():
        many = shapely.force_2d(many)
    return np.asarray(shapely.force_3d(shapely.orient_polygons(many), base), dtype=object)


def _positioned(findings: list[Finding], transform: Transform) -> tuple[Finding, ...]:
    """Findings whose reader left ``source_position`` (x, y and perhaps z) get theirs in storage;
    z is None where it is not known."""
    places = [finding.extra.get("source_position") or () for finding in findings]
    points = np.array([[*place, np.nan, np.nan, np.nan][:3] for place in places]).reshape(-1, 3)
    known = np.isfinite(points[:, :2]).all(axis=1)
    known[known] = transform.inside(np.asarray(shapely.points(points[known, :2])))
    moved = np.full_like(points, np.nan)
    moved[known] = np.column_stack(transform.points(*points[known].T))
    return tuple(
        replace(finding, position=(x, y, None if np.isnan(z) else z)) if there else finding
        for finding, there, (x, y, z) in zip(findings, known, moved.tolist(), strict=True)
    )


def _link(tables: dict[str, pd.DataFrame]) -> None:
    """Give segments the ids of their points; one that ends at a far point was far itself."""
    if "pipe_segment" not in tables or "pipe_point" not in tables:
        return
    points = tables["pipe_point"]
    ids = dict(zip(points["key"], points["id"], strict=True))
    segments = tables["pipe_segment"]
    for end in ("from_point", "to_point"):
        if end in segments.columns:
            segments[f"{end}_id"] = segments[end].map(ids).astype(object)


def _far(
    delivery: Delivery, frame: pd.DataFrame, mask: Mask, twin: TwinDefinition
) -> list[Finding]:
    """CRS-02 for each row of ``mask``."""
    file, km = delivery.source.name, f"{FAR / 1000:g} km"
    findings = []
    rows = frame[mask]
    sheets: Any = rows.get("source_sheet", pd.Series([None] * len(rows)))
    bounds = np.asarray(shapely.bounds(rows["geom"].to_numpy(dtype=object))).reshape(-1, 4)
    for key, row, sheet, (x, y, _, _) in zip(
        rows["key"], rows["source_row"], sheets, bounds, strict=True
    ):
        found = f"({x:.3f}, {y:.3f})"
        findings.append(
            Finding(
                "CRS-02",
                Severity.ERROR,
                Place(file, sheet, None if pd.isna(row) else int(row), None, str(key)),
                f"{file}：{key} 位于 {found}，距 {twin.name_zh} 范围超过 {km}。"
                "请检查坐标与坐标系。",
                f"{file}: {key} lies at {found}, more than {km} from {twin.name_en}. "
                "Check its coordinates and the CRS.",
                found,
                f"within {km} of {twin.id}",
            )
        )
    return findings


def _everything_far(
    delivery: Delivery, twin: TwinDefinition, storage: StorageCrs, findings: list[Finding]
) -> list[Finding]:
    """One finding for the file when none of it is near the twin, with a hint at swapped axes."""
    file, horizontal = delivery.source.name, delivery.passport.horizontal or ""
    crs = parse(horizontal).label
    middles = [
        (bounds[:, :2] + bounds[:, 2:]) / 2
        for frame in delivery.tables.values()
        if len(bounds := np.asarray(shapely.bounds(frame["geom"].to_numpy(dtype=object)))) > 0
    ]
    x, y = np.nanmedian(np.concatenate(middles), axis=0)
    if not inside_area([twin.lon], [twin.lat], "OGC:CRS84", storage).all():
        zh = f"该孪生体超出存储坐标系 {storage.horizontal} 的适用范围，请为其另建数据库。"
        en = f"The twin lies outside the storage CRS {storage.horizontal}: use another database."
    elif abs(x) <= 180 and twin.contains(x, y, 20 * FAR):
        zh, en = "坐标疑为经纬度，请声明相应坐标系。", "They look like degrees: declare that CRS."
    elif looks_swapped([x], [y], horizontal, storage):
        zh, en = "X 与 Y 疑似颠倒，请交换后重新提交。", "X and Y look swapped: exchange them."
    else:
        zh, en = "请检查坐标系、分带与所选孪生体。", "Check the CRS, its zone and the twin."
    others = [finding for finding in findings if finding.code != "CRS-02"]
    found = f"({x:.3f}, {y:.3f})"
    whole = Finding(
        "CRS-02",
        Severity.ERROR,
        Place(file),
        f"{file}：全部要素均不在 {twin.name_zh} 附近（中位坐标 {found}，{crs}）。{zh}",
        f"{file}: no feature lies near {twin.name_en} (median coordinates {found}, {crs}). {en}",
        found,
        f"near {twin.centre[0]:.4f}, {twin.centre[1]:.4f}",
    )
    return [whole, *others]
