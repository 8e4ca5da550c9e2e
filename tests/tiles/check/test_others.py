"""Tilesets of other makers and of other kinds: 1.0 containers, implicit tiling, archives."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.crs import enu_frame
from tiles.build import build_layer
from tiles.check import check_tileset
from tiles.content import Content
from tiles.errors import TileNotFoundError, TilesetError
from tiles.gltf import COMPAT, DEFAULT, Profile, encode
from tiles.scheme import Limits
from tiles.store.archive import export_archive
from tiles.store.directory import DirectoryStore
from tiles.testing import BoxTiler, id_column, instanced, random_boxes
from tiles.tileset import Tile, Tileset, serialise
from tiles.volumes import content_box

if TYPE_CHECKING:
    from tests.tiles.check.conftest import Planted

FRAME = enu_frame(121.2264, 30.9869, 14.0)
SHARED = Path(__file__).resolve().parents[4] / "shared" / "samples"


def table(
    features: dict[str, Any], binary: bytes = b"", batch: dict[str, Any] | None = None
) -> Any:
    """Feature and batch table with their four lengths."""
    texts = [json.dumps(part).encode() if part else b"" for part in (features, batch)]
    first, second = (text + b" " * (-len(text) % 8) for text in texts)
    return [len(first), len(binary), len(second), 0], first + binary + second


def container(magic: bytes, sizes: list[int], body: bytes, extra: bytes = b"") -> bytes:
    length = 28 + len(extra) + len(body)
    return struct.pack("<4sII4I", magic, 1, length, *sizes) + extra + body


@pytest.mark.parametrize("profile", [DEFAULT, COMPAT])
def test_our_own_layers_are_clean(tmp_path: Path, profile: Profile) -> None:
    tiler = BoxTiler(random_boxes(400), FRAME)
    limits = Limits(min_bytes=4_000, max_bytes=20_000)
    build_layer(tiler, DirectoryStore(tmp_path), profile=profile, limits=limits)
    report = check_tileset(tmp_path, expected=list(tiler.index().ids))
    assert set(report.totals) <= {"TSC-34"}, [finding.en for finding in report.findings]
    assert report.summary.features == 400
    assert report.summary.triangles == 400 * 12


def test_an_archive_says_the_same_as_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "layer"
    build_layer(BoxTiler(random_boxes(100), FRAME), DirectoryStore(folder))
    export_archive(folder, tmp_path / "layer.3tz")
    one, other = check_tileset(folder), check_tileset(tmp_path / "layer.3tz")
    assert one.totals == other.totals
    assert one.summary.features == other.summary.features == 100
    (tmp_path / "bad.3tz").write_bytes(b"PK")
    with pytest.raises(TilesetError):
        check_tileset(tmp_path / "bad.3tz")
    with pytest.raises(TileNotFoundError):
        check_tileset(tmp_path / "nowhere")


def test_py3dtiles_points(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    points = random.random((20_000, 3)) * [200, 300, 20] + [500_000, 3_000_000, 10]
    np.savetxt(tmp_path / "points.xyz", points, fmt="%.3f")
    command = [sys.executable, "-m", "py3dtiles.command_line", "convert", "points.xyz"]
    run = subprocess.run(
        [*command, "--out", "out", "--jobs", "1"], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    report = check_tileset(tmp_path / "out")
    assert not {c for c in report.totals if c in ("TSC-08", "TSC-11", "TSC-01", "TSC-04")}
    assert report.summary.points >= 20_000
    assert set(report.summary.kinds) == {"pnts"}


def b3dm(planted: Planted, name: str = "0.glb", centre: tuple[float, ...] = (0, 0, 0)) -> bytes:
    glb = (planted.folder / name).read_bytes()
    features = {"BATCH_LENGTH": 0, "RTC_CENTER": list(centre)}
    sizes, tables = table(features)
    return container(b"b3dm", sizes, tables + glb)


def use(planted: Planted, name: str, data: bytes, at: int = 0) -> None:
    (planted.folder / name).write_bytes(data)
    (planted.folder / f"{at}.glb").unlink()
    planted.root["children"][at]["content"]["uri"] = name


def test_b3dm_and_cmpt(planted: Planted) -> None:
    data = b3dm(planted)
    use(planted, "0.b3dm", data)
    assert planted.check().totals == {}
    (planted.folder / "0.b3dm").write_bytes(
        struct.pack("<4sIII", b"cmpt", 1, 16 + len(data), 1) + data
    )
    report = planted.check()
    assert report.totals == {} and report.summary.kinds == {"cmpt": 1, "b3dm": 1, "glb": 1}
    (planted.folder / "0.b3dm").write_bytes(data[:-8])
    assert set(planted.check().totals) == {"TSC-08"}


def test_b3dm_off_its_centre(planted: Planted) -> None:
    use(planted, "0.b3dm", b3dm(planted, centre=(0.0, 9.0, 0.0)))
    assert set(planted.check().totals) == {"TSC-11"}


@pytest.mark.parametrize(("north", "codes"), [(0.0, set()), (30.0, {"TSC-11"})])
def test_i3dm(planted: Planted, north: float, codes: set[str]) -> None:
    """The five boxes once in place and once moved by ``north``."""
    glb = (planted.folder / "0.glb").read_bytes()
    positions = np.array([[0, 0, 0], [0, north, 0]], "<f4").tobytes()
    features = {"INSTANCES_LENGTH": 2, "POSITION": {"byteOffset": 0}}
    sizes, tables = table(features, positions, {"id": ["a", "b"]})
    use(planted, "0.i3dm", container(b"i3dm", sizes, tables + glb, struct.pack("<I", 1)))
    report = planted.check()
    assert set(report.totals) == codes
    assert report.summary.triangles == 60 * 3


@pytest.mark.parametrize(("high", "codes"), [(9.9, set()), (12.0, {"TSC-11"})])
def test_pnts_plain_and_quantised(planted: Planted, high: float, codes: set[str]) -> None:
    points = np.array([[1, 1, 1], [80, 9, high]], "<f4")
    sizes, tables = table({"POINTS_LENGTH": 2, "POSITION": {"byteOffset": 0}}, points.tobytes())
    use(planted, "0.pnts", container(b"pnts", sizes, tables))
    assert set(planted.check().totals) == codes
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    packed = np.rint((points - low) / span * 65535).astype("<u2").tobytes()
    features = {
        "POINTS_LENGTH": 2,
        "POSITION_QUANTIZED": {"byteOffset": 0},
        "QUANTIZED_VOLUME_OFFSET": low.tolist(),
        "QUANTIZED_VOLUME_SCALE": span.tolist(),
    }
    sizes, tables = table(features, packed)
    (planted.folder / "0.pnts").write_bytes(container(b"pnts", sizes, tables))
    assert set(planted.check().totals) == codes


def test_b3dm_batch_table(planted: Planted) -> None:
    """Ids beyond the batch table, and a table of another length."""
    planted.glb(lambda d: d["extensions"].pop("EXT_structural_metadata"))
    planted.glb(lambda d: d.update(extensionsUsed=[]))

    def renamed(document: dict[str, Any]) -> None:
        primitive = document["meshes"][0]["primitives"][0]
        primitive.pop("extensions")
        primitive["attributes"]["_BATCHID"] = primitive["attributes"].pop("_FEATURE_ID_0")

    planted.glb(renamed)
    glb = (planted.folder / "0.glb").read_bytes()
    (planted.folder / "0.glb").unlink()
    planted.root["children"][0]["content"]["uri"] = "0.b3dm"
    for length, ids, code in (
        (5, list("abcde"), set()),
        (4, list("abcd"), {"TSC-42"}),
        (6, list("abcdef"), {"TSC-43"}),
        (5, list("abcda"), {"TSC-44"}),
        (5, list("abc"), {"TSC-46"}),
    ):
        sizes, tables = table({"BATCH_LENGTH": length}, b"", {"id": ids})
        (planted.folder / "0.b3dm").write_bytes(container(b"b3dm", sizes, tables + glb))
        assert set(planted.check().totals) - {"TSC-35"} == code


def subtree(tiles: int, contents: int, stated: int) -> bytes:
    """A subtree of two levels of a quadtree, bits as given."""
    document = {
        "buffers": [{"byteLength": 16}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": 1},
            {"buffer": 0, "byteOffset": 8, "byteLength": 1},
        ],
        "tileAvailability": {"bitstream": 0, "availableCount": stated},
        "contentAvailability": [{"bitstream": 1}],
        "childSubtreeAvailability": {"constant": 0},
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 8)
    binary = bytes([tiles]) + bytes(7) + bytes([contents]) + bytes(7)
    return struct.pack("<4sIQQ", b"subt", 1, len(text), len(binary)) + text + binary


def test_implicit_tiling(planted: Planted) -> None:
    """Root and its south-west and north-west children; contents in the children."""
    folder, root = planted.folder, planted.root
    root.pop("children")
    root["boundingVolume"] = {"box": [100, 105, 5, 100.1, 0, 0, 0, 105.1, 0, 0, 0, 5.1]}
    root["content"] = {"uri": "{level}-{x}-{y}.glb"}
    root["implicitTiling"] = {
        "subdivisionScheme": "QUADTREE",
        "subtreeLevels": 2,
        "availableLevels": 2,
        "subtrees": {"uri": "{level}.{x}.{y}.subtree"},
    }
    shutil.move(folder / "0.glb", folder / "1-0-0.glb")
    shutil.move(folder / "1.glb", folder / "1-0-1.glb")
    at = folder / "0.0.0.subtree"
    at.write_bytes(subtree(0b01011, 0b01010, 3))
    report = planted.check()
    assert report.totals == {}, [finding.en for finding in report.findings]
    assert (report.summary.tiles, report.summary.contents, report.summary.features) == (3, 2, 10)
    at.write_bytes(subtree(0b01011, 0b01010, 4))
    assert set(planted.check().totals) == {"TSC-62"}
    at.write_bytes(subtree(0b00111, 0b00110, 3))  # south-east instead of north-west
    assert set(planted.check().totals) == {"TSC-01", "TSC-02"}
    shutil.move(folder / "1-0-1.glb", folder / "1-1-0.glb")
    assert set(planted.check().totals) == {"TSC-11"}
    at.write_bytes(b"subt" + bytes(30))
    assert "TSC-61" in planted.check().totals
    at.unlink()
    assert "TSC-01" in planted.check().totals


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_instances_lie_in_the_box_of_the_builder(tmp_path: Path, seed: int) -> None:
    """Instanced content, quantised and compressed, lies in the box that the builder computed."""
    content = Content("things", [id_column(40)], (), [instanced(40, seed=seed)])
    (tmp_path / "0.glb").write_bytes(encode(content))
    tile = Tile(content_box(content), 0.0, "0.glb")
    (tmp_path / "tileset.json").write_bytes(serialise(Tileset(tile, 100.0, FRAME)))
    report = check_tileset(tmp_path)
    assert report.totals == {}, [finding.en for finding in report.findings]
    assert report.summary.features == 40 and report.summary.triangles == 40 * 12


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.geojson", b'{"type": "FeatureCollection", "features": []}', "geojson"),
        ("a.3tz", b"PK\x03\x04" + bytes(40), "3tz"),
        ("a.vctr", b"vctr" + bytes(40), "vctr"),
    ],
)
def test_contents_of_extensions_are_not_decoded(
    planted: Planted, name: str, data: bytes, kind: str
) -> None:
    use(planted, name, data)
    report = planted.check()
    assert set(report.totals) == {"TSC-09"} and report.clean
    assert report.summary.kinds == {"glb": 1, kind: 1}


def test_volumes_of_extensions_are_not_compared(planted: Planted) -> None:
    extension = {"3DTILES_bounding_volume_S2": {"token": "3", "minimumHeight": 0}}
    planted.root["children"][0]["boundingVolume"] = {"extensions": extension}
    planted.json["extensionsUsed"] = list(extension)
    assert set(planted.check().totals) == {"TSC-09"}


def test_feature_ids_in_a_texture_are_not_known(planted: Planted) -> None:
    """Which rows a texture draws is in its image: none is said to be idle."""

    def textured(document: dict[str, Any]) -> None:
        primitive = document["meshes"][0]["primitives"][0]
        (entry,) = primitive["extensions"]["EXT_mesh_features"]["featureIds"]
        entry.pop("attribute")
        entry["texture"] = {"index": 0, "channels": [0]}
        document["textures"] = [{"source": 0}]
        document["images"] = [{"uri": "data:image/png;base64,"}]

    planted.glb(textured)
    assert planted.check().totals == {}


def test_numbers_of_rows_are_no_ids(planted: Planted) -> None:
    """Tiles may each count their rows in a column named id."""
    for at in (0, 1):
        ids = [0, 1, 2, 3, 4]
        glb = (planted.folder / f"{at}.glb").read_bytes()
        sizes, tables = table({"BATCH_LENGTH": 5}, b"", {"id": ids})
        use(planted, f"{at}.b3dm", container(b"b3dm", sizes, tables + glb), at)
    totals = planted.check().totals
    assert "TSC-41" not in totals and "TSC-44" not in totals


def test_points_of_a_glb_are_counted(planted: Planted) -> None:
    def dotted(document: dict[str, Any]) -> None:
        document["meshes"][0]["primitives"][0]["mode"] = 0

    planted.glb(dotted)
    summary = planted.check().summary
    assert (summary.points, summary.triangles) == (180, 60)


def test_py3dtiles_solids_and_points_of_both_editions(tmp_path: Path) -> None:
    """Sound where they are; and its GLB points, which lie on their side, are found to."""
    if not SHARED.is_dir():
        pytest.skip(f"the shared samples are not there: {SHARED}")
    for source, edition in (
        ("ifc/building-architecture.ifc", "1.0"),
        ("pointcloud/1.2-with-color.las", "1.1"),
    ):
        out = tmp_path / edition
        command = [sys.executable, "-m", "py3dtiles.command_line", "convert"]
        more = ["--out", str(out), "--jobs", "1", "--spec-version", edition]
        run = subprocess.run(
            [*command, str(SHARED / source), *more], capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
    found = set(check_tileset(tmp_path / "1.0").totals)
    assert found <= {"TSC-22", "TSC-33", "TSC-36"}  # a material that no primitive has
    report = check_tileset(tmp_path / "1.1")
    assert set(report.totals) == {"TSC-22", "TSC-54"}
    assert report.summary.points >= 1065
