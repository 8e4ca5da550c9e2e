"""Delivered meshes: what is read, what is remarked on, what is refused and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from ingest.errors import RefusedError
from ingest.readers import mesh
from ingest.readers.base import ReadOptions
from models.texturedmesh import StoredMesh
from models.texturedmesh_testing import image, place, write_gltf, write_mesh
from models.twins import load_twins

TWIN = load_twins()["songjiang-hub"]
DECLARED = ReadOptions("EPSG:4549", "1985")


def read(path: Path, options: ReadOptions = DECLARED) -> tuple[Any, list[str], Any]:
    """The mesh, the codes of its findings and its arrays, all in memory."""
    with mesh.read(path, options, TWIN) as found:
        arrays = StoredMesh(found.folder, found.passport).arrays()
        kept = {name: np.array(getattr(arrays, name)) for name in arrays.__slots__}
        for finding in found.findings:
            assert path.name in finding.zh
            assert path.name in finding.en
        return found, [finding.code for finding in found.findings], kept


def refusal(path: Path, options: ReadOptions = DECLARED) -> Any:
    with pytest.raises(RefusedError) as told, mesh.read(path, options, TWIN):
        pass
    (finding,) = told.value.findings
    return finding


def test_a_sound_mesh(tmp_path: Path) -> None:
    path = write_mesh(tmp_path)
    assert mesh.group([path, tmp_path / "city.mtl", tmp_path / "tex/photo.jpg"]) == [path]
    found, codes, arrays = read(path)
    assert codes == []
    assert (found.total, found.refused, found.passport.triangles) == (1152, 0, 1152)
    assert found.passport.images == ("0.jpeg",)
    assert [file.name for file in found.files] == [path.name, "city.mtl", "photo.jpg"]
    east, north = place()
    assert np.allclose(arrays["positions"].min(axis=0)[:2], [east - 120, north - 120], atol=1e-3)
    assert arrays["uv"].min() > 0
    assert (arrays["corners"] >= 0).all()


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_names_and_paths_of_other_machines(tmp_path: Path, encoding: str) -> None:
    path = write_mesh(
        tmp_path,
        texture="纹理/屋顶.JPG",
        material="map_Kd D:\\项目\\纹理\\屋顶.jpg",
        library="CITY.MTL",
        encoding=encoding,
    )
    found, codes, _ = read(path)
    assert codes == ["MSH-11"]
    assert found.passport.images == ("0.jpeg",)


def test_what_is_missing_is_told_and_the_rest_is_taken(tmp_path: Path) -> None:
    path = write_mesh(tmp_path)
    (tmp_path / "tex/photo.jpg").write_bytes(b"no image")
    assert read(path)[1] == ["MSH-10"]
    (tmp_path / "tex/photo.jpg").unlink()
    found, codes, _ = read(path)
    assert codes == ["MSH-09"]
    assert found.passport.colours == ((204, 204, 204),)
    (tmp_path / "city.mtl").unlink()
    assert read(path)[1] == ["MSH-08", "MSH-08"]


def test_bad_triangles_are_refused_one_by_one(tmp_path: Path) -> None:
    path = write_mesh(tmp_path, cells=4)
    east, north = place()
    bad = [
        f"v nan {north} 5", f"v 1.#QNAN {north} 5", f"v {east} {north} 5",
        f"v {east} {north} 5000000", "f 26 27 1", "f 28 28 28", "f 1 2 999", "f 1 2 -28", "f 1 2 6",
    ]  # fmt: skip
    path.write_text(path.read_text("utf-8") + "\n".join(bad) + "\n", "utf-8")
    found, codes, _ = read(path)
    assert {"MSH-04", "MSH-05", "MSH-06", "MSH-07"} <= set(codes)
    assert (found.total, found.refused) == (37, 2)
    assert found.passport.triangles == 33


def test_relative_indices_count_from_what_stands_above(tmp_path: Path) -> None:
    east, north = place()
    lines = []
    for at in range(3):
        lines += [f"v {east + 9 * at + x} {north + y} 8" for x, y in ((0, 0), (5, 0), (0, 5))]
        lines += ["vt 0 0", "vt 1 0", "vt 0 1", "f -3/-3 -2/-2 -1/-1"]
    path = tmp_path / "a.obj"
    path.write_text("\r\n".join(lines))
    _, codes, arrays = read(path)
    assert codes == []
    corners = arrays["positions"][arrays["faces"]]
    assert np.ptp(corners[:, :, 0], axis=1) == pytest.approx([5, 5, 5])


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        (lambda text: "garbage " * 20 + "\nv 1 2 3\nf 1 2 x\n", "STR-00", "no OBJ has"),
        (lambda text: "v 1 2 3\n", "MSH-01", "no usable triangle"),
        (lambda text: _scaled(text, 1000.0), "MSH-02", "millimetres"),
        (lambda text: _upright(text), "MSH-03", "--up"),
    ],
)
def test_refusals(tmp_path: Path, change: Any, code: str, word: str) -> None:
    path = write_mesh(tmp_path, cells=4, origin=place())
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    finding = refusal(path)
    assert finding.code == code
    assert word in finding.en


def _scaled(text: str, by: float) -> str:
    rows = [line.split() for line in text.splitlines()]
    return "\n".join(
        " ".join(["v", *(str(float(v) * by) for v in row[1:])])
        if row[:1] == ["v"]
        else " ".join(row)
        for row in rows
    )


def _upright(text: str) -> str:
    rows = [line.split() for line in text.splitlines()]
    return "\n".join(
        f"v {row[1]} {row[3]} {-float(row[2])}" if row[:1] == ["v"] else " ".join(row)
        for row in rows
    )


def test_offset_up_axis_and_metadata_place_a_local_mesh(tmp_path: Path) -> None:
    east, north = place()
    path = write_mesh(tmp_path / "Data/Tile_0", cells=4, origin=(east, north))
    lost = refusal(path)
    assert (lost.code, "--offset" in lost.en) == ("MSH-15", True)
    assert refusal(path, ReadOptions()).code == "MET-01"
    plain = read(path, replace(DECLARED, offset=(north, east, 0.0)))[2]["positions"]
    about = f"<SRS>EPSG:4549</SRS><SRSOrigin>{east},{north},0</SRSOrigin>"
    (tmp_path / "metadata.xml").write_text(f"<ModelMetadata>{about}</ModelMetadata>")
    told, codes, arrays = read(path, ReadOptions(vertical="1985"))
    assert codes == []
    assert told.passport.horizontal == "EPSG:4549"
    assert np.allclose(arrays["positions"], plain)
    path.write_text(_upright(path.read_text("utf-8")), "utf-8")
    turned = read(path, ReadOptions(vertical="1985", up="y"))[2]["positions"]
    assert np.allclose(np.sort(turned, axis=0), np.sort(plain, axis=0))


def test_a_glb_of_another_program(tmp_path: Path) -> None:
    x, z = (grid.ravel() for grid in np.meshgrid(np.arange(0.0, 50, 5), np.arange(0.0, 50, 5)))
    places = np.column_stack([x, 3 + np.sin(x), -z])  # y up
    number = np.arange(100).reshape(10, 10)
    a, b, c, d = (
        part.ravel()
        for part in (number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1])
    )
    faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
    look = trimesh.visual.TextureVisuals(
        uv=np.column_stack([x, z]) / 50,
        material=trimesh.visual.material.PBRMaterial(baseColorTexture=image(64)),
    )
    path = tmp_path / "quarter.glb"
    trimesh.Trimesh(places, faces, visual=look, process=False).export(path)
    east, north = place()
    found, codes, arrays = read(path, replace(DECLARED, offset=(north, east, 0.0)))
    assert codes == []
    assert (found.total, found.passport.images) == (162, ("0.png",))
    assert np.allclose(arrays["positions"][:, 1].max(), north + 45)
    assert np.allclose(arrays["positions"][:, 2].max(), 3 + np.sin(x).max(), atol=1e-5)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert refusal(path).code == "STR-00"


def test_required_compression_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.gltf"
    path.write_text(
        '{"asset": {"version": "2.0"}, "meshes": [], '
        '"extensionsRequired": ["KHR_draco_mesh_compression"]}'
    )
    finding = refusal(path)
    assert finding.code == "STR-00"
    assert "KHR_draco_mesh_compression" in finding.zh
    assert "that compression" not in finding.en


def local(path: Path) -> tuple[Any, list[str], Any]:
    east, north = place()
    return read(path, replace(DECLARED, offset=(north, east, 0.0)))


def test_images_that_lie_in_the_file_are_told_apart(tmp_path: Path) -> None:
    looks = [{"baseColorTexture": {"index": at}} for at in (0, 1, 2, 0)]
    path = write_gltf(
        tmp_path / "data.gltf",
        [{"pbrMetallicRoughness": look} for look in looks],
        [((0.5, 0.5), (0.5, 0.5))] * 4,
        images=[image(32), Image.new("RGB", (8, 8)), image(32)],
        textures=[{"source": 0}, {"source": 1}, {"source": 2, "sampler": 0}],
        samplers=[{"wrapS": 33071}],
    )
    found, codes, _ = local(path)
    assert codes == []
    first, second, third, fourth, none = found.passport.textures
    assert (first, none) == (fourth, -1)
    names = found.passport.images
    assert len(set(names)) == 2, "one picture is kept once"
    assert names[first] == names[third] != names[second]
    wraps = [found.passport.look(at).wrap for at in (first, third)]
    assert wraps == [("repeat", "repeat"), ("clamp", "repeat")]


def test_every_instance_is_read_and_a_mirrored_one_faces_up(tmp_path: Path) -> None:
    path = write_gltf(tmp_path / "i.gltf", [{}], instances=[(0, 0, 0), (0, 0, -20), (0, 9, -40)])
    found, codes, arrays = local(path)
    assert (found.total, found.passport.triangles, codes) == (6, 6, [])
    places = arrays["positions"] - (*place(), 0.0)
    corners = places[arrays["faces"]]
    assert sorted(corners.min(axis=1)[:, 1:].round(3).tolist()) == [
        [0, 5], [0, 5], [20, 5], [20, 5], [40, 14], [40, 14],
    ]  # fmt: skip
    text = path.read_text("utf-8")
    path.write_text(text.replace('"mesh": 0', '"mesh": 0, "scale": [-1, 1, 1]'), "utf-8")
    _, _, arrays = local(path)
    a, b, c = arrays["positions"][arrays["faces"]].swapaxes(0, 1)
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()


def test_what_of_a_gltf_is_not_drawn_is_told(tmp_path: Path) -> None:
    glass: dict[str, Any] = {"name": "玻璃", "alphaMode": "BLEND"}
    glass |= {"pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0.3]}}
    materials: list[dict[str, Any]] = [
        glass,
        {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}},
        {"pbrMetallicRoughness": {"baseColorTexture": {"index": 1, "texCoord": 7}}},
        {"emissiveTexture": {"index": 1}},
    ]
    path = write_gltf(
        tmp_path / "rest.gltf",
        materials,
        [((0.5, 0.5), (0.5, 0.5))] * 4,
        images=[image(8)],
        textures=[{"extensions": {"VENDOR_dds": {}}}, {"source": 0}],
        extensionsUsed=["VENDOR_dds"],
    )
    east, north = place()
    with mesh.read(path, replace(DECLARED, offset=(north, east, 0.0)), TWIN) as found:
        told = {finding.code: finding.found for finding in found.findings}
        said = {finding.code: finding.en for finding in found.findings}
    assert "whatever the material's own opacity" in said["MSH-17"]
    assert told == {
        "MSH-07": "2",
        "MSH-09": "texture 0",
        "MSH-17": "玻璃",
        "MSH-18": "VENDOR_dds, emissiveTexture",
    }
