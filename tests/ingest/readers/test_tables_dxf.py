"""DXF drawings: blocks with attributes as points, lines and polylines between them."""

from __future__ import annotations

from pathlib import Path

import ezdxf
import numpy as np
import pytest
import shapely

from ingest.errors import RefusedError
from ingest.isolation import Limits
from ingest.readers import tables_dxf
from ingest.survey_testing import write_dxf
from ingest.testing import DECLARED, EAST, NORTH, keys, read, refusal, require_complete, run_of

SHARED = Path(__file__).parents[4] / "shared" / "samples" / "dxf"
TEXT = "坐标系: CGCS2000 3度带 120E  高程基准: 1985国家高程基准"


def test_a_drawing_with_its_datums_in_a_text(tmp_path: Path) -> None:
    points, lines = run_of(4)
    delivery = read(write_dxf(tmp_path / "a.dxf", points, lines, text=TEXT))
    assert delivery.errors == 0
    assert (delivery.passport.horizontal, delivery.passport.vertical) == ("EPSG:4549", "1985")
    assert keys(delivery, "pipe_segment") == ["JS0-JS1/JS", "JS1-JS2/JS", "JS2-JS3/JS"]
    pipe = delivery.tables["pipe_segment"].iloc[0]
    assert (pipe["material"], pipe["width_mm"]) == ("球墨铸铁", 300.0)
    assert pipe["from_depth"] == pytest.approx(1.2)  # ground less the line's height
    np.testing.assert_allclose(
        shapely.get_coordinates(pipe["geom"], include_z=True),
        [[EAST, NORTH, 2.65], [EAST, NORTH + 30, 2.65]],
        atol=1e-9,
    )
    assert pipe["attrs"]["HANDLE"]  # by which the line is found in the drawing
    told = [(f.code, f.found) for f in delivery.findings]
    assert ("DXF-01", "1") in told  # one text, which is not read


def drawing(path: Path, version: str = "R2010") -> tuple[ezdxf.document.Drawing, Path]:
    """Three points on a straight street; lines are to be added."""
    points, _ = run_of(3)
    write_dxf(path, points, [])
    return ezdxf.readfile(path), path


def test_a_polyline_is_cut_at_points_and_keeps_its_bends(tmp_path: Path) -> None:
    book, path = drawing(tmp_path / "a.dxf")
    vertices = [(EAST, NORTH), (EAST + 1, NORTH + 15), (EAST, NORTH + 30), (EAST, NORTH + 60)]
    shape = book.modelspace().add_lwpolyline(vertices, dxfattribs={"layer": "JS_DN300"})
    shape.dxf.elevation = 2.5
    book.saveas(path)
    delivery = read(path, options=DECLARED)
    assert delivery.errors == 0
    pipes = delivery.tables["pipe_segment"]
    assert keys(delivery, "pipe_segment") == ["JS0-JS1/JS", "JS1-JS2/JS"]
    assert pipes["width_mm"].tolist() == [300.0, 300.0]  # from the layer's name
    assert pipes["from_top_h"].tolist() == [2.5, 2.5]  # 2D with an elevation
    assert [shapely.get_num_points(g) for g in pipes["geom"]] == [3, 2]


def test_an_arc_follows_its_curve(tmp_path: Path) -> None:
    book, path = drawing(tmp_path / "a.dxf")
    bulged = [(EAST, NORTH, 0.0, 0.0, 0.2), (EAST, NORTH + 30, 0.0, 0.0, 0.0)]
    shape = book.modelspace().add_lwpolyline(bulged, dxfattribs={"layer": "JS_DN300"})
    shape.dxf.elevation = 2.5
    book.saveas(path)
    geom = read(path, options=DECLARED).tables["pipe_segment"]["geom"].iloc[0]
    # A bulge of 0.2 on a chord of 30 m has a sagitta of 0.2 * 15 m.
    assert geom.length > 30.0 and abs(geom.bounds[2] - geom.bounds[0]) == pytest.approx(
        3.0, abs=0.02
    )


def test_a_line_to_no_point_and_shapes_that_are_no_pipes(tmp_path: Path) -> None:
    book, path = drawing(tmp_path / "a.dxf")
    space = book.modelspace()
    space.add_line((EAST, NORTH, 2.5), (EAST, NORTH + 30, 2.5), {"layer": "JS_DN300"})
    space.add_line((EAST, NORTH + 30, 2.5), (EAST, NORTH + 45, 2.5), {"layer": "JS_DN300"})
    space.add_circle((EAST, NORTH), 1.0, dxfattribs={"layer": "JS_DN300"})
    space.add_line((0, 0), (1, 1), {"layer": "道路边线"})
    book.saveas(path)
    delivery = read(path, options=DECLARED)
    assert [f.rule for f in delivery.findings if f.rule == "LN-03"] == ["LN-03"]
    by_code = {f.code: f for f in delivery.findings}
    assert by_code["DXF-03"].found == "CIRCLE × 1"
    assert by_code["DXF-02"].found == "道路边线"
    for finding in delivery.findings:
        assert finding.zh and finding.en


def test_old_and_binary_drawings(tmp_path: Path) -> None:
    points, lines = run_of(3)
    path = write_dxf(tmp_path / "a.dxf", points, lines)
    binary = tmp_path / "b.dxf"
    ezdxf.readfile(path).saveas(binary, fmt="bin")
    assert keys(read(binary, options=DECLARED), "pipe_segment") == ["JS0-JS1/JS", "JS1-JS2/JS"]


def test_drawings_of_others_without_pipe_layers_are_refused_with_advice() -> None:
    files = sorted(p for p in SHARED.glob("*") if p.suffix.lower() == ".dxf")
    if not files:
        pytest.skip("no ../shared/samples")
    for path in files:
        (finding,) = refusal(path, options=DECLARED)
        assert "JSLINE" in finding.en


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.95])
def test_a_drawing_that_is_cut_is_never_read_in_part(tmp_path: Path, cut: float) -> None:
    points, lines = run_of(4)
    whole = write_dxf(tmp_path / "a.dxf", points, lines).read_bytes()
    (tmp_path / "b.dxf").write_bytes(whole[: int(len(whole) * cut)])
    (finding,) = refusal(tmp_path / "b.dxf", options=DECLARED)
    assert finding.code == "STR-00" and "EOF" in finding.en


def test_a_drawing_that_asks_too_much_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "a.dxf"
    line = "0\nLINE\n8\nJSLINE\n10\n0.0\n20\n0.0\n11\n1.0\n21\n1.0\n"
    path.write_text(f"0\nSECTION\n2\nENTITIES\n{line * 300_000}0\nENDSEC\n0\nEOF\n", "utf-8")
    with pytest.raises(RefusedError) as error:
        tables_dxf.read(path, Limits(120.0, 200 << 20))
    require_complete(error.value.findings[0])
