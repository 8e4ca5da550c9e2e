"""What survey tables hold beside points and lines: outlines, casings, codes, constants."""

from __future__ import annotations

import json
from datetime import date, time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from ingest.readers.base import ReadOptions
from ingest.testing import (
    CRS,
    DATUM,
    EAST,
    LINE,
    NORTH,
    POINT,
    cells,
    keys,
    read,
    refusal,
    run_of,
    write_csv,
    write_xlsx,
)
from models.findings import Severity

CORNERS = [f"{axis}{n}" for n in (1, 2, 3, 4) for axis in "XYZ"]


def outline(number: str, dx: float, half: float = 1.0, twist: bool = False) -> list[Any]:
    """A square chamber around the point ``dx`` m north of the origin, 1.5 m deep."""
    order = [(-1, -1), (-1, 1), (1, 1), (1, -1)]
    if twist:
        order[1], order[2] = order[2], order[1]
    return [number] + [
        v for n, e in order for v in (round(NORTH + dx + half * n, 3), EAST + half * e, 2.5)
    ]


def survey(folder: Path, annexe: list[list[Any]] | None = None, **more: Any) -> Path:
    points, lines = run_of(3, **more)
    tables = {
        "JSPoint": cells(POINT, points, [CRS, DATUM]),
        "JSLine": cells([*LINE, *more], lines, []),
    }
    if annexe is not None:
        tables["JSAnnexe"] = [["Exp_No", *CORNERS], *annexe]
    return write_xlsx(folder / "a.xlsx", tables)


def test_outlines_of_chambers_go_with_their_points(tmp_path: Path) -> None:
    delivery = read(survey(tmp_path, [outline("JS1", 30)]))
    assert [f.code for f in delivery.findings if f.severity is not Severity.INFO] == []
    attrs = dict(
        zip(keys(delivery, "pipe_point"), delivery.tables["pipe_point"]["attrs"], strict=True)
    )
    ring = shapely.Polygon(attrs["JS1"]["outline"])
    assert ring.area == pytest.approx(4.0) and ring.centroid.distance(
        shapely.Point(EAST, NORTH + 30)
    ) == pytest.approx(0.0, abs=1e-3)
    assert attrs["JS1"]["outline"][0][2] == 2.5
    assert "outline" not in attrs["JS0"]


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (outline("JS9", 30), "not in the point table"),
        (outline("JS1", 30, twist=True), "crosses itself"),
        (outline("JS1", 30, half=0.0), "no area"),
        (outline("JS1", 60), "m from its point"),
        (["JS1", *["x"] * 12], "not numbers"),
    ],
)
def test_outlines_that_cannot_be(tmp_path: Path, row: list[Any], word: str) -> None:
    delivery = read(survey(tmp_path, [outline("JS0", 0), row]))
    (finding,) = [f for f in delivery.findings if f.code == "OUT-01"]
    assert word in finding.en and finding.place.row == 3 and finding.place.sheet == "JSAnnexe"
    assert "outline" in delivery.tables["pipe_point"]["attrs"].iloc[0]


def test_outlines_in_a_file_of_their_own(tmp_path: Path) -> None:
    points, lines = run_of(3)
    paths = [
        write_csv(tmp_path / "JS_点表.csv", cells(POINT, points, [CRS, DATUM])),
        write_csv(tmp_path / "JS_线表.csv", cells(LINE, lines, [])),
        write_csv(tmp_path / "JS_Annexe.csv", [["点号", *CORNERS], outline("JS2", 60)]),
    ]
    assert "outline" in read(*paths).tables["pipe_point"]["attrs"].iloc[2]


def test_casings_are_kept_apart_from_the_pipe(tmp_path: Path) -> None:
    delivery = read(survey(tmp_path, 套管材质="钢", 套管尺寸="DN600"))
    pipe = delivery.tables["pipe_segment"].iloc[0]
    assert pipe["attrs"]["casing"] == {"material": "钢", "size": "DN600"}
    assert (pipe["material"], pipe["width_mm"]) == ("球墨铸铁", 300.0)


@pytest.mark.parametrize(
    ("code", "expected"), [("51042204", "JP"), ("52011000", "YS"), ("51000000", "JS")]
)
@pytest.mark.parametrize("column", ["线标准代码", "管线种类"])
def test_eight_digit_codes_say_the_class(
    tmp_path: Path, code: str, expected: str, column: str
) -> None:
    points, lines = run_of(3, prefix="P", **{column: code, "流向": "+"})
    tables = {
        "Point": cells(POINT, points, [CRS, DATUM]),
        "Line": cells([*LINE, column], lines, []),
    }
    delivery = read(write_xlsx(tmp_path / "a.xlsx", tables))
    assert set(delivery.tables["pipe_segment"]["class_code"]) == {expected}


CONSTANT = [["X加常数", "3400000"], ["Y偏移：600000"], ["高程常数", "-1.5"]]


def shifted(folder: Path, top: list[list[str]]) -> Path:
    """Coordinates without 3 400 000 and 600 000, heights 1.5 m too high."""
    points, lines = run_of(3, 起点高程=2.8 + 1.5)
    for row in points:
        row["X"], row["Y"] = round(row["X"] - 3.4e6, 3), round(row["Y"] - 6e5, 3)
        row["地面高程"] += 1.5
    sheets = {"说明": [CRS, DATUM, *top], "JSPoint": cells(POINT, points, [])}
    return write_xlsx(folder / "a.xlsx", {**sheets, "JSLine": cells(LINE, lines, [])})


@pytest.mark.parametrize("declared", ["table", "option", "both"])
def test_constants_are_added_back_and_recorded(tmp_path: Path, declared: str) -> None:
    top = [] if declared == "option" else CONSTANT
    offset = None if declared == "table" else (3.4e6, 6e5, -1.5)
    delivery = read(shifted(tmp_path, top), options=ReadOptions(offset=offset))
    points = delivery.tables["pipe_point"]
    assert delivery.errors == 0
    np.testing.assert_allclose(points["x_src"], [NORTH, NORTH + 30, NORTH + 60], atol=1e-6)
    np.testing.assert_allclose(points["y_src"], EAST, atol=1e-6)
    np.testing.assert_allclose(points["ground_h"], 4.0)
    assert "X+3400000.000 Y+600000.000 H-1.500" in str(delivery.passport.method)
    np.testing.assert_allclose(
        points["attrs"].iloc[0]["as_delivered"], [NORTH - 3.4e6, EAST - 6e5, 5.5], atol=1e-6
    )


@pytest.mark.parametrize(
    ("top", "offset", "word"),
    [
        ([["X加常数", "many"]], None, "no usable number"),
        ([["X加常数", "1e30"]], None, "no usable number"),
        (CONSTANT, (3.3e6, 6e5, -1.5), "contradicts"),
    ],
)
def test_constants_that_cannot_be(
    tmp_path: Path, top: list[list[str]], offset: tuple[float, float, float] | None, word: str
) -> None:
    found = refusal(shifted(tmp_path, top), options=ReadOptions(offset=offset))
    assert {f.code for f in found} == {"MET-03"} and word in found[0].en


def test_coordinates_that_hold_the_constants_already(tmp_path: Path) -> None:
    options = ReadOptions(offset=(3.4e6, 6e5, 0.0))
    (finding,) = refusal(survey(tmp_path), options=options)
    assert finding.code == "MET-03" and "as they are" in finding.en


def test_sizes_with_a_unit_and_about_dates(tmp_path: Path) -> None:
    points, lines = run_of(4)
    lines[0].update(管径="0.3m", 建设年代="约1995年")
    lines[1].update(管径="30 cm", 建设年代="1998年前后")
    lines[2].update(管径="300mm")
    tables = {"JSPoint": cells(POINT, points, [CRS, DATUM]), "JSLine": cells(LINE, lines, [])}
    pipes = read(write_xlsx(tmp_path / "a.xlsx", tables)).tables["pipe_segment"]
    assert pipes["width_mm"].tolist() == [300.0, 300.0, 300.0]
    assert pipes["built_precision"].tolist() == ["decade", "decade", "day"]


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_columns_without_a_meaning_keep_their_types(tmp_path: Path, name: str) -> None:
    points, lines = run_of(3)
    more: list[list[Any]] = [
        [12, True, 2.5, "003", date(2020, 1, 2), time(3, 4)],
        [None] * 6,
        [2**53 - 1, False, 3, "[1]", None, None],
    ]
    header = ["批次", "标记", "量", "码", "日", "时"]
    rows = [
        {**p, **dict(zip(header, row, strict=True))} for p, row in zip(points, more, strict=True)
    ]
    tables = [cells([*POINT, *header], rows, [CRS, DATUM]), cells(LINE, lines, [CRS, DATUM])]
    if name == "a.xlsx":
        paths = [write_xlsx(tmp_path / name, dict(zip(("JSPoint", "JSLine"), tables, strict=True)))]
        days = {"日": "2020-01-02", "时": "03:04:00"}
        expected = [
            {"批次": 12, "标记": True, "量": 2.5, "码": "003", **days},
            {},
            {"批次": 2**53 - 1, "标记": False, "量": 3, "码": "[1]"},
        ]
    else:  # where everything is text
        paths = [
            write_csv(tmp_path / f"JS{kind}.csv", table)
            for kind, table in zip(("Point", "Line"), tables, strict=True)
        ]
        expected = [
            {n: str(v) for n, v in zip(header, row, strict=True) if v is not None} for row in more
        ]
    found = read(*paths).tables["pipe_point"]["attrs"].tolist()
    assert json.dumps(found) == json.dumps(expected)
