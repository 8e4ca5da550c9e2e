"""Styles and TileJSON of both twins, held against their specifications by others than us."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import httpx
import jsonschema
import pytest

from tiles.testing import TOOLS, node
from twin.testing import Service

TWINS = ("songjiang-hub", "qianwan")
SETS = ("WebMercatorQuad", "EPSG4549Quad")
_ZOOM = {"type": "integer", "minimum": 0, "maximum": 30}
#: What TileJSON 3.0.0 (mapbox/tilejson-spec, sections 3.1 to 3.18) demands of its members.
TILE_JSON = {
    "type": "object",
    "required": ["tilejson", "tiles", "vector_layers"],
    "properties": {
        "tilejson": {"pattern": r"^3\.\d+\.\d+$"},
        "tiles": {
            "minItems": 1,
            "items": {"allOf": [{"pattern": rf"\{{{part}\}}"} for part in "zxy"]},
        },
        "vector_layers": {
            "minItems": 1,
            "items": {
                "required": ["id", "fields"],
                "properties": {
                    "id": {"type": "string"},
                    "fields": {
                        "type": "object",
                        "additionalProperties": {"enum": ["String", "Number", "Boolean"]},
                    },
                    "description": {"type": "string"},
                    "minzoom": _ZOOM,
                    "maxzoom": _ZOOM,
                },
            },
        },
        "bounds": {
            "minItems": 4,
            "maxItems": 4,
            "items": {"type": "number", "minimum": -180, "maximum": 180},
        },
        "minzoom": _ZOOM,
        "maxzoom": _ZOOM,
        "version": {"pattern": r"^\d+\.\d+\.\d+$"},
        "scheme": {"enum": ["xyz", "tms"]},
        "name": {"type": "string"},
        "description": {"type": "string"},
    },
}


def faults(styles: dict[str, Any]) -> dict[str, list[str]]:
    """What MapLibre's own validator says of each style."""
    ended = subprocess.run(
        [node(), str(TOOLS / "validate_styles.mjs")],
        input=json.dumps(styles),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[str]] = json.loads(ended.stdout)
    return found


def test_every_style_of_both_twins_is_valid(service: Service) -> None:
    styles: dict[str, Any] = {}
    for twin in TWINS:
        for one in httpx.get(f"{service.url}/ogc/{twin}/styles").json()["styles"]:
            styles[f"{twin} {one['id']}"] = httpx.get(one["links"][0]["href"]).json()
    assert {name.split()[1] for name in styles} == {"buildings", "bim", "pipes"}
    broken = json.loads(json.dumps(styles["qianwan pipes"]))
    broken["layers"][1]["type"] = "nonsense"
    found = faults({**styles, "broken": broken})
    assert found.pop("broken")  # it does look
    assert found == {name: [] for name in styles}


@pytest.mark.parametrize("tms", SETS)
@pytest.mark.parametrize("twin", TWINS)
def test_tile_json_holds_to_its_specification(service: Service, twin: str, tms: str) -> None:
    base = f"{service.url}/ogc/{twin}"
    collections = httpx.get(f"{base}/collections").json()["collections"]
    features = [one["id"] for one in collections if one["itemType"] == "feature"]
    for path in ("", *(f"/collections/{name}" for name in features)):
        found = httpx.get(f"{base}{path}/tiles/{tms}/tilejson").json()
        jsonschema.validate(found, TILE_JSON)
        assert found["minzoom"] <= found["maxzoom"]
        if path:
            (layer,) = found["vector_layers"]
            assert path.endswith(layer["id"])
