"""Checks of a tileset file as a whole, before its tiles."""

from __future__ import annotations

import math
from typing import Any, Final

import orjson

from tiles.check.extensions import extensions_in
from tiles.check.implicit import EXTENSION
from tiles.check.tile import JsonObject, Note

_VERSIONS: Final = ("1.0", "1.1")


def check_document(document: Any, first: bool, note: Note) -> bool:
    """Note the faults of a tileset's JSON; whether its tiles can be looked at.

    ``first`` is true for the file that a client opens, false for external tilesets.
    """
    root = document.get("root") if isinstance(document, dict) else None
    asset = document.get("asset") if isinstance(document, dict) else None
    if not isinstance(root, dict) or not isinstance(asset, dict):
        note("TSC-04", "no asset or no root", "a JSON object with asset and root")
        return False
    if asset.get("version") not in _VERSIONS:
        note("TSC-07", asset.get("version"), " or ".join(_VERSIONS))
    up = str(asset.get("gltfUpAxis", "Y")).upper()
    if "gltfUpAxis" in asset and (up != "Y" or asset.get("version") == "1.1"):
        note("TSC-55", asset["gltfUpAxis"], "Y up, as glTF has it")
    _check_extensions(document, note)
    _check_root_error(document, root, first, note)
    return True


def contents_of(tile: JsonObject) -> list[Any]:
    """The contents of a tile, of which 3D Tiles 1.0 has one, by an extension several."""
    extension = tile.get("extensions", {})
    several = extension.get("3DTILES_multiple_contents", {}) if isinstance(extension, dict) else {}
    listed = tile.get("contents") or several.get("contents", several.get("content", []))
    one = [tile["content"]] if "content" in tile else []
    return [*one, *listed] if isinstance(listed, list) else one


def is_implicit(tile: JsonObject) -> bool:
    """Whether subtrees say what is below a tile."""
    extensions = tile.get("extensions", {})
    return "implicitTiling" in tile or EXTENSION in extensions


def external_tileset(data: bytes) -> JsonObject | None:
    """The JSON of an external tileset, or None for any other content."""
    if data.lstrip()[:1] != b"{":
        return None
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return document if "root" in document else None


def _check_root_error(document: JsonObject, root: JsonObject, first: bool, note: Note) -> None:
    whole, top = document.get("geometricError"), root.get("geometricError")
    if not isinstance(whole, int | float) or not math.isfinite(whole) or whole < 0:
        note("TSC-20", whole, "a number of 0 or more for the whole tileset")
    elif isinstance(top, int | float) and whole < top:
        note("TSC-23", f"{whole:g}", f"{top:g}")
    elif first and whole == top:
        note("TSC-22", f"{top:g}", f"{whole:g}")


def _check_extensions(document: JsonObject, note: Note) -> None:
    used = extensions_in({key: value for key, value in document.items() if key != "schema"})
    for extension in sorted(used - set(document.get("extensionsUsed", []))):
        note("TSC-51", extension, "extensionsUsed")
