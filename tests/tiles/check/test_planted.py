"""Every fault, planted alone, gives exactly its own finding; without faults there is none."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tiles.check import Limits
from tiles.check.codes import CODES

if TYPE_CHECKING:
    from tests.tiles.check.conftest import Planted

Plant = Callable[["Planted"], None]


def test_a_sound_tileset_is_clean(planted: Planted) -> None:
    report = planted.check(expected=[f"{at}-{n}" for at in (0, 1) for n in range(5)])
    assert report.totals == {} and report.clean
    summary = report.summary
    assert (summary.tiles, summary.contents, summary.depth) == (3, 2, 2)
    assert (summary.triangles, summary.features, summary.draw_calls) == (120, 10, 2)
    assert summary.bytes == sum(path.stat().st_size for path in planted.folder.iterdir())
    assert summary.far_requests == 3 and summary.far_bytes == summary.bytes
    stated(10)(planted)
    assert planted.check().clean


def leaf(planted: Planted) -> dict[str, Any]:
    found: dict[str, Any] = planted.root["children"][0]
    return found


def remove(planted: Planted) -> None:
    (planted.folder / "0.glb").unlink()


def spare(planted: Planted) -> None:
    (planted.folder / "old.glb").write_bytes(b"x")


def uri(value: str) -> Plant:
    def plant(planted: Planted) -> None:
        leaf(planted)["content"]["uri"] = value
        (planted.folder / "0.glb").unlink()

    return plant


def linked(planted: Planted) -> None:
    outside = planted.folder.parent / f"{planted.folder.name}-outside.glb"
    shutil.move(planted.folder / "0.glb", outside)
    (planted.folder / "0.glb").symlink_to(outside)


def cycle(planted: Planted) -> None:
    planted.root["children"].append(
        leaf(planted) | {"content": {"uri": "tileset.json"}, "geometricError": 1.0}
    )


def damaged(planted: Planted) -> None:
    path = planted.folder / "0.glb"
    path.write_bytes(path.read_bytes()[:-200])


def tile(key: str, value: Any) -> Plant:
    def plant(planted: Planted) -> None:
        leaf(planted)[key] = value

    return plant


def box(at: int, by: float) -> Plant:
    def plant(planted: Planted) -> None:
        leaf(planted)["boundingVolume"]["box"][at] += by

    return plant


def content_box(*values: float) -> Plant:
    def plant(planted: Planted) -> None:
        leaf(planted)["content"]["boundingVolume"] = {"box": list(values)}

    return plant


def whole_error(planted: Planted) -> None:
    planted.json["geometricError"] = 40.0


def version(planted: Planted) -> None:
    planted.json["asset"]["version"] = "2.0"


def turned(planted: Planted) -> None:
    """The content is written z up, as if glTF were so."""
    planted.glb(lambda document: document["nodes"][0].pop("matrix"))


def axis(planted: Planted) -> None:
    """z up contents and the axis said so, which only some clients read."""
    for name in ("0.glb", "1.glb"):
        planted.glb(lambda document: document["nodes"][0].pop("matrix"), name)
    planted.json["asset"]["gltfUpAxis"] = "Z"


def gltf(change: Callable[[dict[str, Any]], Any]) -> Plant:
    return lambda planted: planted.glb(change)


def table(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["extensions"]["EXT_structural_metadata"]["propertyTables"][0]
    return found


def features(document: dict[str, Any]) -> dict[str, Any]:
    primitive = document["meshes"][0]["primitives"][0]
    found: dict[str, Any] = primitive["extensions"]["EXT_mesh_features"]["featureIds"][0]
    return found


def shrunk_table(document: dict[str, Any]) -> None:
    table(document)["count"] = 4


def unused_view(document: dict[str, Any]) -> None:
    """The height column is dropped, its bytes stay."""
    table(document)["properties"].pop("height")


def unused_accessor(document: dict[str, Any]) -> None:
    document["accessors"].append(dict(document["accessors"][0]))


def quantised(document: dict[str, Any]) -> None:
    document["extensionsUsed"].append("KHR_mesh_quantization")
    normal = document["meshes"][0]["primitives"][0]["attributes"]["NORMAL"]
    document["accessors"][normal] |= {"componentType": 5120, "normalized": True}


def same_content(planted: Planted) -> None:
    shutil.copy(planted.folder / "0.glb", planted.folder / "1.glb")
    planted.root["children"][1]["boundingVolume"] = leaf(planted)["boundingVolume"]


def lost(planted: Planted) -> None:
    """The root shows a feature that no leaf has."""
    planted.root["refine"] = "REPLACE"
    planted.root["content"] = {"uri": "root.glb"}
    shutil.copy(planted.folder / "0.glb", planted.folder / "root.glb")
    planted.root["children"].pop(0)
    (planted.folder / "0.glb").unlink()


def nameless(planted: Planted) -> None:
    leaf(planted)["content"] = {"url2": "0.glb"}
    (planted.folder / "0.glb").unlink()


def addressed(planted: Planted) -> None:
    """By the name that the address of a content had before 3D Tiles 1.0."""
    leaf(planted)["content"] = {"url": "0.glb"}


def positions(document: dict[str, Any]) -> dict[str, Any]:
    primitive = document["meshes"][0]["primitives"][0]
    found: dict[str, Any] = document["accessors"][primitive["attributes"]["POSITION"]]
    return found


def stretched(document: dict[str, Any]) -> None:
    positions(document)["max"][0] += 50.0


def stated(count: int) -> Plant:
    """The tileset says how many features it has: ten are in its contents."""

    def plant(planted: Planted) -> None:
        entry = {"count": count, "properties": {"height": {"min": 10.0, "max": 10.0}}}
        planted.json["statistics"] = {"classes": {"building": entry}}

    return plant


FAULTS: dict[str, list[Plant]] = {
    "TSC-01": [remove, uri("nothing.glb")],
    "TSC-02": [spare],
    "TSC-03": [uri("../0.glb"), uri("/etc/passwd"), uri("https://example.com/0.glb"), linked],
    "TSC-04": [tile("children", "none"), nameless, addressed],
    "TSC-05": [cycle],
    "TSC-07": [version],
    "TSC-08": [damaged],
    "TSC-11": [box(3, -1.0), box(11, -1.0)],
    "TSC-12": [content_box(45, 5, 5, 45.1, 0, 0, 0, 5.1, 0, 0, 0, 4.0)],
    "TSC-13": [box(3, 5.0)],
    "TSC-14": [content_box(45, 5, 5, 45.1, 0, 0, 0, 9.1, 0, 0, 0, 5.1)],
    "TSC-15": [tile("boundingVolume", {"box": [0] * 9}), tile("boundingVolume", {})],
    "TSC-16": [tile("transform", [0] * 16), tile("transform", [1, 2])],
    "TSC-18": [gltf(stretched), gltf(lambda d: positions(d).pop("min"))],
    "TSC-20": [tile("geometricError", -1), tile("geometricError", None)],
    "TSC-23": [whole_error],
    "TSC-24": [tile("geometricError", 2.0)],
    "TSC-35": [gltf(unused_view)],
    "TSC-36": [gltf(unused_accessor)],
    "TSC-41": [same_content],
    "TSC-45": [lost],
    "TSC-47": [gltf(lambda d: features(d).update(featureCount=9))],
    "TSC-48": [stated(9), stated(11)],
    "TSC-51": [gltf(lambda d: d["extensionsUsed"].remove("EXT_mesh_features"))],
    "TSC-53": [gltf(lambda d: d["extensionsUsed"].append("KHR_lights_punctual"))],
    "TSC-54": [turned],
    "TSC-55": [axis],
}


@pytest.mark.parametrize(
    ("code", "plant"), [(code, plant) for code, plants in FAULTS.items() for plant in plants]
)
def test_a_planted_fault_is_found_alone(planted: Planted, code: str, plant: Plant) -> None:
    plant(planted)
    report = planted.check()
    assert set(report.totals) == {code}, [finding.en for finding in report.findings]
    finding = report.findings[0]
    assert finding.severity is CODES[code].severity
    assert finding.found and finding.expected and finding.place.file
    assert "{" not in finding.zh + finding.en
    assert report.clean is (finding.severity == "info")


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("TSC-31", Limits(tile_bytes=100)),
        ("TSC-32", Limits(triangles=59)),
        ("TSC-33", Limits(draw_calls=0)),
        ("TSC-34", Limits(far_requests=2)),
        ("TSC-06", Limits(tiles=2)),
        ("TSC-06", Limits(depth=1)),
        ("TSC-06", Limits(seconds=0)),
        ("TSC-06", Limits(content_points=10)),
        ("TSC-06", Limits(content_bytes=1000)),
        ("TSC-06", Limits(json_bytes=100)),
    ],
)
def test_limits_are_kept(planted: Planted, code: str, limits: Limits) -> None:
    assert set(planted.check(limits).totals) == {code}


def test_ladder(planted: Planted) -> None:
    middle = {**planted.root, "children": planted.root["children"], "geometricError": 50.0}
    middle.pop("transform")
    planted.root["children"] = [middle]
    assert set(planted.check().totals) == {"TSC-22"}
    middle["geometricError"] = 60.0
    assert set(planted.check().totals) == {"TSC-21"}
    middle["geometricError"] = 40.0
    assert planted.check().clean


def test_feature_ids_beyond_the_table(planted: Planted) -> None:
    planted.glb(shrunk_table)
    assert set(planted.check().totals) == {"TSC-42"}
    planted.glb(lambda document: table(document).update(count=6))
    assert set(planted.check().totals) == {"TSC-46"}


def test_a_tileset_that_lost_every_leaf(planted: Planted) -> None:
    """No content is left that could have a class; points, which no table has, are not missed."""
    stated(10)(planted)
    planted.json["statistics"]["classes"]["point"] = {"count": 7}
    planted.json["metadata"] = {"class": "point"}
    assert planted.check().totals == {}
    planted.root["children"] = []
    for name in ("0.glb", "1.glb"):
        (planted.folder / name).unlink()
    report = planted.check()
    assert set(report.totals) == {"TSC-24", "TSC-48"}
    assert "0 (building)" in report.findings[0].en


def test_rows_that_nothing_is_drawn_for(planted: Planted) -> None:
    """Two boxes go: their rows stay in the table."""
    planted.glb(
        lambda d: d["accessors"][d["meshes"][0]["primitives"][0]["indices"]].update(count=36)
    )
    report = planted.check()
    assert set(report.totals) <= {"TSC-43", "TSC-35"} and report.summary.triangles == 72


def test_quantised_contents_have_to_say_so(planted: Planted) -> None:
    planted.glb(quantised)
    assert "TSC-52" in planted.check().totals


def test_missing_features_are_named(planted: Planted) -> None:
    report = planted.check(expected=["0-1", "1-4", "9-9"])
    assert set(report.totals) == {"TSC-45"}
    assert "9-9" in report.findings[0].en


def test_geometry_outside_an_ancestor(planted: Planted) -> None:
    """The leaf fits its own box, but neither fits the root's."""
    planted.root["boundingVolume"]["box"][3] = 40.0
    assert set(planted.check().totals) == {"TSC-13", "TSC-17"}


@pytest.mark.parametrize("kind", ["sphere", "region"])
def test_spheres_and_regions(planted: Planted, kind: str) -> None:
    import numpy as np

    from models.crs import ecef_to_geodetic

    corners = np.array([[x, y, z] for x in (0, 90) for y in (0, 10) for z in (0, 10)], float)
    frame = np.array(planted.root["transform"]).reshape(4, 4).T
    lon, lat, h = ecef_to_geodetic(corners @ frame[:3, :3].T + frame[:3, 3])
    lon, lat = np.radians(lon), np.radians(lat)
    region = [lon.min(), lat.min(), lon.max(), lat.max(), h.min(), h.max()]
    good = {"sphere": [45.0, 5.0, 5.0, 46.0], "region": region}[kind]
    bad = [*good[:3], 40.0] if kind == "sphere" else [*good[:5], good[5] - 2.0]
    planted.root["boundingVolume"] = {"sphere": [45.0, 105.0, 5.0, 150.0]}
    leaf(planted)["boundingVolume"] = {kind: [float(v) for v in good]}
    assert planted.check().totals == {}
    leaf(planted)["boundingVolume"] = {kind: [float(v) for v in bad]}
    assert set(planted.check().totals) == {"TSC-11"}


def test_external_tilesets_and_gzip_at_rest(planted: Planted) -> None:
    child = leaf(planted)
    inner = {"asset": {"version": "1.1"}, "geometricError": 10.0, "root": dict(child)}
    (planted.folder / "inner.json.gz").write_bytes(gzip.compress(json.dumps(inner).encode()))
    child |= {"content": {"uri": "inner.json"}, "geometricError": 10.0}
    report = planted.check()
    assert report.totals == {} and report.summary.tilesets == 2 and report.summary.tiles == 4
    inner["root"]["geometricError"] = 20.0
    (planted.folder / "inner.json.gz").write_bytes(gzip.compress(json.dumps(inner).encode()))
    assert set(planted.check().totals) == {"TSC-21", "TSC-23", "TSC-24"}


def test_a_whole_with_the_error_of_its_root_refines_nothing(planted: Planted) -> None:
    planted.json["geometricError"] = planted.root["geometricError"]
    assert set(planted.check().totals) == {"TSC-22"}


def test_every_code_is_planted() -> None:
    """None is without a test that finds it; those with tests of their own are listed here."""
    own = {
        *("TSC-06", "TSC-09", "TSC-10", "TSC-17", "TSC-21", "TSC-22"),
        *("TSC-31", "TSC-32", "TSC-33", "TSC-34"),
        *("TSC-42", "TSC-43", "TSC-44", "TSC-46", "TSC-52", "TSC-61", "TSC-62"),
    }
    assert {*FAULTS, *own} == set(CODES)
