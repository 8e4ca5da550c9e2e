"""What vector tiles show of each feature table, as names, types and SQL over ``t``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from psycopg import sql


@dataclass(frozen=True, slots=True)
class VectorLayer:
    """One feature table as a layer of vector tiles.

    ``geometry`` is point, line or polygon; ``shape`` the SQL of what is drawn of ``t.geom``;
    ``properties`` name → (JSON type, SQL of a feature's own value). ``kind`` is the property that
    overviews are grouped by; ``measure`` and ``size`` are the properties under which they give the
    sum of lengths or areas and the greatest size, ``extra`` those that only overviews have.
    """

    table: str
    geometry: str
    properties: Mapping[str, tuple[str, str]]
    kind: str
    measure: str | None
    size: str | None
    shape: str = "ST_Force2D(t.geom)"
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, str]:
        """Every property with its JSON type, those of overviews last."""
        return {name: kind for name, (kind, _) in self.properties.items()} | dict(self.extra)

    def raw_columns(self) -> sql.Composable:
        """Select list of a feature itself."""
        own = [_named(expression, name) for name, (_, expression) in self.properties.items()]
        return sql.SQL(", ").join(
            [*own, *(_named(f"NULL::{_SQL[kind]}", name) for name, kind in self.extra.items())]
        )

    def drawn_columns(self) -> sql.Composable:
        """Select list of what stands for features, in the same order and types."""
        given = {"count": "o.count", self.kind: "o.kind"}
        if self.measure is not None:
            given[self.measure] = "round(o.measure::numeric, 1)::double precision"
        if self.size is not None:
            given[self.size] = "o.size"
        return sql.SQL(", ").join(
            _named(given.get(name, f"NULL::{_SQL[kind]}"), name)
            for name, kind in self.fields.items()
        )


_SQL: Final = {"string": "text", "integer": "integer", "number": "double precision"}
_SIZE: Final = "coalesce(t.width_mm, t.od_mm, t.id_mm)"
_ID: Final = {"id": ("string", "t.id::text")}
_BUILDING: Final = {
    **_ID,
    "name": ("string", "t.name"),
    "function": ("string", "t.function"),
    "storeys": ("integer", "t.storeys"),
    "height": ("number", "t.height"),
    "base_height": ("number", "t.base_height"),
}
_AREAS: Final = {"count": "integer", "area": "number"}


def _named(expression: str, name: str) -> sql.Composed:
    return sql.SQL("{} AS {}").format(sql.SQL(expression), sql.Identifier(name))


#: By table, in the order in which they are drawn.
VECTOR_LAYERS: Final = MappingProxyType(
    {
        layer.table: layer
        for layer in (
            VectorLayer(
                "building", "polygon", _BUILDING, "function", "area", "height", extra=_AREAS
            ),
            VectorLayer(
                "building_part",
                "polygon",
                {**_BUILDING, "building_key": ("string", "t.building_key")},
                "function",
                "area",
                "height",
                extra=_AREAS,
            ),
            VectorLayer(
                "bim_element",
                "polygon",
                {
                    **_ID,
                    "ifc_class": ("string", "t.ifc_class"),
                    "name": ("string", "t.name"),
                    "storey_name": ("string", "t.storey_name"),
                    "building_name": ("string", "t.building_name"),
                },
                "ifc_class",
                "area",
                None,
                # the box of a body may stand askew: its shadow is the hull of its corners
                "ST_ConvexHull(ST_Force2D(ST_Points(t.geom)))",
                _AREAS,
            ),
            VectorLayer(
                "pipe_segment",
                "line",
                {
                    **_ID,
                    "class_code": ("string", "t.class_code"),
                    "material": ("string", "t.material"),
                    "shape": ("string", "t.shape"),
                    "width_mm": ("number", _SIZE),
                    "height_mm": ("number", "t.height_mm"),
                    "owner": ("string", "t.owner"),
                    "status": ("string", "t.status"),
                    "road": ("string", "t.road"),
                },
                "class_code",
                "length",
                "width_mm",
                extra={"count": "integer", "length": "number"},
            ),
            VectorLayer(
                "pipe_point",
                "point",
                {
                    **_ID,
                    "exp_no": ("string", "t.exp_no"),
                    "class_code": ("string", "t.class_code"),
                    "feature": ("string", "t.feature"),
                    "appurtenance": ("string", "t.appurtenance"),
                    "ground_h": ("number", "t.ground_h"),
                    "well_depth": ("number", "t.well_depth"),
                },
                "class_code",
                None,
                None,
                extra={"count": "integer"},
            ),
        )
    }
)
#: SQL of the size that an overview keeps the greatest of.
SIZES: Final = MappingProxyType(
    {"building": "t.height", "building_part": "t.height", "pipe_segment": _SIZE}
)
