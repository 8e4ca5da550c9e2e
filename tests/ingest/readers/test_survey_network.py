"""What is derived from a survey: heights, sections, accuracy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

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
    run_of,
    workbook,
    write_xlsx,
)


@pytest.mark.parametrize(
    ("code", "more", "centre", "top", "invert", "shape"),
    [
        ("JS", {}, 2.65, 2.8, 2.5, "round"),
        ("WS", {"材质": "混凝土"}, 2.95, 3.1, 2.8, "round"),
        ("WS", {"材质": "混凝土", "管径": "800X600"}, 3.1, 3.4, 2.8, "rect"),
        ("TX", {"材质": "聚氯乙烯", "管径": "400X200", "埋设方式": "管块", "总孔数": 8},
         2.7, 2.8, 2.6, "bank"),
        ("DL", {"材质": "铜", "管径": "600X600", "埋设方式": "管沟"}, 3.1, 3.4, 2.8, "rect"),
        ("TX", {"材质": "光纤", "管径": 50, "埋设方式": "架空", "起点埋深": -3, "终点埋深": -3},
         6.975, 7.0, 6.95, "round"),
    ],
)  # fmt: skip
def test_heights_follow_what_the_depth_is_measured_to(
    tmp_path: Path, code: str, more: Row, centre: float, top: float, invert: float, shape: str
) -> None:
    points, lines = run_of(2, prefix="P", **more)
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines, code=code))
    (pipe,) = delivery.tables["pipe_segment"].to_dict("records")
    z = shapely.get_coordinates(pipe["geom"], include_z=True)[:, 2]
    np.testing.assert_allclose(z, centre)
    assert pipe["from_top_h"] == pytest.approx(top)
    assert pipe["to_invert_h"] == pytest.approx(invert)
    assert pipe["shape"] == shape


def test_walls_and_outer_sizes(tmp_path: Path) -> None:
    points, _ = run_of(2)
    header = [*LINE, "壁厚"]
    rows = [
        line("JS0", "JS1", 壁厚=10),
        line("JS0", "JS1", 壁厚=10, 管径="De200", 材质="聚乙烯"),
        line("JS0", "JS1", 管径=150),
    ]
    path = write_xlsx(
        tmp_path / "a.xlsx",
        {"JSPoint": cells(POINT, points, [CRS, DATUM]), "JSLine": cells(header, rows, [])},
    )
    pipes = read(path).tables["pipe_segment"]
    assert list(pipes["od_mm"]) == [320, 200, 150]
    assert list(pipes["id_mm"]) == [300, 180, 150]
    np.testing.assert_array_equal(pipes["wall_mm"], [10, 10, np.nan])
    assert pipes["key"].tolist() == ["JS0-JS1/JS", "JS0-JS1/JS#2", "JS0-JS1/JS#3"]


def test_vertical_pipe_has_no_plan_length(tmp_path: Path) -> None:
    points = [point("JS0", 特征="起点"), point("JS1", 特征="出地")]
    lines = [line("JS0", "JS1", 起点埋深=1.2, 终点埋深=-0.5)]
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    assert delivery.errors == 0
    z = shapely.get_coordinates(delivery.tables["pipe_segment"]["geom"].iloc[0], include_z=True)
    np.testing.assert_allclose(z[:, 2], [2.65, 4.35])


def test_heights_alone_or_of_the_other_side_will_do(tmp_path: Path) -> None:
    points, _ = run_of(2)
    header = ["起点点号", "连接点号", "起点管底高程", "终点管底高程", "管径", "材质", "埋设方式"]
    lines = [["JS0", "JS1", 2.5, 2.4, 300, "钢", "直埋"]]
    path = write_xlsx(
        tmp_path / "a.xlsx",
        {"JSPoint": cells(POINT, points, [CRS, DATUM]), "JSLine": [header, *lines]},
    )
    (pipe,) = read(path).tables["pipe_segment"].to_dict("records")
    assert (pipe["from_top_h"], pipe["to_top_h"]) == pytest.approx((2.8, 2.7))
    assert (pipe["from_depth"], pipe["to_depth"]) == pytest.approx((1.2, 1.3))


def test_accuracy_and_quality_by_method(tmp_path: Path) -> None:
    header = [*POINT, "探测方式"]
    methods = ["明显点", "隐蔽点", "跟踪测量", "跟踪测量", "设计"]
    points = [point(f"JS{i}", dx=30.0 * i, 探测方式=m) for i, m in enumerate(methods)]
    lines = [line(f"JS{i}", f"JS{i + 1}", 起点埋深=1.85, 终点埋深=1.85) for i in range(4)]
    path = write_xlsx(
        tmp_path / "a.xlsx",
        {"JSPoint": cells(header, points, [CRS, DATUM]), "JSLine": cells(LINE, lines, [])},
    )
    delivery = read(path)
    nodes = delivery.tables["pipe_point"]
    # Depth to the centre is 2.0 m: hidden plan 0.05 h, depth 0.075 h, on a survey of 0.05/0.03 m.
    np.testing.assert_allclose(
        nodes["sigma_xy"], [0.05, np.hypot(0.05, 0.10), 0.05, 0.05, np.nan], atol=1e-4
    )
    np.testing.assert_allclose(
        nodes["sigma_z"],
        [np.hypot(0.03, 0.025), np.hypot(0.03, 0.15), 0.03, 0.03, np.nan],
        atol=1e-4,
    )
    assert list(delivery.tables["pipe_segment"]["quality_level"]) == ["B", "B", "A", "D"]
