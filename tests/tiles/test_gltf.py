"""GLBs as independent readers see them: the Khronos validator, npm meshoptimizer, trimesh."""

from __future__ import annotations

import gzip
import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from tiles.content import Content, Instances, Material, Primitive
from tiles.errors import ContentError
from tiles.gltf import COMPAT, DEFAULT, DRACO_PROFILE, Profile, encode
from tiles.inspect import Glb
from tiles.instances import transform
from tiles.testing import (
    GLASS,
    box_content,
    id_column,
    instanced,
    khronos,
    random_boxes,
    solids,
)

QUANTIZED = Profile("quantized", quantize=True, meshopt=False)
PACKED = Profile("packed", quantize=False, meshopt=True)
PROFILES = [DEFAULT, COMPAT, DRACO_PROFILE, QUANTIZED, PACKED]


def _contents() -> dict[str, Content]:
    boxes = random_boxes(60)
    small = box_content(boxes)
    many = random_boxes(3000, side=600)  # 72,000 vertices: 32-bit indices
    return {
        "boxes": small,
        "materials": replace(
            small, primitives=[solids(boxes[:30]), solids(boxes[30:], range(30, 60), GLASS)]
        ),
        "wide": box_content(random_boxes(60, side=4000)),  # beyond the grid: float32
        "many": box_content(many),
        "instances": Content("manhole", [id_column(120)], (), [instanced(120)]),
        "both": replace(box_content(random_boxes(120)), instances=[instanced(120)]),
        "one": box_content(random_boxes(1)),
        "rows": Content("row", [id_column(70_000)], [solids(boxes, range(69_940, 70_000))]),
        "no normal": replace(
            small, primitives=[replace(solids(boxes), normals=np.zeros((1440, 3), np.float32))]
        ),
    }


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_khronos_validator_finds_no_error_and_no_warning(profile: Profile, tmp_path: Path) -> None:
    paths = []
    for name, content in _contents().items():
        paths.append(tmp_path / f"{name}.glb.gz")
        paths[-1].write_bytes(gzip.compress(encode(content, profile)))
    report = khronos(paths)
    told = [(f["path"], m) for f in report["files"] for m in f["messages"] if m["severity"] < 2]
    assert told == []
    assert (report["count"], report["errors"], report["warnings"]) == (len(paths), 0, 0)
    assert all((f["views"] is not None) == profile.meshopt for f in report["files"])


def test_the_validator_sees_into_compressed_data(tmp_path: Path) -> None:
    glb = bytearray(encode(box_content(random_boxes(20))))
    at = glb.index(bytes([0xE1]), glb.index(b"BIN\0"))
    glb[at] = 0xFF
    (tmp_path / "broken.glb").write_bytes(glb)
    assert khronos([tmp_path / "broken.glb"])["errors"] > 0


def test_two_decoders_agree(tmp_path: Path) -> None:
    glb = encode(replace(box_content(random_boxes(120)), instances=[instanced(120)]))
    (tmp_path / "a.glb").write_bytes(glb)
    theirs = khronos([tmp_path / "a.glb"])["files"][0]["views"]
    ours = Glb(glb)
    count = len(ours.json["bufferViews"])
    assert theirs == [hashlib.sha256(ours.view(i)).hexdigest() for i in range(count)]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
@pytest.mark.parametrize(("side", "bound"), [(100.0, 0.002), (600.0, 0.01), (4000.0, 0.0005)])
def test_every_vertex_comes_back_with_its_feature(
    profile: Profile, side: float, bound: float
) -> None:
    boxes = random_boxes(50, side=side)
    parts = Glb(encode(box_content(boxes), profile)).parts()
    assert len(parts) == 1
    part = parts[0]
    for feature, box in enumerate(boxes):
        own = part.positions[part.feature_ids == feature]
        assert len(own) == 24
        assert np.abs(own.min(axis=0) - box[:3]).max() <= bound
        assert np.abs(own.max(axis=0) - box[3:]).max() <= bound
    corners = part.positions[part.indices]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    facing = np.einsum("ij,ij->i", across, part.normals[part.indices[:, 0]])
    assert facing.min() > 0.999


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_instances_stand_where_they_should(profile: Profile) -> None:
    group = instanced(120)
    content = Content("manhole", [id_column(120)], (), [group])
    part = Glb(encode(content, profile)).parts()[0]
    expected = transform(group.primitives[0].positions, group)
    assert len(part.indices) == 120 * 12
    for feature in range(120):
        own = part.positions[part.feature_ids == feature]
        got, want = np.unique(own.round(2), axis=0), np.unique(expected[feature].round(2), axis=0)
        assert abs(len(got) - len(want)) <= 8  # rounding may part coincident corners
        assert np.abs(own.min(axis=0) - expected[feature].min(axis=0)).max() < 0.002
        assert np.abs(own.max(axis=0) - expected[feature].max(axis=0)).max() < 0.002


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_corners_of_an_instanced_body_face_its_outside(profile: Profile) -> None:
    """Each of them a body of its own, on no grid: a box, and a ball of ever smaller triangles."""
    box = solids(np.array([[0.0, 0.0, 0.0, 2.1, 0.7, 1.3]]))
    ball = trimesh.creation.uv_sphere(2.0, count=[24, 24])
    normals = (np.asarray(ball.vertices) / 2).astype(np.float32)
    indices = ball.faces.astype(np.uint32)
    ids = np.zeros(len(normals), np.uint32)
    round_one = Primitive(GLASS, np.asarray(ball.vertices, np.float64), normals, indices, ids)
    turned = np.tile(np.array([0, 0, 0, 1], np.float32), (3, 1))
    ones, rows = np.ones((3, 3), np.float32), np.arange(3, dtype=np.uint32)
    for body in (box, round_one):
        group = Instances([body], np.eye(3) * 9, turned, ones, rows)
        (part,) = Glb(encode(Content("manhole", [id_column(3)], (), [group]), profile)).parts()
        corners = part.positions[part.indices]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        assert np.einsum("ik,ijk->ij", across, part.normals[part.indices]).min() > 0.9


def test_glb_is_y_up_and_plain_readers_take_the_compat_profile() -> None:
    box = np.array([[10.0, 20.0, 3.0, 14.0, 26.0, 33.0]])
    content = replace(box_content(box), instances=[])
    scene = trimesh.load(io.BytesIO(encode(content, COMPAT)), file_type="glb")
    assert scene.bounds == pytest.approx(np.array([[10, 3, -26], [14, 33, -20]]), abs=1e-4)
    mesh = scene.to_geometry()
    mesh.merge_vertices(merge_norm=True)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 * 6 * 30, rel=1e-5)


def test_compat_needs_no_extension_to_be_drawn() -> None:
    content = replace(box_content(random_boxes(9)), instances=[instanced(9)])
    document = Glb(encode(content, COMPAT)).json
    assert "extensionsRequired" not in document
    scene = trimesh.load(io.BytesIO(encode(content, COMPAT)), file_type="glb")
    assert len(scene.to_geometry().faces) == 2 * 9 * 12


def test_default_declares_what_it_needs() -> None:
    content = replace(box_content(random_boxes(120)), instances=[instanced(120)])
    document = Glb(encode(content)).json
    assert document["extensionsRequired"] == [
        "EXT_mesh_gpu_instancing",
        "EXT_meshopt_compression",
        "KHR_mesh_quantization",
    ]
    fallback = document["buffers"][1]
    assert "uri" not in fallback
    assert fallback["extensions"] == {"EXT_meshopt_compression": {"fallback": True}}
    assert len(document["extensions"]["EXT_structural_metadata"]["propertyTables"]) == 1


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_equal_input_gives_equal_bytes(profile: Profile) -> None:
    for name, content in _contents().items():
        again = _contents()[name]
        assert encode(content, profile) == encode(again, profile), name


def test_compression_pays() -> None:
    content = box_content(random_boxes(900))
    assert len(encode(content, DEFAULT)) < 0.35 * len(encode(content, COMPAT))


def test_colours_become_linear() -> None:
    material = Material("half", (0.5, 1.0, 0.0, 0.25))
    content = replace(box_content(random_boxes(1)), primitives=[solids(random_boxes(1), [0])])
    content = replace(content, primitives=[replace(content.primitives[0], material=material)])
    found = Glb(encode(content)).json["materials"][0]
    assert found["pbrMetallicRoughness"]["baseColorFactor"] == [0.21404, 1.0, 0.0, 0.25]
    assert found["alphaMode"] == "BLEND"


def test_what_does_not_fit_is_refused_in_words() -> None:
    content = box_content(random_boxes(3))
    shape = content.primitives[0]
    lost = shape.positions.copy()
    lost[5, 1] = np.nan
    group = instanced(3)
    cases = [
        (replace(content, primitives=[replace(shape, positions=lost)]), "NaN"),
        (replace(content, primitives=[replace(shape, indices=shape.indices + 1)]), r"0\.\.71"),
        (replace(content, primitives=[replace(shape, indices=shape.indices[:0])]), r"m > 0"),
        (replace(content, primitives=[replace(shape, feature_ids=shape.feature_ids + 1)]), "ids"),
        (replace(content, primitives=[replace(shape, normals=shape.normals[1:])]), "normals"),
        (replace(content, primitives=[]), "at least one"),
        (replace(content, columns=content.columns[1:]), "'id'"),
        (replace(content, columns=[*content.columns, content.columns[1]]), "every column once"),
        (replace(content, instances=[replace(group, scales=-group.scales)]), "above 0"),
        (replace(content, instances=[replace(group, rotations=group.rotations * 2)]), "length 1"),
    ]
    for broken, words in cases:
        with pytest.raises(ContentError, match=words) as told:
            encode(broken)
        assert told.value.zh
