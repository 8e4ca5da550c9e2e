"""The two BIM: a station annex at the hub, an office tower at Qianwan, from one parametric plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from shapely import Polygon

from . import layout
from .bim_interior import Interior, Plan, turned
from .bim_types import BAY, Types
from .ifcmodel import Entity, Model, Site, counted_guids
from .terrain import surface

PLANS = {
    "songjiang-hub": Plan("枢纽综合楼", 347.0, 84.0, (6, 3), 2, 6, 5.4, 4.5, False, "EPSG:5737", 2),
    "qianwan": Plan("前湾办公楼", 8.0, -15.0, (4, 4), 2, 8, 5.4, 4.2, True, "1985国家高程基准", 3),
}


def footprint(site: layout.Site) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """South-west corner and axes of the BIM's plan in EN."""
    plan = PLANS[site.twin]
    centre, x, y = site.frame(plan.u, plan.v)
    corner = centre - x * plan.bays[0] * BAY / 2 - y * plan.bays[1] * BAY / 2
    return corner, x, y


def outline(site: layout.Site) -> Polygon:
    """The BIM's ground and basement plan with 1.5 m around it, in EN."""
    corner, x, y = footprint(site)
    nx, ny = PLANS[site.twin].bays
    ring = [corner + x * i * BAY + y * j * BAY for i, j in ((0, 0), (nx, 0), (nx, ny), (0, ny))]
    return Polygon(ring).buffer(1.5, join_style="mitre")


def write_ifc(site: layout.Site, path: Path) -> None:
    """Write the BIM of a site."""
    plan = PLANS[site.twin]
    corner, x, _ = footprint(site)
    corner = np.round(corner, 3)
    height = round(float(surface(site, corner[:1], corner[1:])[0]) + 0.3, 2)
    place = Site(
        float(corner[0]),
        float(corner[1]),
        height,
        (float(x[0]), float(x[1])),
        site.lon,
        site.lat,
        plan.vertical,
        plan.millimetres,
    )
    with counted_guids(site.twin):
        _Builder(Model(f"{plan.name}示例模型", place), plan).build(path)


class _Builder(Interior):
    def __init__(self, model: Model, plan: Plan) -> None:
        self.m, self.plan = model, plan
        self.width, self.depth = plan.bays[0] * BAY, plan.bays[1] * BAY
        self.systems = {
            "fire": model.system("自动喷淋系统", "FIREPROTECTION"),
            "air": model.system("送风系统", "VENTILATION"),
            "water": model.system("给水系统", "DOMESTICCOLDWATER"),
            "light": model.system("照明系统", "LIGHTING"),
        }
        heights = {self._height(k) for k in range(-plan.below, plan.above)}
        self.t = Types(model, sorted(heights))

    def _height(self, storey: int) -> float:
        if storey < 0:
            return 4.2
        return self.plan.ground_floor if storey == 0 else self.plan.floor

    def build(self, path: Path) -> None:
        m, plan = self.m, self.plan
        building = m.structure("IfcBuilding", plan.name, m.site, (0.0, 0.0, 0.0))
        m.properties(
            building,
            Pset_BuildingCommon={
                "NumberOfStoreys": plan.above + plan.below,
                "OccupancyType": "办公",
            },
        )
        level = -sum(self._height(k) for k in range(-plan.below, 0))
        for k in range(-plan.below, plan.above):
            name = f"B{-k}" if k < 0 else f"F{k + 1}"
            storey = m.structure("IfcBuildingStorey", name, building, (0.0, 0.0, level))
            storey.Elevation = round(level * m.k, 3)
            storey.LongName = f"地下{-k}层" if k < 0 else f"地上{k + 1}层"
            m.properties(storey, Pset_BuildingStoreyCommon={"EntranceLevel": k == 0})
            self._storey(storey, k)
            level += self._height(k)
        roof = m.structure("IfcBuildingStorey", "RF", building, (0.0, 0.0, level))
        roof.Elevation, roof.LongName = round(level * m.k, 3), "屋面"
        self._roof(roof)
        m.save(path)

    def _storey(self, storey: Entity, k: int) -> None:
        m, h = self.m, self._height(k)
        self._slab(storey, k)
        for i in range(self.plan.bays[0] + 1):
            for j in range(self.plan.bays[1] + 1):
                m.element(
                    "IfcColumn",
                    f"柱 {i + 1}/{'ABCDEFG'[j]}",
                    storey,
                    (i * BAY, j * BAY, 0.0),
                    of=self.t.columns[h],
                )
        for i in range(self.plan.bays[0]):
            for j in range(self.plan.bays[1] + 1):
                m.element(
                    "IfcBeam",
                    "梁",
                    storey,
                    (i * BAY + 0.35, j * BAY, h - 0.55),
                    up=(1.0, 0.0, 0.0),
                    of=self.t.beam,
                )
        self._facade(storey, k, h)
        self.core(storey, k, h)
        if k >= 0:
            self.services(storey, h)

    def _slab(self, storey: Entity, k: int) -> None:
        m, w, d = self.m, self.width, self.depth
        x, y = self.core_at()
        ring = [(-0.5, -0.5), (w + 0.5, -0.5), (w + 0.5, d + 0.5), (-0.5, d + 0.5)]
        thick = 0.6 if k == -self.plan.below else 0.2
        slab = m.element(
            "IfcSlab",
            "底板" if thick > 0.5 else "楼板",
            storey,
            (0.0, 0.0, -thick),
            items=[(m.extrude(m.polygon(ring), thick), "混凝土")],
            kind="BASESLAB" if thick > 0.5 else "FLOOR",
        )
        m.properties(slab, Pset_SlabCommon={"LoadBearing": True, "IsExternal": False})
        if thick < 0.5:
            m.opening(slab, (x + 4.6, y + 1.6, -0.1), 7.0, thick + 0.2, 1.6)

    def _facade(self, storey: Entity, k: int, h: float) -> None:
        m, w, d = self.m, self.width, self.depth
        sides = [
            ("南", (0.0, -0.35, 0.0), 0.0, w, self.plan.bays[0]),
            ("东", (w + 0.35, 0.0, 0.0), 90.0, d, self.plan.bays[1]),
            ("北", (w, d + 0.35, 0.0), 180.0, w, self.plan.bays[0]),
            ("西", (-0.35, d, 0.0), 270.0, d, self.plan.bays[1]),
        ]
        for name, at, turn, length, bays in sides:
            if name == "南" and 0 <= k < self.plan.glazed:
                self._curtain(storey, h, k)
                continue
            style = "混凝土" if k < 0 else "外墙涂料"
            profile = m.polygon(
                [(-0.2, -0.15), (length + 0.2, -0.15), (length + 0.2, 0.15), (-0.2, 0.15)]
            )
            wall = m.element(
                "IfcWall",
                f"{name}外墙",
                storey,
                at,
                turn=turn,
                kind="SOLIDWALL",
                items=[(m.extrude(profile, h - 0.2), style)],
            )
            m.properties(
                wall,
                Pset_WallCommon={
                    "IsExternal": True,
                    "LoadBearing": k < 0,
                    "ThermalTransmittance": 0.6,
                },
            )
            if k < 0:
                continue
            for b in range(bays):
                for x in (b * BAY + 2.6, b * BAY + 6.4):
                    window = m.element(
                        "IfcWindow",
                        f"{name}窗",
                        storey,
                        turned(at, turn, x, 0.9),
                        turn=turn,
                        of=self.t.window,
                    )
                    window.OverallWidth, window.OverallHeight = 2.4 * m.k, 2.0 * m.k
                    m.opening(wall, (x, 0.0, 0.9), 2.4, 2.0, 0.5, window)

    def _curtain(self, storey: Entity, h: float, k: int) -> None:
        m = self.m
        wall = m.element("IfcCurtainWall", "南侧玻璃幕墙", storey, (0.0, -0.45, 0.0))
        m.properties(wall, Pset_CurtainWallCommon={"IsExternal": True, "ThermalTransmittance": 1.8})
        count = round(self.width / 1.5)
        for n in range(count + 1):
            m.element(
                "IfcMember", "竖梃", wall, (n * 1.5, 0.0, 0.0), of=self.t.mullions[h], part=True
            )
        for n in range(count):
            if k == 0 and n in (count // 2 - 1, count // 2):
                continue
            m.element(
                "IfcPlate",
                "玻璃板",
                wall,
                (n * 1.5 + 0.75, 0.0, 0.03),
                of=self.t.plates[h],
                part=True,
            )
        if k == 0:
            door = m.element(
                "IfcDoor", "主入口", storey, (self.width / 2, -0.45, 0.0), of=self.t.entrance
            )
            door.OverallWidth, door.OverallHeight = 2.0 * m.k, 2.6 * m.k

    def _roof(self, storey: Entity) -> None:
        m, w, d = self.m, self.width, self.depth
        ring = [(-0.8, -0.8), (w + 0.8, -0.8), (w + 0.8, d + 0.8), (-0.8, d + 0.8)]
        inner = [(-0.6, -0.6), (w + 0.6, -0.6), (w + 0.6, d + 0.6), (-0.6, d + 0.6)]
        m.element(
            "IfcSlab",
            "屋面板",
            storey,
            (0.0, 0.0, -0.25),
            items=[(m.extrude(m.polygon(ring), 0.25), "混凝土")],
            kind="ROOF",
        )
        m.element(
            "IfcWall",
            "女儿墙",
            storey,
            (0.0, 0.0, 0.0),
            items=[(m.extrude(m.polygon(ring, [inner]), 1.2), "外墙涂料")],
            kind="PARAPET",
        )
        x, y = self.core_at()
        m.element(
            "IfcBuildingElementProxy",
            "楼梯间出屋面",
            storey,
            (x + 4.5, y + 1.6, 0.0),
            items=[(m.extrude(m.rectangle(9.4, 3.6), 3.2), "外墙涂料")],
        )
        for n in range(2):
            m.element(
                "IfcUnitaryEquipment",
                f"空调机组 {n + 1}",
                storey,
                (8.0 + 9.0 * n, 5.0, 0.2),
                items=[(m.extrude(m.rectangle(4.0, 2.2), 2.1), "镀锌钢板")],
                kind="AIRHANDLER",
                system=self.systems["air"],
            )
