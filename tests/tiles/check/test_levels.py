"""What becomes of features from level to level, and what a tile of several contents takes."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from models.crs import enu_frame
from tiles.build import build_layer
from tiles.check import Limits, check_tileset
from tiles.content import Content
from tiles.gltf import COMPAT, encode
from tiles.scheme import Limits as Sizes
from tiles.store.directory import DirectoryStore
from tiles.testing import BoxTiler, box_content, random_boxes
from tiles.tilers.base import I64

if TYPE_CHECKING:
    from tests.tiles.check.conftest import Planted

IDS = [f"{leaf}-{at}" for leaf in (0, 1) for at in range(5)]


def level(planted: Planted, name: str, ids: list[str] | None) -> dict[str, str]:
    """Write a coarse content of these features, or of one without a table; gives the content."""
    boxes = random_boxes(len(ids or IDS), side=20)
    boxes[:, [0, 3]] += 45
    boxes[:, [1, 4]] += 105
    boxes[:, [2, 5]] = 0.0, 10.0
    content = box_content(boxes)
    if ids is not None:
        content.columns[0].values[:] = ids  # type: ignore[index]
    (planted.folder / name).write_bytes(encode(content, COMPAT))
    if ids is None:
        planted.glb(lambda d: d["extensions"].pop("EXT_structural_metadata"), name)
        planted.glb(lambda d: d["extensionsUsed"].remove("EXT_structural_metadata"), name)
    return {"uri": name}


def three_levels(planted: Planted, middle: list[str] | None, refine: str = "REPLACE") -> None:
    """Root, one tile below it, and the two leaves below that."""
    root = planted.root
    inner = {
        "boundingVolume": root["boundingVolume"],
        "geometricError": 20.0,
        "refine": refine,
        "content": level(planted, "middle.glb", middle),
        "children": root["children"],
    }
    root |= {"content": level(planted, "root.glb", IDS), "refine": "REPLACE", "children": [inner]}


@pytest.mark.parametrize("middle", [IDS, None])
def test_levels_that_keep_their_features_are_sound(
    planted: Planted, middle: list[str] | None
) -> None:
    """A level without ids says nothing of what it shows; its table's bytes are still there."""
    three_levels(planted, middle)
    assert set(planted.check().totals) == (set() if middle else {"TSC-35"})


def test_a_level_that_lacks_a_feature_is_found(planted: Planted) -> None:
    """The leaves have it again: it is gone only while the middle level is shown."""
    three_levels(planted, IDS[:-1])
    report = planted.check()
    assert report.totals == {"TSC-45": 1} and report.summary.features == 10
    (finding,) = report.findings
    assert (finding.place.file, str(finding.found)[:7]) == ("tileset.json", "1 of 10")
    assert "root.glb" in str(finding.place.element)


def test_what_an_added_level_brings_later_is_not_missing(planted: Planted) -> None:
    """An ADD tile shows its own features first, and keeps them when its children come."""
    planted.root["children"] = planted.root["children"][1:]
    three_levels(planted, IDS[:5], "ADD")
    (planted.folder / "0.glb").unlink()
    assert planted.check().totals == {}


def test_a_level_of_several_contents_is_judged_as_one(planted: Planted) -> None:
    three_levels(planted, IDS[:5])
    inner = planted.root["children"][0]
    inner["contents"] = [inner.pop("content"), level(planted, "more.glb", IDS[5:])]
    assert planted.check().totals == {}


def several(planted: Planted) -> None:
    """A tile of two contents, those of both leaves."""
    one, other = planted.root["children"]
    one["boundingVolume"] = planted.root["boundingVolume"]
    one["contents"] = [one.pop("content"), other["content"]]
    planted.root["children"].pop()


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("TSC-32", Limits(triangles=119)),
        ("TSC-33", Limits(draw_calls=1)),
    ],
)
def test_contents_of_one_tile_are_summed(planted: Planted, code: str, limits: Limits) -> None:
    assert planted.check(limits).totals == {}
    several(planted)
    report = planted.check(limits)
    assert report.totals == {code: 1}
    assert "0.glb, 1.glb" in report.findings[0].en
    both = sum((planted.folder / name).stat().st_size for name in ("0.glb", "1.glb"))
    assert report.summary.largest_tile_bytes == both
    assert planted.check(Limits(tile_bytes=both - 1)).totals == {"TSC-31": 1}
    assert planted.check(Limits(tile_bytes=both)).totals == {}


def test_files_beside_a_gltf_count_in_its_tile(planted: Planted) -> None:
    data = (planted.folder / "0.glb").read_bytes()
    size = int.from_bytes(data[12:16], "little")
    document = json.loads(data[20 : 20 + size])
    document["buffers"][0]["uri"] = "0.bin"
    document["images"] = [{"uri": "0.png"}]
    document["textures"] = [{"source": 0}]
    texture = {"baseColorTexture": {"index": 0}}
    document["materials"][0].setdefault("pbrMetallicRoughness", {}).update(texture)
    files = {"0.gltf": json.dumps(document).encode(), "0.bin": data[28 + size :], "0.png": b"png"}
    for name, content in files.items():
        (planted.folder / name).write_bytes(content)
    (planted.folder / "0.glb").unlink()
    planted.root["children"][0]["content"]["uri"] = "0.gltf"
    report = planted.check()
    assert report.totals == {}
    assert report.summary.largest_tile_bytes == sum(map(len, files.values()))


class TextTiler(BoxTiler):
    """Boxes of which only the id is known."""

    def content(self, rows: I64) -> Content:
        """See :meth:`tiles.tilers.base.Tiler.content`."""
        content = super().content(rows)
        return replace(content, columns=content.columns[:1])


def test_a_lost_leaf_of_a_layer_of_texts_is_found(tmp_path: Path) -> None:
    tiler = TextTiler(random_boxes(200), enu_frame(121.2264, 30.9869, 14.0))
    limits = Sizes(min_bytes=4_000, max_bytes=20_000)
    build_layer(tiler, DirectoryStore(tmp_path), limits=limits)
    assert "TSC-48" not in check_tileset(tmp_path).totals
    path = tmp_path / "tileset.json.gz"
    document = json.loads(gzip.decompress(path.read_bytes()))
    assert document["statistics"] == {"classes": {"building": {"count": 200}}}
    tile: dict[str, Any] = document["root"]
    while any("children" in child for child in tile["children"]):
        tile = next(child for child in tile["children"] if "children" in child)
    tile["children"].pop()
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    assert "TSC-48" in check_tileset(tmp_path).totals
