"""MapLibre styles, one a theme: colours of pipes as CJJ 61-2017 gives them."""

from __future__ import annotations

from typing import Any, Final

from models import pipes
from models.features import Theme
from models.twins import TwinDefinition
from twin.api.ogc.collections import Collection

_SOURCE: Final = "twin"
_TITLES: Final = {
    Theme.BUILDINGS: "建筑 Buildings",
    Theme.BIM: "建筑信息模型 BIM",
    Theme.PIPES: "地下管线 Underground pipes",
}
_USES: Final = {
    "住宅": "#e8d9b5",
    "办公": "#b9cbe0",
    "商业": "#e3b9b0",
}


def titles(definition: TwinDefinition) -> dict[Theme, str]:
    """The themes of a twin that have a style, with titles."""
    return {t: title for t, title in _TITLES.items() if str(t) in definition.layers}


def style(
    definition: TwinDefinition, theme: Theme, collections: dict[str, Collection], tiles: str
) -> dict[str, Any]:
    """A style (MapLibre Style Specification 8) over the TileJSON at ``tiles``."""
    layers: list[dict[str, Any]] = [
        {"id": "background", "type": "background", "paint": {"background-color": "#f4f2ee"}}
    ]
    for collection in collections.values():
        if collection.theme is theme:
            layers += _LAYERS[collection.table](collection.id)
    return {
        "version": 8,
        "name": f"{definition.name_zh} {definition.name_en}: {_TITLES[theme]}",
        "center": list(definition.centre),
        "zoom": 14,
        "sources": {_SOURCE: {"type": "vector", "url": tiles}},
        "layers": layers,
    }


def _layer(collection: str, kind: str, paint: dict[str, Any], suffix: str = "") -> dict[str, Any]:
    return {
        "id": f"{collection}{suffix}",
        "type": kind,
        "source": _SOURCE,
        "source-layer": collection,
        "paint": paint,
    }


def _buildings(collection: str) -> list[dict[str, Any]]:
    colour = ["match", ["get", "function"], *(v for u in _USES.items() for v in u), "#cfc9bf"]
    return [
        _layer(
            collection,
            "fill-extrusion",
            {
                "fill-extrusion-color": colour,
                "fill-extrusion-height": ["coalesce", ["get", "height"], 3],
                "fill-extrusion-opacity": 0.9,
            },
        )
    ]


def _bodies(collection: str) -> list[dict[str, Any]]:
    return [
        _layer(
            collection,
            "fill",
            {"fill-color": "#8fa3b8", "fill-opacity": 0.35, "fill-outline-color": "#4f6478"},
        )
    ]


def _segments(collection: str) -> list[dict[str, Any]]:
    # widths as the pipe's own from level 18 on, never thinner than can be seen
    size = ["coalesce", ["get", "width_mm"], 200]
    width = [
        "interpolate", ["exponential", 2], ["zoom"],
        12, 0.8,
        18, ["max", 1.5, ["/", size, 500]],
        22, ["max", 2, ["/", size, 40]],
    ]  # fmt: skip
    return [_layer(collection, "line", {"line-color": _class_colours(), "line-width": width})]


def _points(collection: str) -> list[dict[str, Any]]:
    radius = ["interpolate", ["linear"], ["zoom"], 12, 1, 18, 4]
    return [
        _layer(
            collection,
            "circle",
            {
                "circle-color": _class_colours(),
                "circle-radius": radius,
                "circle-stroke-color": "#ffffff",
                "circle-stroke-width": 0.5,
            },
        )
    ]


def _class_colours() -> list[Any]:
    pairs: list[Any] = []
    for code, one in pipes.classes().items():
        pairs += [code, "#{:02x}{:02x}{:02x}".format(*one.rgb)]
    return ["match", ["get", "class_code"], *pairs, "#808080"]


_LAYERS: Final = {
    "building": _buildings,
    "building_part": _buildings,
    "bim_element": _bodies,
    "pipe_segment": _segments,
    "pipe_point": _points,
}
