"""Checks of a tileset file as a whole, before its tiles."""

from __future__ import annotations

import math
from typing import Any, Final

from tiles.check.tile import JsonObject, Note
from tiles.check.waste import extensions_in

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


def _check_root_error(document: JsonObject, root: JsonObject, first: bool, note: Note) -> None:
    whole, top = document.get("geometricError"), root.get("geometricError")
    if not isinstance(whole, int | float) or not math.isfinite(whole) or whole < 0:
        note("TSC-20", whole, "a number of 0 or more for the whole tileset")
    elif isinstance(top, int | float) and (whole < top or (first and whole == top)):
        note("TSC-23", f"{whole:g}", f"{top:g}")


def _check_extensions(document: JsonObject, note: Note) -> None:
    used = extensions_in({key: value for key, value in document.items() if key != "schema"})
    for extension in sorted(used - set(document.get("extensionsUsed", []))):
        note("TSC-51", extension, "extensionsUsed")
