"""The metadata of points: EXT_structural_metadata property attributes, a value a vertex.

CesiumJS gives them to styles and custom shaders under the ids of the properties.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, Final, TypeAlias

import yaml

from tiles.points.record import Attributes

JsonObject: TypeAlias = dict[str, Any]

CLASS: Final = "point"
ENUM: Final = "las_class"
#: What stands for an unknown time; real ones are 0 or more.
NO_TIME: Final = -1.0
#: Codes that the standard leaves to the producer begin here (LAS 1.4 R15, table 10).
_USER: Final = 64


def schema(layer: Attributes) -> JsonObject:
    """The schema of a layer, the same in all its tiles and in the tileset."""
    properties: JsonObject = {
        "classification": {
            "name": "类别",
            "description": "ASPRS class",
            "type": "ENUM",
            "enumType": ENUM,
            "required": True,
        }
    }
    if layer.intensity:
        properties["intensity"] = _scalar("回波强度", "Return intensity", "UINT16")
    if layer.returns:
        properties["return_number"] = _scalar("回波号", "Return number", "UINT8")
    if layer.start is not None:
        kind = "GPS seconds less 10^9" if layer.adjusted else "GPS seconds of the week"
        text = f"Time of the pulse, seconds after {layer.start:.0f} ({kind}) [s]"
        properties["gps_time"] = {
            "name": "时间",
            "description": text,
            "type": "SCALAR",
            "componentType": "FLOAT32",
            "noData": NO_TIME,
            "extras": {"unit": "s", "start": layer.start, "adjusted": layer.adjusted},
        }
    if layer.long:
        text = "What gps_time, a 32-bit number, leaves out of the time: add both [s]"
        properties["gps_time_rest"] = _scalar("时间余量", text, "FLOAT32")
    return {
        "id": f"cim_twin_{CLASS}",
        "classes": {CLASS: {"properties": properties}},
        "enums": {ENUM: _enum(layer.classes)},
    }


def word(code: int) -> str:
    """The name of an ASPRS class."""
    if code in _classes():
        return str(_classes()[code][0])
    return f"user_{code}" if code >= _USER else f"reserved_{code}"


def _scalar(zh: str, en: str, component: str) -> JsonObject:
    return {
        "name": zh,
        "description": en,
        "type": "SCALAR",
        "componentType": component,
        "required": True,
    }


def _enum(codes: tuple[int, ...]) -> JsonObject:
    """Every class of the standard, and the others that occur."""
    values = []
    for code in sorted({*_classes(), *codes}):
        _, zh, en = _classes().get(code, ("", "制作方自定义", "Defined by the producer"))
        values.append({"name": word(code), "value": code, "description": f"{zh} {en}"})
    return {"name": "点类别 Point class", "valueType": "UINT8", "values": values}


@cache
def _classes() -> dict[int, tuple[str, str, str]]:
    text = resources.files("tiles").joinpath("data/las_classes.yaml").read_text(encoding="utf-8")
    return {int(code): tuple(row) for code, row in yaml.safe_load(text).items()}
