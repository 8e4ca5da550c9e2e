"""A network written as a survey and read back is the same network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.readers.base import ReadOptions
from ingest.rules.context import CheckContext
from ingest.survey_testing import layers, write_gpkg, write_shapefiles
from ingest.testing import (
    CRS,
    DATUM,
    LINE,
    POINT,
    Row,
    cells,
    line,
    point,
    read,
    workbook,
    write_csv,
)


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Small random networks of storm water: distinct points on a grid, distinct pairs as lines."""
    places = draw(
        st.lists(
            st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=12, unique=True
        )
    )
    heights = st.integers(0, 9000).map(lambda v: v / 1000)
    points = [
        point(
            f"YS{i}",
            dx=10.0 * a,
            dy=10.0 * b,
            h=draw(heights),
            附属物=draw(st.sampled_from([None, "雨水井"])),
        )
        for i, (a, b) in enumerate(places)
    ]
    index = st.integers(0, len(places) - 1)
    pairs = draw(
        st.lists(st.tuples(index, index).filter(lambda p: p[0] != p[1]), max_size=15,
                 unique_by=lambda p: frozenset(p))
    )  # fmt: skip
    signs = st.sampled_from("+-")
    sizes = st.sampled_from(["300", "DN600", "1000X800", 400])
    lines = [
        line(f"YS{a}", f"YS{b}", 起点埋深=draw(heights), 终点埋深=draw(heights), 管径=draw(sizes),
             材质=draw(st.sampled_from(["混凝土", "HDPE", "PVC"])), 流向=draw(signs))
        for a, b in pairs
    ]  # fmt: skip
    return points, lines


FORMS = ["xlsx", "csv", "result", "gpkg", "shp"]
#: No rules: random lines cross and climb, which is not the matter here.
READ = ReadOptions(horizontal="EPSG:4549", vertical="1985", context=CheckContext(packs=()))


def write(folder: Path, form: str, points: list[Row], lines: list[Row]) -> list[Path]:
    """The network in one of :data:`FORMS`; files of an example before are gone."""
    for path in folder.iterdir():
        path.unlink()
    if form == "xlsx":
        return [workbook(folder / "a.xlsx", points, lines, code="YS")]
    if form == "csv":
        return [
            write_csv(folder / "YS_点表.csv", cells(POINT, points, [CRS, DATUM]), "gb18030"),
            write_csv(folder / "YS_线表.csv", cells(LINE, lines, []), "gb18030"),
        ]
    if form == "result":
        return [write_csv(folder / "雨水成果表.csv", result_table(points, lines), "gb18030")]
    frames = layers(points, lines)
    if form == "gpkg":
        return [write_gpkg(folder / "a.gpkg", *frames, code="YS")]
    return write_shapefiles(folder, *frames, "GB18030", code="YS")


def result_table(points: list[Row], lines: list[Row]) -> list[list[object]]:
    """One row a connection from its start, the point's cells in the first of them only."""
    header = [*POINT, *(name for name in LINE if name != "起点点号")]
    rows: list[list[object]] = [list(header)]
    for each in points:
        own = [q for q in lines if q["起点点号"] == each["物探点号"]]
        rows += [
            [({} if i else each).get(n, q.get(n)) for n in header]
            for i, q in enumerate(own or [{}])
        ]
    return rows


@pytest.mark.parametrize("form", FORMS)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(network=networks())
def test_a_network_written_and_read_back_is_the_same(
    tmp_path: Path, form: str, network: tuple[list[Row], list[Row]]
) -> None:
    points, lines = network
    if form in {"gpkg", "shp"} and not lines:
        return  # an empty layer has no type
    delivery = read(*write(tmp_path, form, points, lines), options=READ)
    assert delivery.errors == 0
    nodes, pipes = delivery.tables["pipe_point"], delivery.tables["pipe_segment"]
    assert nodes["exp_no"].tolist() == [p["物探点号"] for p in points]
    for column, name in (("x_src", "X"), ("y_src", "Y"), ("ground_h", "地面高程")):
        np.testing.assert_allclose(nodes[column], [p[name] for p in points], atol=1e-6)
    rows = sorted(lines, key=lambda q: (form == "result") and int(q["起点点号"][2:]))
    assert [(r["from_point"], r["to_point"], r["flow"]) for r in pipes.to_dict("records")] == [
        (q["起点点号"], q["连接点号"], 1 if q["流向"] == "+" else -1) for q in rows
    ]
    ground = {p["物探点号"]: p["地面高程"] for p in points}
    for end, no, depth in (("from", "起点点号", "起点埋深"), ("to", "连接点号", "终点埋深")):
        inverts = [ground[q[no]] - q[depth] for q in rows]
        np.testing.assert_allclose(pipes[f"{end}_invert_h"].to_numpy(float), inverts, atol=1e-6)
        np.testing.assert_allclose(
            pipes[f"{end}_depth"].to_numpy(float), [q[depth] for q in rows], atol=1e-6
        )
    assert pipes["width_mm"].tolist() == [WIDTHS[str(q["管径"])] for q in rows]
    assert pipes["shape"].tolist() == ["rect" if "X" in str(q["管径"]) else "round" for q in rows]


WIDTHS = {"300": 300.0, "DN600": 600.0, "1000X800": 1000.0, "400": 400.0}
