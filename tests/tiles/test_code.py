"""The digest of what contents depend on misses no library."""

from __future__ import annotations

import ast
from importlib.metadata import packages_distributions
from pathlib import Path

import tiles
from tiles.code import LIBRARIES, OTHERS

#: What works around contents: the cluster, the reading of styles.
_AROUND = {"distributed", "pyyaml"}


def test_every_library_of_the_encoder_is_in_the_digest() -> None:
    folder = Path(next(iter(tiles.__path__)))
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        if path.relative_to(folder).parts[0] not in OTHERS:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {name.name.partition(".")[0] for name in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found.add(node.module.partition(".")[0])
    owners = packages_distributions()
    used = {name.lower() for module in found for name in owners.get(module, ())}
    ours = {name.lower() for name in owners.get("tiles", ())}
    assert {"numpy", "dracopy"} <= used
    assert used - ours - _AROUND <= {name.lower() for name in LIBRARIES}
