"""Deliveries of any size, as a surveyor would hand them in, around the centre of a twin."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyogrio
import shapely
from openpyxl import Workbook

from models.crs import to_storage
from models.twins import TwinDefinition

Array = npt.NDArray[np.float64]
Rows = list[tuple[object, ...]]

#: An L of six corners (m): every building has as many triangles as any other, which lets features
#: be counted in tiles that carry no ids.
SHAPE = np.array([[-9, -7], [9, -7], [9, 0], [0, 0], [0, 7], [-9, 7]], dtype=np.float64)
POINTS = ("物探点号", "X", "Y", "地面高程", "特征", "附属物", "井深", "探测方式")
LINES = (
    "起点点号", "连接点号", "起点埋深", "终点埋深", "起点{0}高程", "终点{0}高程",
    "管径", "材质", "埋设方式", "流向", "权属单位", "建设年代", "道路名称",
)  # fmt: skip
PASSPORT = (("坐标系", "CGCS2000 3度带 120E"), ("高程基准", "1985国家高程基准"))


def footprints(path: Path, count: int, twin: TwinDefinition) -> None:
    """``count`` buildings on a 25 m grid, each turned and of its own height, as a GeoPackage."""
    random = np.random.default_rng(1)
    side = int(np.ceil(np.sqrt(count)))
    number = np.arange(count)
    centres = _centre(twin) + 25.0 * (np.column_stack([number % side, number // side]) - side / 2)
    angle = random.random(count) * 2 * np.pi
    turn = np.stack(
        [np.stack([np.cos(angle), np.sin(angle)], 1), np.stack([-np.sin(angle), np.cos(angle)], 1)],
        axis=1,
    )
    corners = SHAPE @ turn + centres[:, None]
    rings = np.concatenate([corners, corners[:, :1]], axis=1)
    storeys = random.integers(1, 33, count)
    columns = {
        "建筑编号": np.array([f"B{n:06d}" for n in number], dtype=object),
        "用途": np.array(["住宅", "办公", "商业"], dtype=object)[number % 3],
        "建筑层数": storeys.astype(np.int32),
        "建筑高度": np.round(storeys * 3.1, 2),
        "地面高程": np.round(3.5 + random.random(count), 2),
    }
    pyogrio.raw.write(
        path,
        shapely.to_wkb(shapely.polygons(rings)),
        list(columns.values()),
        np.array(list(columns)),
        driver="GPKG",
        geometry_type="Polygon",
        crs="EPSG:4549",
        layer="建筑",
    )


def survey(folder: Path, count: int, twin: TwinDefinition) -> tuple[Path, list[Path]]:
    """``count`` points and as many lines, half storm sewers that fall, half water mains: a workbook
    and, with other point numbers, the same as five CSV files in GB18030."""
    book = Workbook(write_only=True)
    _sheet(book, "说明", PASSPORT)
    tables = folder / "survey"
    tables.mkdir()
    _csv(tables / "元数据.csv", PASSPORT)
    for code, name, gravity, shift in (("YS", "雨水", True, 0.0), ("JS", "给水", False, 8.0)):
        points, lines = _network(code, count // 2, gravity, _centre(twin) + shift)
        for kind, header, rows in (("点", POINTS, points), ("线", LINES, lines)):
            names = tuple(column.format("管底" if gravity else "管顶") for column in header)
            _sheet(book, f"{name}{kind}", [names, *rows])
            _csv(tables / f"{code}_{kind}表.csv", [names, *rows])
    path = folder / "survey.xlsx"
    book.save(path)
    return path, sorted(tables.glob("*.csv"))


def _network(code: str, count: int, gravity: bool, centre: Array) -> tuple[Rows, Rows]:
    """Streets of up to 100 points, 25 m apart, which all run into one across at their end."""
    number = np.arange(count)
    street, place = number // 100, number % 100
    east = np.round(centre[0] + 25.0 * (place - 50), 3)
    north = np.round(centre[1] + 25.0 * (street - count / 200), 3)
    last = np.minimum(99, count - 1 - street * 100)
    away = (last - place) + 0.2 * street  # streets join at their last point, one after the other
    ground = np.full(count, 4.2)
    if gravity:
        low = np.round(1.2 + 0.02 * away, 3)  # the lowest is deepest
        depth = np.round(ground - low, 3)
    else:
        depth = np.full(count, 1.1)
    ids = [f"{code}{n:05d}" for n in number]
    points: Rows = [
        (i, x, y, h, None, "窨井" if gravity else "阀门井", round(d + 0.8, 3), "明显点")
        for i, x, y, h, d in zip(
            ids, north.tolist(), east.tolist(), ground.tolist(), depth.tolist(), strict=True
        )
    ]
    to = number + 1
    ends = np.flatnonzero(place == last)
    to[ends] = [-1, *ends[:-1]]
    pairs = [(a, b) for a, b in zip(number.tolist(), to.tolist(), strict=True) if b >= 0]
    pairs.append((100, 0) if count > 100 else (0, count - 1))  # a loop: as many lines as points
    lines: Rows = [
        (
            ids[a],
            ids[b],
            float(depth[a]),
            float(depth[b]),
            round(float(ground[a] - depth[a]), 3),
            round(float(ground[b] - depth[b]), 3),
            "DN800" if gravity else "DN300",
            "混凝土" if gravity else "球墨铸铁",
            "直埋",
            "+" if gravity else None,
            "示例权属单位",
            "2016-01-15",
            f"第{a // 100}路",
        )
        for a, b in pairs
    ]
    return points, lines


def _centre(twin: TwinDefinition) -> Array:
    lon, lat = twin.centre
    east, north, _ = to_storage([lon], [lat], None, "OGC:CRS84", "1985")
    return np.array([east[0], north[0]])


def _sheet(book: Workbook, name: str, rows: Iterable[tuple[object, ...]]) -> None:
    sheet = book.create_sheet(name)
    for row in rows:
        sheet.append(row)


def _csv(path: Path, rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", encoding="gb18030", newline="") as stream:
        csv.writer(stream).writerows(rows)
