"""A small tileset of two levels that the linter finds nothing in, to plant faults into."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.crs import enu_frame
from tiles.check import Limits, Report, check_tileset
from tiles.gltf import COMPAT, encode
from tiles.testing import box_content

FRAME = enu_frame(121.2264, 30.9869, 14.0)


class Planted:
    """A tileset in a folder: a root with two leaves of five boxes each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        low = np.array([[x, y, 0.0] for x in (0, 20, 40, 60, 80) for y in (0, 200)], float)
        boxes = np.concatenate([low, low + 10.0], axis=1)
        self.leaves = [boxes[0::2], boxes[1::2]]
        for at, leaf in enumerate(self.leaves):
            content = box_content(leaf)
            ids = content.columns[0].values
            assert isinstance(ids, list)
            ids[:] = [f"{at}-{number}" for number in range(len(leaf))]
            (folder / f"{at}.glb").write_bytes(encode(content, COMPAT))
        self.json: dict[str, Any] = {
            "asset": {"version": "1.1"},
            "geometricError": 200.0,
            "root": {
                "transform": FRAME.T.ravel().tolist(),
                "boundingVolume": {"box": [45, 105, 5, 45.1, 0, 0, 0, 105.1, 0, 0, 0, 5.1]},
                "geometricError": 50.0,
                "refine": "ADD",
                "children": [
                    {
                        "boundingVolume": {"box": [45, y, 5, 45.1, 0, 0, 0, 5.1, 0, 0, 0, 5.1]},
                        "geometricError": 0.0,
                        "content": {"uri": f"{at}.glb"},
                    }
                    for at, y in enumerate((5, 205))
                ],
            },
        }

    @property
    def root(self) -> dict[str, Any]:
        root: dict[str, Any] = self.json["root"]
        return root

    def check(self, limits: Limits | None = None, **options: Any) -> Report:
        (self.folder / "tileset.json").write_text(json.dumps(self.json))
        return check_tileset(self.folder, limits=limits, **options)

    def glb(self, change: Callable[[dict[str, Any]], None], name: str = "0.glb") -> None:
        """Write a content anew with its JSON changed."""
        data = (self.folder / name).read_bytes()
        size = struct.unpack_from("<I", data, 12)[0]
        document = json.loads(data[20 : 20 + size])
        change(document)
        text = json.dumps(document).encode()
        text += b" " * (-len(text) % 4)
        rest = data[20 + size :]
        head = struct.pack("<4sII", b"glTF", 2, 20 + len(text) + len(rest))
        fresh = head + struct.pack("<I4s", len(text), b"JSON") + text + rest
        (self.folder / name).write_bytes(fresh)


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path)
