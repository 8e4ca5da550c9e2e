"""The collections of a twin: one for each table of canonical features.

Other parts may rely on :data:`COLLECTIONS` (by id) and the members of :class:`Collection`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from models.attributes import Attribute, named, properties
from models.cql2.read import Listed
from models.cql2.tree import Kind
from models.features import TABLES, Theme
from models.labels import labels
from models.twins import TwinDefinition
from twin.api.errors import NotOfferedError

#: Columns of a feature table that are not properties: they mean nothing outside the database.
HIDDEN: Final = ("id", "source_geom", "geom", "mesh", "placement")

#: Declared type -> what a filter takes it for.
_KINDS: Final = {
    "text": Kind.TEXT,
    "uuid": Kind.UUID,
    "integer": Kind.NUMBER,
    "smallint": Kind.NUMBER,
    "double precision": Kind.NUMBER,
    "date": Kind.DATE,
    "timestamptz": Kind.TIMESTAMP,
}
_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "text": {"type": "string"},
    "uuid": {"type": "string", "format": "uuid"},
    "integer": {"type": "integer"},
    "smallint": {"type": "integer"},
    "double precision": {"type": "number"},
    "date": {"type": "string", "format": "date"},
    "timestamptz": {"type": "string", "format": "date-time"},
    "jsonb": {"type": "object"},
}
#: Properties that every feature has from the database, with Chinese and English titles.
SYSTEM: Final[dict[str, tuple[str, str, str]]] = {
    "dataset": ("text", "数据集", "Dataset"),
    "valid_from": ("timestamptz", "有效起始", "Valid from"),
    "valid_to": ("timestamptz", "有效终止", "Valid until"),
    "tx_from": ("timestamptz", "入库时间", "Recorded at"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A property: its declared type (as :mod:`models.features` writes it) and titles."""

    name: str
    declared: str
    zh: str
    en: str

    @property
    def kind(self) -> Kind | None:
        """What a filter takes it for; None where it cannot be filtered by."""
        return _KINDS.get(self.declared)

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its values."""
        return {**_SCHEMAS[self.declared], "title": f"{self.zh} {self.en}"}


@dataclass(frozen=True)
class Collection:
    """One collection; ``geometry`` is the GeoJSON type of its features in plan.

    ``solid`` tells how JSON-FG gets a solid: ``extruded`` (footprint, base and height), ``body``
    (the mesh, or its box), or None. ``attributes`` are the members of its JSON columns that were
    found in the data of a twin (:mod:`twin.api.ogc.attributes`).
    """

    id: str
    table: str
    theme: Theme
    zh: str
    en: str
    about_zh: str
    about_en: str
    geometry: str
    solid: str | None
    attributes: tuple[Attribute, ...] = ()

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Its properties in the order in which they are answered."""
        words = labels(self.table)
        own = {
            name: Field(name, declared, *_titles(words, name))
            for name, declared in TABLES[self.table].items()
            if name not in HIDDEN
        }
        return own | {name: Field(name, *rest) for name, rest in SYSTEM.items()}

    @cached_property
    def members(self) -> dict[str, Attribute]:
        """Its attributes by the names that filters have for them."""
        return named(self.attributes, {"id": None, "geometry": None, **self.fields})

    @cached_property
    def queryables(self) -> Mapping[str, Listed]:
        """What a filter may name: ``id``, ``geometry``, every plain property, and attributes."""
        plain = {n: f.kind for n, f in self.fields.items() if f.kind is not None}
        own: dict[str, Listed] = {"id": Kind.UUID, "geometry": Kind.GEOMETRY, **plain}
        return {**own, **properties(self.members)}

    @property
    def title(self) -> str:
        """Title in both languages."""
        return f"{self.zh} {self.en}"

    @property
    def description(self) -> str:
        """What is in it, in both languages."""
        return f"{self.about_zh} {self.about_en}"


def _titles(words: dict[str, dict[str, str]], name: str) -> tuple[str, str]:
    word = words.get(name)
    return (word["zh"], word["en"]) if word else (name, name)


COLLECTIONS: Final[dict[str, Collection]] = {
    c.id: c
    for c in (
        Collection(
            "buildings",
            "building",
            Theme.BUILDINGS,
            "建筑",
            "Buildings",
            "建筑基底面及其属性。",
            "Footprints of buildings with height, storeys and use.",
            "MultiPolygon",
            "extruded",
        ),
        Collection(
            "building-parts",
            "building_part",
            Theme.BUILDINGS,
            "建筑部件",
            "Building parts",
            "高度或用途不同的建筑组成部分。",
            "Parts of buildings that differ in height or use.",
            "MultiPolygon",
            "extruded",
        ),
        Collection(
            "bim-elements",
            "bim_element",
            Theme.BIM,
            "BIM 构件",
            "BIM elements",
            "IFC 模型的构件，几何为其外包盒的平面投影；JSON-FG 给出实体。",
            "Elements of IFC models; the geometry is the plan of the body's box, JSON-FG has the "
            "body itself.",
            "Polygon",
            "body",
        ),
        Collection(
            "pipe-points",
            "pipe_point",
            Theme.PIPES,
            "管线点",
            "Pipe points",
            "地下管线的探测点、特征点与附属物。",
            "Survey points of underground pipelines: features and appurtenances.",
            "Point",
            None,
        ),
        Collection(
            "pipe-segments",
            "pipe_segment",
            Theme.PIPES,
            "管线段",
            "Pipe segments",
            "地下管线的管段中心线，JSON-FG 含高程，管径见属性。",
            "Centre lines of underground pipeline segments, with heights in JSON-FG; sizes are "
            "properties.",
            "LineString",
            None,
        ),
    )
}


def of_twin(definition: TwinDefinition) -> dict[str, Collection]:
    """The collections of the twin's layers, by id."""
    return {i: c for i, c in COLLECTIONS.items() if str(c.theme) in definition.layers}


def find_collection(definition: TwinDefinition, collection: str) -> Collection:
    """The collection of that id. Raises :class:`NotOfferedError`, which lists those there are."""
    there = of_twin(definition)
    if (found := there.get(collection)) is not None:
        return found
    shown = collection if len(collection) <= 60 else f"{collection[:57]}..."
    raise NotOfferedError(
        "collection",
        collection,
        f"Twin '{definition.id}' has no collection '{shown}'. Expected one of: {', '.join(there)}.",
        f"孪生体“{definition.id}”没有要素集“{shown}”。可用：{'、'.join(there)}。",
    )
