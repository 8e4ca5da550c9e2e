"""Shapefiles and GeoPackages of points and lines: coordinates and ends from their geometry."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from ingest.pipeline import open_delivery
from ingest.readers.base import ReadOptions
from ingest.survey_testing import layers, write_gpkg, write_shapefiles
from ingest.testing import EAST, NORTH, keys, read, refusal, run_of, said
from models.features import Delivery
from models.findings import Severity

UP = ReadOptions(vertical="1985")


def codes(delivery: Delivery) -> list[str]:
    return [f.code for f in delivery.findings]


def same_as_tables(delivery: Delivery) -> None:
    """The run of four points that the tests write, as tables would give it."""
    assert delivery.errors == 0
    assert delivery.passport.horizontal == "EPSG:4549"
    points, pipes = delivery.tables["pipe_point"], delivery.tables["pipe_segment"]
    assert keys(delivery, "pipe_point") == ["JS0", "JS1", "JS2", "JS3"]
    assert keys(delivery, "pipe_segment") == ["JS0-JS1/JS", "JS1-JS2/JS", "JS2-JS3/JS"]
    np.testing.assert_allclose(points["x_src"], [NORTH + 30 * i for i in range(4)], atol=1e-6)
    np.testing.assert_allclose(points["y_src"], EAST, atol=1e-6)
    assert points["source_row"].tolist() == [1, 2, 3, 4]
    assert set(pipes["width_mm"]) == {300.0} and set(pipes["material"]) == {"球墨铸铁"}


def test_a_geopackage_without_coordinate_columns(tmp_path: Path) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", *layers(*run_of(4)))
    delivery = read(path, options=UP)
    same_as_tables(delivery)
    assert set(delivery.tables["pipe_point"]["source_sheet"]) == {"JSPoint"}


@pytest.mark.parametrize("encoding", ["UTF-8", "GB18030"])
@pytest.mark.parametrize("declared", [True, False])
def test_shapefiles_of_any_code_page_and_cut_names(
    tmp_path: Path, encoding: str, declared: bool
) -> None:
    """A DBF keeps ten bytes of a name: three characters in UTF-8, five in GB18030."""
    files = write_shapefiles(tmp_path, *layers(*run_of(4)), encoding)
    if not declared:
        files = [f for f in files if f.suffix != ".cpg"]
        (tmp_path / "JS_点.cpg").unlink()
        (tmp_path / "JS_线.cpg").unlink()
    groups, unread = open_delivery(files)
    assert unread == [] and [sorted(g.paths) for g in groups] == [sorted(files)]
    same_as_tables(read(*files, options=UP))


def test_lines_without_numbers_end_at_the_points_they_touch(tmp_path: Path) -> None:
    points, lines = layers(*run_of(4))
    lines = lines.drop(columns=["起点点号", "连接点号"])
    same_as_tables(read(write_gpkg(tmp_path / "a.gpkg", points, lines), options=UP))


def test_a_line_that_ends_at_no_point_is_told_by_its_coordinates(tmp_path: Path) -> None:
    points, lines = layers(*run_of(4))
    lines = lines.drop(columns=["起点点号", "连接点号"])
    lines.loc[2, "geometry"] = shapely.LineString([(EAST, NORTH + 60), (EAST, NORTH + 89)])
    delivery = read(write_gpkg(tmp_path / "a.gpkg", points, lines), options=UP)
    (absent,) = [f for f in delivery.findings if f.rule == "LN-03"]
    assert absent.place.row == 3 and f"({EAST:.3f}, {NORTH + 89:.3f})" in str(absent.place.element)
    assert keys(delivery, "pipe_segment") == ["JS0-JS1/JS", "JS1-JS2/JS"]


def test_geometry_drawn_backwards_follows_the_numbers(tmp_path: Path) -> None:
    points, lines = layers(*run_of(3))
    lines["geometry"] = lines["geometry"].reverse()
    bend = shapely.LineString([(EAST, NORTH + 30), (EAST + 1, NORTH + 20), (EAST, NORTH)])
    lines.loc[0, "geometry"] = bend
    delivery = read(write_gpkg(tmp_path / "a.gpkg", points, lines), options=UP)
    assert delivery.errors == 0
    first = shapely.get_coordinates(delivery.tables["pipe_segment"]["geom"].iloc[0])
    np.testing.assert_allclose(
        first, [(EAST, NORTH), (EAST + 1, NORTH + 20), (EAST, NORTH + 30)], atol=1e-6
    )


def test_heights_of_a_layer_with_z(tmp_path: Path) -> None:
    points, lines = layers(*run_of(3))
    points["geometry"] = shapely.force_3d(points.geometry.to_numpy(), [4.0, 4.1, 4.2])
    lines["geometry"] = shapely.force_3d(lines.geometry.to_numpy(), 2.5)
    points = points.drop(columns=["地面高程"])
    lines = lines.drop(columns=["起点埋深", "终点埋深"])
    delivery = read(write_gpkg(tmp_path / "a.gpkg", points, lines), options=UP)
    assert delivery.errors == 0
    assert delivery.tables["pipe_point"]["ground_h"].tolist() == [4.0, 4.1, 4.2]
    assert delivery.tables["pipe_segment"]["from_top_h"].tolist() == [2.5, 2.5]
    assert codes(delivery).count("GEO-02") == 2


def test_columns_that_contradict_the_geometry(tmp_path: Path) -> None:
    rows, lines = run_of(4)
    points, lined = layers(rows, lines, xy=True)
    points.loc[1, "X"] += 0.02
    points.loc[2, "X"] += 0.009
    delivery = read(write_gpkg(tmp_path / "a.gpkg", points, lined), options=UP)
    assert [f.place.row for f in delivery.findings if f.code == "GEO-01"] == [2]
    assert "JS1" not in keys(delivery, "pipe_point") and "JS2" in keys(delivery, "pipe_point")
    points["X"] += 500.0
    (finding,) = refusal(write_gpkg(tmp_path / "b.gpkg", points, lined), options=UP)
    assert finding.code == "GEO-01" and "500.0" in finding.en


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_the_layers_crs_is_a_declaration_like_any_other(tmp_path: Path) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", *layers(*run_of(3)))
    other = ReadOptions(horizontal="EPSG:4548", vertical="1985")
    (finding,) = refusal(path, options=other)
    assert finding.code == "MET-02"
    bare = write_gpkg(tmp_path / "b.gpkg", *layers(*run_of(3), crs=None))
    assert {f.code for f in refusal(bare, options=UP)} == {"MET-01"}


def counts(path: Path, offset: int, layout: str, value: int) -> None:
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, offset, value)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("suffix", "offset", "layout"),
    [(".dbf", 4, "<I"), (".shp", 24, ">i"), (".shx", 24, ">i")],
    ids=["records of the table", "length of the shapes", "length of the index"],
)
def test_wrong_counts_are_refused(tmp_path: Path, suffix: str, offset: int, layout: str) -> None:
    files = write_shapefiles(tmp_path, *layers(*run_of(3)))
    counts(tmp_path / f"JS_点{suffix}", offset, layout, 2_000_000_000)
    assert {f.code for f in refusal(*files, options=UP)} == {"STR-00"}


@pytest.mark.parametrize("at", [100, 104, 108, 112, 130])
def test_bytes_changed_anywhere_never_stop_the_program(tmp_path: Path, at: int) -> None:
    files = write_shapefiles(tmp_path, *layers(*run_of(3)))
    counts(tmp_path / "JS_线.shp", at, ">I", 0x7FFFFFF0)
    try:
        delivery = read(*files, options=UP)
    except Exception as error:  # noqa: BLE001 whatever comes out must be a refusal
        assert type(error).__name__ == "RefusedError"
    else:
        assert len(delivery.tables["pipe_segment"]) <= 2


def test_text_that_is_in_no_code_page(tmp_path: Path) -> None:
    rows: Any = run_of(3)
    files = write_shapefiles(tmp_path, *layers(*rows), "UTF-8")
    wrong = ReadOptions(vertical="1985", encoding="ascii")
    assert {f.code for f in refusal(*files, options=wrong)} == {"ENC-01"}


def test_layers_of_other_shapes_are_told(tmp_path: Path) -> None:
    points, lines = layers(*run_of(3))
    path = write_gpkg(tmp_path / "a.gpkg", points, lines)
    points.set_geometry(points.buffer(5)).to_file(path, layer="buildings", driver="GPKG")
    told = [f for f in read(path, options=UP).findings if f.code == "GEO-03"]
    assert [f.found for f in told] == ["buildings"]


def test_nothing_is_said_that_is_not_so(tmp_path: Path) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", *layers(*run_of(4)))
    assert said(read(path, options=UP), Severity.ERROR) == []
