"""What is inside the BIM: core, rooms, sprinklers, air and light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .bim_types import BAY, Types
from .ifcmodel import Entity, Model


@dataclass(frozen=True)
class Plan:
    """A building: place on the grid, bays, storeys below and above, floor heights."""

    name: str
    u: float
    v: float
    bays: tuple[int, int]
    below: int
    above: int
    ground_floor: float
    floor: float
    millimetres: bool
    vertical: str
    glazed: int  # storeys with a curtain wall on the south side


class Interior:
    """Fills storeys. ``m``, ``plan``, ``t``, ``systems``, ``width`` and ``depth`` come from the
    builder."""

    m: Model
    plan: Plan
    t: Types
    systems: dict[str, Entity]
    width: float
    depth: float

    def core_at(self) -> tuple[float, float]:
        """South-west corner of the core."""
        return (self.plan.bays[0] // 2) * BAY - 4.5, (self.plan.bays[1] // 2) * BAY + 1.0

    def core(self, storey: Entity, k: int, h: float) -> None:
        """Stair core, wash room, partitions, doors, and the rooms between them."""
        m = self.m
        x, y = self.core_at()
        for name, at, turn, length, door_at in (
            ("楼梯间南墙", (x, y, 0.0), 0.0, 9.0, 1.2),
            ("楼梯间北墙", (x, y + 3.2, 0.0), 0.0, 9.0, None),
            ("楼梯间西墙", (x, y, 0.0), 90.0, 6.2, None),
            ("楼梯间东墙", (x + 9.0, y, 0.0), 90.0, 6.2, 4.4),
            ("卫生间北墙", (x, y + 6.2, 0.0), 0.0, 9.0, None),
        ):
            self._wall(storey, name, at, turn, length, h, door_at)
        m.element("IfcStairFlight", "楼梯", storey, (x + 1.2, y + 0.9, 0.0), of=self.t.stairs[h])
        m.element(
            "IfcPipeSegment",
            "给水立管",
            storey,
            (x + 0.5, y + 3.7, -0.2),
            of=self.t.risers[h],
            system=self.systems["water"],
        )
        if k >= 0:
            for n in range(3):
                m.element(
                    "IfcSanitaryTerminal",
                    "洗手盆",
                    storey,
                    (x + 2.0 + 1.2 * n, y + 5.8, 0.75),
                    of=self.t.basin,
                    system=self.systems["water"],
                )
        middle = self.plan.bays[0] // 2 * BAY
        rooms = [
            ("楼梯间", (x, y), (x + 9.0, y + 3.2)),
            ("卫生间" if k >= 0 else "设备间", (x, y + 3.2), (x + 9.0, y + 6.2)),
        ]
        if k >= 0:
            front = y - 3.0
            self._wall(storey, "走道墙", (0.3, front, 0.0), 0.0, self.width - 0.6, h, 4.0)
            self._wall(storey, "分隔墙", (middle, 0.3, 0.0), 90.0, front - 0.3, h, None)
            rooms += [
                ("西办公区", (0.0, 0.0), (middle, front)),
                ("东办公区", (middle, 0.0), (self.width, front)),
                ("走道", (0.0, front), (self.width, y)),
            ]
        else:
            rooms += [("车库" if k == -1 else "人防车库", (0.0, 0.0), (self.width, y))]
        for name, (x0, y0), (x1, y1) in rooms:
            ring = [
                (x0 + 0.2, y0 + 0.2),
                (x1 - 0.2, y0 + 0.2),
                (x1 - 0.2, y1 - 0.2),
                (x0 + 0.2, y1 - 0.2),
            ]
            space = m.element(
                "IfcSpace",
                f"{storey.Name}-{name}",
                storey,
                (0.0, 0.0, 0.0),
                part=True,
                items=[(m.extrude(m.polygon(ring), h - 0.3), "空间")],
                kind="PARKING" if k < 0 else "INTERNAL",
            )
            space.LongName = name
            m.properties(
                space,
                Pset_SpaceCommon={
                    "Reference": name,
                    "IsExternal": False,
                    "NetPlannedArea": round((x1 - x0) * (y1 - y0), 1),
                },
            )

    def _wall(
        self,
        storey: Entity,
        name: str,
        at: tuple[float, ...],
        turn: float,
        length: float,
        h: float,
        door_at: float | None,
    ) -> None:
        m = self.m
        profile = m.polygon([(0.0, -0.1), (length, -0.1), (length, 0.1), (0.0, 0.1)])
        wall = m.element(
            "IfcWall",
            name,
            storey,
            at,
            turn=turn,
            kind="PARTITIONING",
            items=[(m.extrude(profile, h - 0.2), "隔墙")],
        )
        if door_at is not None:
            door = m.element(
                "IfcDoor", "门", storey, turned(at, turn, door_at, 0.0), turn=turn, of=self.t.door
            )
            door.OverallWidth, door.OverallHeight = 1.0 * m.k, 2.2 * m.k
            m.opening(wall, (door_at, 0.0, 0.0), 1.0, 2.2, 0.4, door)

    def services(self, storey: Entity, h: float) -> None:
        """Sprinklers, supply air and lights below the ceiling."""
        m, nx, ny = self.m, *self.plan.bays
        s = self.systems
        for i in range(nx):
            x = i * BAY
            m.element(
                "IfcPipeSegment",
                "喷淋干管",
                storey,
                (x, BAY / 2 + 0.6, h - 0.9),
                up=(1.0, 0.0, 0.0),
                of=self.t.main,
                system=s["fire"],
            )
            m.element(
                "IfcPipeFitting",
                "三通",
                storey,
                (x + 4.5, BAY / 2 + 0.6, h - 0.9),
                up=(1.0, 0.0, 0.0),
                of=self.t.tee,
                system=s["fire"],
            )
            m.element(
                "IfcPipeSegment",
                "喷淋支管",
                storey,
                (x + 4.5, BAY / 2 - 2.5, h - 0.9),
                up=(0.0, 1.0, 0.0),
                of=self.t.branch,
                system=s["fire"],
            )
            for dy in (-2.4, -0.6):
                m.element(
                    "IfcFireSuppressionTerminal",
                    "喷头",
                    storey,
                    (x + 4.5, BAY / 2 + dy, h - 1.05),
                    of=self.t.sprinkler,
                    system=s["fire"],
                )
            m.element(
                "IfcDuctSegment",
                "送风管",
                storey,
                (x, BAY / 2 + 2.2, h - 1.1),
                up=(1.0, 0.0, 0.0),
                of=self.t.duct,
                system=s["air"],
            )
            m.element(
                "IfcAirTerminal",
                "散流器",
                storey,
                (x + 4.5, BAY / 2 + 2.2, h - 1.35),
                of=self.t.diffuser,
                system=s["air"],
            )
            for j in range(ny):
                m.element(
                    "IfcLightFixture",
                    "灯盘",
                    storey,
                    (x + 2.6, j * BAY + 3.0, h - 1.2),
                    of=self.t.lamp,
                    system=s["light"],
                )


def turned(
    at: tuple[float, ...], turn: float, along: float, up: float
) -> tuple[float, float, float]:
    """A point ``along`` a line that leaves ``at`` in direction ``turn``, raised by ``up``."""
    a = np.radians(turn)
    return at[0] + along * float(np.cos(a)), at[1] + along * float(np.sin(a)), at[2] + up
