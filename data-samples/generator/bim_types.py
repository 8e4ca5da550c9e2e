"""Types of the BIM: the bodies that many elements share, with styles and property sets."""

from __future__ import annotations

from collections.abc import Sequence

from .ifcmodel import Entity, Model

BAY = 9.0  # m between columns


class Types:
    """Element types of a model, by storey height where they depend on it."""

    def __init__(self, model: Model, heights: Sequence[float]) -> None:
        self.m = m = model
        for name, rgb, clear in (
            ("混凝土", (0.72, 0.72, 0.70), 0.0),
            ("外墙涂料", (0.90, 0.87, 0.80), 0.0),
            ("隔墙", (0.95, 0.95, 0.93), 0.0),
            ("玻璃", (0.45, 0.68, 0.80), 0.6),
            ("铝合金", (0.55, 0.58, 0.62), 0.0),
            ("木门", (0.58, 0.40, 0.25), 0.0),
            ("镀锌钢板", (0.75, 0.78, 0.80), 0.0),
            ("消防红", (0.80, 0.12, 0.10), 0.0),
            ("给水蓝", (0.10, 0.45, 0.80), 0.0),
            ("灯具白", (0.98, 0.97, 0.90), 0.0),
            ("空间", (0.60, 0.80, 0.95), 0.85),
        ):
            m.style(name, rgb, clear)
        self.columns = {
            h: m.type(
                "IfcColumnType",
                f"框架柱 700x700 H{h:.1f}",
                [(m.extrude(m.rectangle(0.7, 0.7), h - 0.2), "混凝土")],
                "COLUMN",
                Pset_ColumnCommon={"LoadBearing": True, "FireRating": "3.0h", "IsExternal": False},
            )
            for h in heights
        }
        self.beam = m.type(
            "IfcBeamType",
            "框架梁 300x700",
            [(m.extrude(m.rectangle(0.3, 0.7), BAY - 0.7), "混凝土")],
            "BEAM",
            Pset_BeamCommon={"LoadBearing": True, "Span": BAY * m.k},
        )
        frame = m.polygon(_box(2.4, 2.0), [_box(2.2, 1.8)])
        self.window = m.type(
            "IfcWindowType",
            "铝合金窗 2400x2000",
            [
                (m.extrude(frame, 0.10, (0, 0.05, 1.0), (0.0, -1.0, 0.0)), "铝合金"),
                (m.extrude(m.rectangle(2.2, 1.8), 0.02, (0, 0.01, 1.0), (0.0, -1.0, 0.0)), "玻璃"),
            ],
            "WINDOW",
            Pset_WindowCommon={"ThermalTransmittance": 2.2, "IsExternal": True},
        )
        self.door = m.type(
            "IfcDoorType",
            "木门 1000x2200",
            [(m.extrude(m.rectangle(1.0, 0.06), 2.2), "木门")],
            "DOOR",
            Pset_DoorCommon={"FireRating": "乙级", "IsExternal": False},
        )
        self.entrance = m.type(
            "IfcDoorType",
            "玻璃门 2000x2600",
            [(m.extrude(m.rectangle(2.0, 0.05), 2.6), "玻璃")],
            "DOOR",
            Pset_DoorCommon={"IsExternal": True},
        )
        self.plates = {
            h: m.type(
                "IfcPlateType",
                f"玻璃幕墙板 1500x{h * 1000:.0f}",
                [(m.extrude(m.rectangle(1.44, 0.03), h - 0.06), "玻璃")],
                "CURTAIN_PANEL",
            )
            for h in heights
        }
        self.mullions = {
            h: m.type(
                "IfcMemberType",
                f"竖梃 60x150 H{h:.1f}",
                [(m.extrude(m.rectangle(0.06, 0.15), h), "铝合金")],
                "MULLION",
            )
            for h in heights
        }
        self.stairs = {h: self._stair_type(h) for h in heights}
        lay = (0.0, 0.0, 0.0)
        self.main = m.type(
            "IfcPipeSegmentType",
            "镀锌钢管 DN100",
            [(m.extrude(m.ring(0.057, 0.005), BAY), "消防红")],
            "RIGIDSEGMENT",
            Pset_PipeSegmentTypeCommon={"NominalDiameter": 0.1 * m.k, "Status": ["NEW"]},
        )
        self.branch = m.type(
            "IfcPipeSegmentType",
            "镀锌钢管 DN50",
            [(m.extrude(m.ring(0.030, 0.0035), 3.0), "消防红")],
            "RIGIDSEGMENT",
            Pset_PipeSegmentTypeCommon={"NominalDiameter": 0.05 * m.k},
        )
        self.tee = m.type(
            "IfcPipeFittingType",
            "沟槽三通 DN100x50",
            [
                (m.extrude(m.ring(0.07), 0.2, (0, 0, -0.1), (0.0, 0.0, 1.0)), "消防红"),
                (m.extrude(m.ring(0.04), 0.12, lay, (0.0, 1.0, 0.0)), "消防红"),
            ],
            "JUNCTION",
        )
        self.sprinkler = m.type(
            "IfcFireSuppressionTerminalType",
            "下垂型喷头 K80",
            [(m.extrude(m.ring(0.012), 0.12), "铝合金"), (m.extrude(m.ring(0.03), 0.01), "铝合金")],
            "SPRINKLER",
            Pset_FireSuppressionTerminalTypeCommon={"Status": ["NEW"]},
        )
        self.duct = m.type(
            "IfcDuctSegmentType",
            "风管 800x320",
            [(m.extrude(m.polygon(_box(0.8, 0.32), [_box(0.796, 0.316)]), BAY), "镀锌钢板")],
            "RIGIDSEGMENT",
            Pset_DuctSegmentTypeCommon={"Shape": ["RECTANGULAR"], "Reference": "800x320"},
        )
        self.diffuser = m.type(
            "IfcAirTerminalType",
            "方形散流器 600",
            [(m.extrude(m.rectangle(0.6, 0.6), 0.08), "镀锌钢板")],
            "DIFFUSER",
        )
        self.lamp = m.type(
            "IfcLightFixtureType",
            "LED 灯盘 600x1200",
            [(m.extrude(m.rectangle(0.6, 1.2), 0.06), "灯具白")],
            "DIRECTIONSOURCE",
            Pset_LightFixtureTypeCommon={"TotalWattage": 36.0},
        )
        self.risers = {
            h: m.type(
                "IfcPipeSegmentType",
                f"给水立管 DN80 H{h:.1f}",
                [(m.extrude(m.ring(0.045, 0.004), h), "给水蓝")],
                "RIGIDSEGMENT",
                Pset_PipeSegmentTypeCommon={"NominalDiameter": 0.08 * m.k},
            )
            for h in heights
        }
        self.basin = m.type(
            "IfcSanitaryTerminalType",
            "洗手盆",
            [(m.extrude(m.rectangle(0.6, 0.45), 0.2), "灯具白")],
            "WASHHANDBASIN",
        )

    def _stair_type(self, height: float) -> Entity:
        """A flight along x, 1.4 m wide, straight up to ``height``."""
        m, steps = self.m, round(height / 0.165)
        rise, tread = height / steps, 6.6 / steps
        ring: list[tuple[float, ...]] = [(0.0, 0.0)]
        for k in range(steps):
            ring += [(k * tread, (k + 1) * rise), ((k + 1) * tread, (k + 1) * rise)]
        ring += [(6.6, height - 0.25), (0.35, 0.0)]
        solid = m.extrude(m.polygon(ring), 1.4, (0.0, 1.4, 0.0), (0.0, -1.0, 0.0))
        # local x of that placement is global x, local y is up
        solid.Position.RefDirection = m.direction(1, 0, 0)
        return m.type(
            "IfcStairFlightType",
            f"直跑楼梯 H{height:.1f}",
            [(solid, "混凝土")],
            "STRAIGHT",
            Pset_StairFlightCommon={"NumberOfRiser": steps, "RiserHeight": rise * m.k},
        )


def _box(width: float, depth: float) -> list[tuple[float, ...]]:
    w, d = width / 2, depth / 2
    return [(-w, -d), (w, -d), (w, d), (-w, d)]
