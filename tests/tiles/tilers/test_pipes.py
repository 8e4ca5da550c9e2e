"""Pipes: true solids at true heights, and a body at every point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
import trimesh

from models.crs import enu_frame
from tiles.content import Content
from tiles.far_lines import WIDTH
from tiles.gltf import COMPAT, DEFAULT, encode
from tiles.instances import transform
from tiles.testing import khronos
from tiles.tilers.frame import LocalFrame
from tiles.tilers.pipes import PipeTiler

FRAME = enu_frame(121.2264, 30.9869, 14.0)
ORIGIN = np.array([617486.771, 3430515.006, 0.0])
GROUND = 4.0
SCALE = 1.00017  # of the grid over true lengths


def line(*points: tuple[float, float, float]) -> shapely.LineString:
    with np.errstate(invalid="ignore"):  # NaN is meant where it occurs
        return shapely.LineString(np.array(points) + ORIGIN)


def segment(key: str, geom: object, code: str = "YS", **more: object) -> dict[str, object]:
    return {"id": f"segment {key}", "lno": key, "geom": geom, "class_code": code, **more}


def point(key: str, x: float, y: float, **more: object) -> dict[str, object]:
    place = shapely.Point(np.array([x, y, GROUND]) + ORIGIN)
    return {"id": f"point {key}", "exp_no": key, "geom": place, "class_code": "YS", **more}


SEGMENTS = pd.DataFrame(
    [
        segment("1", line((0, 0, 1), (12, 0, 0.9)), width_mm=600, from_point="A", to_point="B"),
        segment("2", line((12, 0, 0.9), (20, 6, 0.8)), id_mm=700, wall_mm=50, from_point="B"),
        segment("3", line((0, 3, 2), (8, 3, 2), (8, 3, 3.4), (9, 9, 3.4)), "JS", od_mm=300),
        segment(
            "4", line((0, 6, 2.8), (7, 6, 2.8)), "DL", shape="bank", width_mm=900, height_mm=600
        ),
        segment("5", line((0, 9, 1), (8, 12, 1)), "HS", shape="egg", width_mm=1200, height_mm=1800),
        segment("6", line((0, 20, 3), (0, 20, 1)), "RQ", od_mm=110, from_point="K"),
        segment(
            "7", line((5, 20, 1), (15, 20, 1)), "WS", shape="rect", width_mm=2000, height_mm=1000
        ),
    ]
)
POINTS = pd.DataFrame(
    [
        point("A", 0, 0, appurtenance="窨井", well_depth=3.5, cover_size="800"),
        point("B", 12, 0, appurtenance="雨水井"),
        point("C", 20, 6, appurtenance="手孔", well_depth=2.0, cover_size="600x500"),
        point("D", 0, 3, appurtenance="阀门"),
        point("K", 0, 20, feature="弯头"),
        point("X", 30, 30, feature="直线点"),
        point("H", 9, 9, appurtenance="消防栓"),
    ]
)


def everything(tiler: PipeTiler) -> Content:
    return tiler.content(np.arange(len(tiler.index().ids)))


def meshes(content: Content) -> dict[int, trimesh.Trimesh]:
    """Each feature's triangles by its row, instances written out."""
    soups: dict[int, list[np.ndarray]] = {}
    for p in content.primitives:
        for row in np.unique(p.feature_ids):
            own = p.indices[p.feature_ids[p.indices[:, 0]] == row]
            soups.setdefault(int(row), []).append(p.positions[own].reshape(-1, 3))
    for group in content.instances:
        for shape in group.primitives:
            placed = transform(shape.positions, group)[:, shape.indices].reshape(
                len(group.translations), -1, 3
            )
            for row, soup in zip(group.feature_ids, placed, strict=True):
                soups.setdefault(int(row), []).append(soup)
    out = {}
    for row, parts in soups.items():
        points = np.vstack(parts).round(6)
        mesh = trimesh.Trimesh(points, np.arange(len(points)).reshape(-1, 3), process=False)
        mesh.merge_vertices()
        out[row] = mesh
    return out


@pytest.fixture(scope="module")
def tiler() -> PipeTiler:
    return PipeTiler(FRAME, SEGMENTS, POINTS)


def circle(diameter: float, sides: int) -> float:
    return float(sides / 2 * np.sin(2 * np.pi / sides) * diameter**2 / 4)


def test_segments_have_the_volume_of_their_section(tiler: PipeTiler) -> None:
    found = meshes(everything(tiler))
    true = {
        0: circle(0.6, 16) * 12,
        1: circle(0.8, 16) * 10,
        2: circle(0.3, 12) * (8 + 1.4 + np.sqrt(37)),
        3: 0.9 * 0.6 * 7,
        5: circle(0.11, 8) * 2,
        6: 2 * 1 * 10,
    }
    for row, volume in true.items():
        assert found[row].is_watertight
        assert found[row].volume == pytest.approx(volume, rel=3e-4)
    egg = found[4]
    assert egg.is_watertight
    assert 0.7 < egg.volume / (1.2 * 1.8 * np.sqrt(73)) < 0.8


def test_the_centre_line_is_where_the_survey_puts_it(tiler: PipeTiler) -> None:
    found = meshes(everything(tiler))
    local = LocalFrame(FRAME)
    ends = local.enu(*(np.array([(0, 6, 2.8), (7, 6, 2.8)]) + ORIGIN).T)
    assert np.allclose(found[3].center_mass, ends.mean(axis=0), atol=1e-3)
    top = found[3].bounds[1, 2]
    crown = local.enu(*(np.array([[0, 6, 3.1], [7, 6, 3.1]]) + ORIGIN).T)[:, 2].max()
    assert top == pytest.approx(crown, abs=1e-3)


def test_points_and_segments_share_one_table(tiler: PipeTiler) -> None:
    content = everything(tiler)
    columns = {c.id: list(c.values) for c in content.columns}
    assert len(columns) <= 24
    assert content.columns[0].id == "id"
    assert columns["kind"] == ["segment"] * 7 + ["point"] * 7
    assert columns["number"][:2] == ["1", "2"]
    assert columns["number"][7:9] == ["A", "B"]
    assert columns["class_code"][:4] == ["YS", "YS", "JS", "DL"]
    assert columns["size"][:4] == ["DN600", "DN700", "DN300", "900×600"]
    assert columns["size_basis"][:4] == ["nominal", "id_wall", "od", "section"]
    assert columns["word"][7:9] == ["窨井", "雨水井"]
    used = [p.feature_ids for p in content.primitives] + [g.feature_ids for g in content.instances]
    assert set(np.concatenate(used).tolist()) == set(range(14))


def test_wells_reach_from_their_cover_to_their_bottom(tiler: PipeTiler) -> None:
    found = meshes(everything(tiler))
    local = LocalFrame(FRAME)

    def height(x: float, y: float, h: float) -> float:
        at = np.array([[x, y, h]]) + ORIGIN
        return float(local.enu(*at.T)[0, 2])

    given = found[7].bounds[:, 2]
    assert given == pytest.approx(
        [height(0, 0, GROUND - 3.5), height(0, 0, GROUND + 0.01)], abs=2e-3
    )
    by_pipe = found[8].bounds[0, 2]  # no depth delivered: the lowest pipe's bottom
    assert by_pipe == pytest.approx(height(12, 0, 0.9 - 0.4), abs=2e-3)


def test_covers_have_their_delivered_size(tiler: PipeTiler) -> None:
    content = everything(tiler)
    covers = [g for g in content.instances if "cover" in g.primitives[0].material.name]
    sizes = {
        int(row): scale.tolist()
        for group in covers
        for row, scale in zip(group.feature_ids, group.scales, strict=True)
    }
    assert sizes[7] == pytest.approx([0.8, 0.8, 0.06])
    assert sizes[8] == pytest.approx([0.7, 0.7, 0.06])
    assert sizes[9] == pytest.approx([0.6, 0.5, 0.06])


def test_fittings_lie_on_their_pipe_and_others_on_the_ground(tiler: PipeTiler) -> None:
    found = meshes(everything(tiler))
    local = LocalFrame(FRAME)
    bend, lone = (local.enu(*(np.array([p]) + ORIGIN).T)[0] for p in ((0, 20, 3), (30, 30, GROUND)))
    assert np.allclose(found[11].bounds.mean(axis=0), bend, atol=1e-3)
    assert np.ptp(found[11].bounds[:, 0]) == pytest.approx(1.3 * 0.11, rel=0.1)
    assert np.allclose(found[12].bounds.mean(axis=0), lone, atol=1e-3)
    hydrant = found[13].bounds[:, 2]
    assert np.ptp(hydrant) == pytest.approx(0.9, abs=1e-2)


def test_point_ids_win_over_numbers_and_numbers_over_nothing() -> None:
    points = pd.DataFrame([point("A", 0, 0, feature="弯头"), point("B", 12, 0, feature="弯头")])
    pipe = segment("1", line((0, 0, 1), (12, 0, 2)), od_mm=100, from_point="A", to_point="A")
    pipe["to_point_id"] = "point B"
    content = everything(PipeTiler(FRAME, pd.DataFrame([pipe]), points))
    found = meshes(content)
    middle = [found[row].bounds[:, 2].mean() for row in (1, 2)]
    assert middle[1] - middle[0] == pytest.approx(1, abs=0.02)


def test_boxes_hold_every_feature(tiler: PipeTiler) -> None:
    index = tiler.index()
    for row, mesh in meshes(everything(tiler)).items():
        assert (mesh.bounds[0] >= index.boxes[row, :3] - 1e-6).all()
        assert (mesh.bounds[1] <= index.boxes[row, 3:] + 1e-6).all()
    assert (index.boxes[:, 3:] - index.boxes[:, :3]).max() < 30


def test_bodies_of_one_mesh_and_colour_are_one_draw_call() -> None:
    count = 400
    points = pd.DataFrame(
        [
            point(str(k), k, 0, appurtenance=word)
            for k, word in enumerate(["窨井", "污水井", "手孔", "人孔"] * (count // 4))
        ]
    )
    content = everything(PipeTiler(FRAME, SEGMENTS.iloc[:0], points))
    assert len(content.primitives) == 0
    assert sorted(len(g.translations) for g in content.instances) == [200, 200, 200, 200]


def test_any_part_of_the_rows_gives_the_same_features(tiler: PipeTiler) -> None:
    rows = np.array([1, 4, 6, 7, 9, 13])
    part, whole = meshes(tiler.content(rows)), meshes(everything(tiler))
    for place, row in enumerate(rows):
        assert np.allclose(part[place].bounds, whole[row].bounds)
    ids = list(tiler.content(rows).columns[0].values)
    assert ids == [tiler.index().ids[r] for r in rows]


def test_every_feature_is_in_a_tile_or_refused_with_a_reason() -> None:
    broken = [
        None,
        shapely.LineString(),
        shapely.Point(1, 2, 3),
        shapely.LineString([(617486, 3430515), (617496, 3430515)]),  # no heights
        line((0, 0, 1), (0, 0, 1.0001)),
        line((0, 0, 1), (1e12, 0, 1)),
        line((0, 0, 1), (np.nan, 0, 1)),
    ]
    segments = pd.DataFrame([segment(str(k), geom) for k, geom in enumerate(broken)])
    segments = pd.concat([segments, SEGMENTS], ignore_index=True)
    points = POINTS.copy()
    geoms = points["geom"].to_numpy(dtype=object).copy()
    geoms[0], geoms[1], geoms[2] = None, shapely.LineString([(0, 0), (1, 1)]), shapely.Point(1, 2)
    points["geom"] = geoms
    tiler = PipeTiler(FRAME, segments, points)
    assert [r.code for r in tiler.refused] == [
        "GEO-EMPTY",
        "GEO-EMPTY",
        "GEO-TYPE",
        "GEO-FINITE",
        "GEO-LENGTH",
        "GEO-FINITE",
        "GEO-FINITE",
        "GEO-EMPTY",
        "GEO-TYPE",
        "GEO-FINITE",
    ]
    index = tiler.index()
    assert len(index.ids) + len(tiler.refused) == len(segments) + len(points)
    assert np.isfinite(index.boxes).all()
    encode(everything(tiler))


def test_nothing_to_draw_is_no_error() -> None:
    tiler = PipeTiler(FRAME, SEGMENTS.iloc[:0], POINTS.iloc[:0])
    assert list(tiler.index().ids) == []
    assert tiler.index().boxes.shape == (0, 6)


def test_what_the_standard_draws_black_is_not_black_here() -> None:
    geoms = [line((0, k, 1), (9, k, 1)) for k in range(5)]
    codes = ["GY", "ZH", "QQ", "BM", "nonsense"]
    segments = pd.DataFrame(
        [segment(str(k), g, code) for k, (g, code) in enumerate(zip(geoms, codes, strict=True))]
    )
    (shape,) = everything(PipeTiler(FRAME, segments, POINTS.iloc[:0])).primitives
    assert shape.colours is not None
    paints = [np.unique(shape.colours[shape.feature_ids == k], axis=0) for k in range(5)]
    assert [len(paint) for paint in paints] == [1] * 5
    assert all(paint[0, :3].max() > 127 for paint in paints)
    shown = [tuple(paint[0].tolist()) for paint in paints]
    assert shown[0] == shown[2]  # oxygen is an industrial pipe
    assert len(set(shown)) == 4


def test_the_validator_accepts_it(tiler: PipeTiler, tmp_path: Path) -> None:
    for profile in (DEFAULT, COMPAT):
        glb = encode(everything(tiler), profile)
        assert glb == encode(everything(PipeTiler(FRAME, SEGMENTS, POINTS)), profile)
        (tmp_path / f"{profile.name}.glb").write_bytes(glb)
    report = khronos(sorted(tmp_path.iterdir()))
    assert (report["count"], report["errors"], report["warnings"]) == (2, 0, 0)


def test_from_afar_every_straight_piece_is_a_line_of_its_class(tiler: PipeTiler) -> None:
    rows = np.arange(len(SEGMENTS) + len(POINTS))
    massing = tiler.massing(rows)
    pieces = sum(len(geom.coords) - 1 for geom in SEGMENTS["geom"])
    assert len(massing.a) == pieces + len(POINTS)
    looks = [massing.legend.looks[look].values for look in massing.look]
    codes = [c for c, g in zip(SEGMENTS["class_code"], SEGMENTS["geom"], strict=True)
             for _ in g.coords[1:]]  # fmt: skip
    assert looks == [(c, "segment") for c in codes] + [("YS", "point")] * len(POINTS)
    assert massing.thick[:2].tolist() == pytest.approx([0.6, 0.8])
    boxes = tiler.index().boxes
    ends = np.concatenate([massing.a, massing.b]).astype(float)
    assert (ends >= boxes[:, :3].min(axis=0) - 0.01).all()
    assert (ends <= boxes[:, 3:].max(axis=0) + 0.01).all()
    first = tiler.massing(rows[:1])
    assert np.array_equal(first.a, massing.a[:1])
    assert {look.values for look in first.legend.looks} == {("YS", "segment")}
    assert massing.error.max() == pytest.approx(WIDTH * massing.thick.max())
