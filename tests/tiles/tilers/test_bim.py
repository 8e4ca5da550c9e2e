"""BIM: every vertex exact, instances within a millimetre, what is not drawn is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import trimesh

from models.crs import enu_frame, storage_to_ecef
from models.features import TriangleMesh
from tiles.content import F64, Content
from tiles.gltf import COMPAT, DEFAULT, encode
from tiles.inspect import Glb
from tiles.instances import expand
from tiles.testing import khronos
from tiles.tilers.bim import BimTiler

FRAME = enu_frame(121.2264, 30.9869, 14.0)
ORIGIN = np.array([617486.771, 3430515.006, 5.0])
RED = (0.8, 0.1, 0.1, 1.0)
GLASS = (0.5, 0.7, 0.9, 0.4)


def mesh(
    shape: trimesh.Trimesh,
    *colours: tuple[float, float, float, float],
    names: tuple[str, ...] | None = None,
) -> TriangleMesh:
    """``shape`` with its triangles dealt out to ``colours`` in turn."""
    count = len(shape.faces)
    return TriangleMesh(
        np.asarray(shape.vertices, np.float64),
        np.asarray(shape.faces, np.uint32),
        (np.arange(count) % len(colours)).astype(np.uint16),
        np.array(colours, np.float32),
        tuple(f"paint {k}" for k in range(len(colours))) if names is None else names,
    )


def placement(x: float, y: float, z: float = 0.0, turn: float = 0.0, *axes: float) -> F64:
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    matrix[:3, :3] = matrix[:3, :3] @ np.diag(axes or (1.0, 1.0, 1.0))
    matrix[:3, 3] = ORIGIN + np.array([x, y, z])
    return matrix


BOX = mesh(trimesh.creation.box((4, 2, 3)), RED)
WINDOW = mesh(trimesh.creation.box((1, 0.1, 1.5)), RED, GLASS)
PIPE = mesh(trimesh.creation.cylinder(0.1, 3, sections=24), (0.2, 0.4, 0.8, 1.0))
PLAIN = mesh(trimesh.creation.box((1, 1, 1)), (0.7, 0.7, 0.7, 1.0), names=("",))
MESHES = {"box": BOX, "window": WINDOW, "pipe": PIPE, "plain": PLAIN}


def element(key: str, shape: str | None, place: F64 | None, **more: object) -> dict[str, object]:
    return {
        "id": f"element {key}",
        "global_id": key,
        "ifc_class": "IfcWall",
        "name": f"墙 {key}",
        "storey_name": "F1",
        "mesh": shape,
        "placement": None if place is None else place.ravel().tolist(),
        **more,
    }


def tiler(*elements: dict[str, object], meshes: dict[str, TriangleMesh] | None = None) -> BimTiler:
    return BimTiler(FRAME, pd.DataFrame(list(elements)), MESHES if meshes is None else meshes)


def everything(layer: BimTiler) -> Content:
    return layer.content(np.arange(len(layer.index().ids)))


def triangles(content: Content) -> dict[int, F64]:
    """(t, 3, 3) corners of each feature, instances written out."""
    primitives = [*content.primitives, *(p for g in content.instances for p in expand(g))]
    found: dict[int, list[F64]] = {}
    for p in primitives:
        owner = p.feature_ids[p.indices[:, 0]]
        for row in np.unique(owner):
            found.setdefault(int(row), []).append(p.positions[p.indices[owner == row]])
    return {row: np.vstack(parts) for row, parts in found.items()}


def truth(shape: TriangleMesh, place: F64) -> F64:
    """(n, 3) ENU of the mesh's vertices, each by itself through the CRS module."""
    stored = shape.positions @ place[:3, :3].T + place[:3, 3]
    return (storage_to_ecef(*stored.T) - FRAME[:3, 3]) @ FRAME[:3, :3]


def distance(points: F64, others: F64) -> float:
    """How far the worst of ``points`` is from the nearest of ``others``."""
    apart = np.linalg.norm(points[:, None] - others[None], axis=2)
    return float(apart.min(axis=1).max())


def volume(corners: F64) -> float:
    a, b, c = (corners - corners.mean(axis=(0, 1))).transpose(1, 0, 2)
    return float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6


def test_every_vertex_is_where_its_placement_puts_it() -> None:
    places = [placement(0, 0), placement(300, 40, 90, 0.7), placement(-50, 9, -20, 2.0)]
    content = everything(tiler(*(element(str(k), "box", p) for k, p in enumerate(places))))
    assert not content.instances
    for row, corners in triangles(content).items():
        exact = truth(BOX, places[row])
        assert distance(corners.reshape(-1, 3), exact) < 1e-6
        assert distance(exact, corners.reshape(-1, 3)) < 1e-6
        assert volume(corners) == pytest.approx(24 / 1.00017**2, rel=1e-4)


def test_normals_point_out_even_where_the_placement_mirrors() -> None:
    places = [
        placement(0, 0, 0, 0.3),
        placement(9, 0, 0, 0.3, -1, 1, 1),
        placement(0, 9, 0, 0, 2, 1, 1),
    ]
    content = everything(tiler(*(element(str(k), "pipe", p) for k, p in enumerate(places))))
    for primitive in content.primitives:
        a, b, c = primitive.positions[primitive.indices].transpose(1, 0, 2)
        told = primitive.normals[primitive.indices].mean(axis=1)
        assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), told) > 0).all()
        assert np.allclose(np.linalg.norm(primitive.normals, axis=1), 1, atol=1e-5)
    assert all(volume(corners) > 0 for corners in triangles(content).values())


@pytest.mark.parametrize("turn", [0.0, 0.4])
def test_what_is_used_often_is_instanced_within_a_millimetre(turn: float) -> None:
    places = [placement(5 * k, 800 * (k % 3), k, turn + k) for k in range(20)]
    content = everything(tiler(*(element(str(k), "window", p) for k, p in enumerate(places))))
    assert not content.primitives
    assert [len(g.translations) for g in content.instances] == [20]
    assert len(content.instances[0].primitives) == 2  # frame and glass
    for row, corners in triangles(content).items():
        assert distance(corners.reshape(-1, 3), truth(WINDOW, places[row])) < 1e-3


def test_copies_that_rotation_and_scale_would_misplace_are_not_instanced() -> None:
    hall = mesh(trimesh.creation.box((60, 40, 20)), RED)
    leaning, shear = placement(0, 0), placement(0, 0)  # the grid's scale is not the height's
    leaning[:3, :3] = [[1, 0, 0], [0, np.sqrt(0.5), -np.sqrt(0.5)], [0, np.sqrt(0.5), np.sqrt(0.5)]]
    shear[0, 1] = 0.2
    for name, place in (("hall", leaning), ("box", shear)):
        rows = [element(str(k), name, place) for k in range(10)]
        content = everything(tiler(*rows, meshes={**MESHES, "hall": hall}))
        assert not content.instances
        assert len(content.primitives) == 1
    rows = [element(str(k), "box", placement(k, 0, 0, 0, -1, 1, 1)) for k in range(10)]
    assert not everything(tiler(*rows)).instances


def test_few_copies_in_a_tile_are_merged() -> None:
    layer = tiler(*(element(str(k), "window", placement(3 * k, 0)) for k in range(20)))
    few = layer.content(np.arange(5))
    assert not few.instances
    assert len(few.primitives) == 2
    assert sum(len(p.indices) for p in few.primitives) == 5 * 12


def test_any_number_of_colours_is_one_draw_call() -> None:
    random = np.random.default_rng(5)
    paints = random.random((60, 3))
    shapes = {str(k): mesh(trimesh.creation.box(), (*paints[k], 1.0)) for k in range(60)}
    rows = [element(str(k), str(k), placement(2 * k, 0)) for k in range(60)]
    content = everything(tiler(*rows, meshes=shapes))
    assert sum(len(p.indices) for p in content.primitives) == 60 * 12
    assert sorted(triangles(content)) == list(range(60))
    (part,) = Glb(encode(content)).parts()
    wanted = np.where(paints <= 0.04045, paints / 12.92, ((paints + 0.055) / 1.055) ** 2.4)
    for feature, paint in enumerate(wanted):
        own = part.colours[part.feature_ids == feature]
        assert np.abs(own - [*paint, 1.0]).max() < 0.006  # a byte


def test_from_afar_each_element_is_a_box_of_its_storey() -> None:
    turned = mesh(trimesh.creation.box((8, 0.3, 3)).apply_transform(_about_z(0.6)), (1, 0, 0, 1.0))
    ball = mesh(trimesh.creation.icosphere(radius=2), (0, 1, 0, 1.0))
    rows = [
        element("a", "wall", placement(0, 0), storey_name="1F", storey_elevation=4.5),
        element("b", "ball", placement(30, 0, 10), storey_name="2F", storey_elevation=8.0),
    ]
    layer = tiler(*rows, meshes={"wall": turned, "ball": ball})
    massing = layer.massing(np.arange(2))
    assert sorted((2 * massing.half[0]).round(2).tolist()) == pytest.approx([0.3, 3, 8], abs=0.01)
    assert massing.error[0] < 0.01  # a box is its own box
    assert massing.error[1] == pytest.approx(2 * np.sqrt(3) - 2, abs=0.1)  # corner to ball
    glb = Glb(encode(massing.content()))
    table = glb.table()
    assert dict(zip(table["storey_name"], table["storey_elevation"], strict=True)) == {
        "1F": 4.5,
        "2F": 8.0,
    }
    low, high = layer.index().boxes[:, :3], layer.index().boxes[:, 3:]
    points = np.concatenate([part.positions for part in glb.parts()])
    assert (points >= low.min(axis=0) - 0.2).all() and (points <= high.max(axis=0) + 0.2).all()


def _about_z(angle: float) -> np.ndarray:
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn


def test_bodies_without_a_colour_take_that_of_their_class() -> None:
    rows = [
        element("a", "plain", placement(0, 0), ifc_class="IfcRoof"),
        element("b", "plain", placement(3, 0), ifc_class="IfcWindow"),
        element("c", "plain", placement(6, 0), ifc_class="IfcSomething"),
    ]
    looks = {int(p.feature_ids[0]): p.material for p in everything(tiler(*rows)).primitives}
    assert len({m.rgba for m in looks.values()}) == 3
    assert looks[1].rgba[3] < 1 == looks[0].rgba[3]


def test_soft_edges_are_round_and_creases_are_flat() -> None:
    content = everything(tiler(element("a", "pipe", placement(0, 0))))
    assert len(content.primitives[0].positions) == 4 * 24 + 2  # side rings, end rings, end centres


def test_boxes_hold_the_meshes() -> None:
    random = np.random.default_rng(9)
    rows = [
        element(
            str(k), ["box", "window", "pipe"][k % 3], placement(*random.uniform(-900, 900, 2), k, k)
        )
        for k in range(60)
    ]
    layer = tiler(*rows)
    index = layer.index()
    for row, corners in triangles(everything(layer)).items():
        points = corners.reshape(-1, 3)
        assert (points >= index.boxes[row, :3]).all()
        assert (points <= index.boxes[row, 3:]).all()
    assert (index.boxes[:, 3:] - index.boxes[:, :3]).max() < 6


def test_every_element_is_in_a_tile_or_told_why_not() -> None:
    flat = placement(0, 0)
    flat[:3, 0] = 0
    lost = placement(0, 0)
    lost[0, 3] = 1e12
    nan = placement(0, 0)
    nan[1, 3] = np.nan
    index = BOX.indices.copy()
    index[3, 1] = 99
    bad = TriangleMesh(BOX.positions, index, BOX.materials, BOX.palette, BOX.material_names)
    thin = mesh(trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 1, 2]], process=False), RED)
    rows = [
        (element("wall", "box", placement(0, 0)), None),
        (element("space", "box", placement(0, 0), ifc_class="IfcSpace"), "SKIP-CLASS"),
        (element("hole", "box", placement(0, 0), ifc_class="IfcOpeningElement"), "SKIP-CLASS"),
        (element("storey", None, None, ifc_class="IfcBuildingStorey"), "SKIP-BODY"),
        (element("gone", "missing", placement(0, 0)), "GEO-MESH"),
        (element("bad", "bad", placement(0, 0)), "GEO-MESH"),
        (element("thin", "thin", placement(0, 0)), "GEO-MESH"),
        (element("nowhere", "box", None), "GEO-PLACEMENT"),
        (element("short", "box", None, placement=[1.0, 2.0]), "GEO-PLACEMENT"),
        (element("flat", "box", flat), "GEO-PLACEMENT"),
        (element("nan", "box", nan), "GEO-FINITE"),
        (element("lost", "box", lost), "GEO-FINITE"),
        (element("high", "box", placement(0, 0, 20_000)), "GEO-ELEVATION"),
        (element("deep", "box", placement(0, 0, -1_010)), "GEO-ELEVATION"),
        (element("tall", "box", placement(0, 0, 0, 0, 1, 1, 8_000)), "GEO-ELEVATION"),
    ]
    layer = tiler(*(row for row, _ in rows), meshes={**MESHES, "bad": bad, "thin": thin})
    assert [r.code for r in layer.refused] == [code for _, code in rows if code]
    assert all(r.zh and r.en for r in layer.refused)
    assert list(layer.index().ids) == ["element wall"]
    encode(everything(layer))


def test_nothing_to_draw_is_no_error() -> None:
    layer = tiler(element("storey", None, None))
    assert list(layer.index().ids) == []
    assert layer.index().boxes.shape == (0, 6)
    empty = BimTiler(FRAME, pd.DataFrame([element("a", "box", placement(0, 0))]).iloc[:0], MESHES)
    assert list(empty.index().ids) == []


def test_the_table_has_what_a_viewer_shows() -> None:
    rows = [element(str(k), "box", placement(5 * k, 0), storey_elevation=3.5) for k in range(3)]
    columns = {c.id: c for c in everything(tiler(*rows)).columns}
    assert next(iter(columns)) == "id"
    assert len(columns) <= 16
    assert list(columns["storey_name"].values) == ["F1"] * 3
    assert list(columns["name"].values) == ["墙 0", "墙 1", "墙 2"]
    assert (columns["storey_elevation"].name_zh, columns["storey_elevation"].unit) == (
        "楼层标高",
        "m",
    )


def test_equal_rows_give_equal_bytes_that_the_validator_accepts(tmp_path: Path) -> None:
    names = ["box", "window", "pipe", "plain"]
    rows = [element(str(k), names[k % 4], placement(3 * k, 5, 0, k)) for k in range(60)]
    some: npt.NDArray[np.int64] = np.arange(0, 60)
    for profile in (DEFAULT, COMPAT):
        glb = encode(tiler(*rows).content(some), profile)
        assert glb == encode(tiler(*rows).content(some), profile)
        (tmp_path / f"{profile.name}.glb").write_bytes(glb)
    report = khronos(sorted(tmp_path.iterdir()))
    assert (report["count"], report["errors"], report["warnings"]) == (2, 0, 0)
