"""Cross-sections computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from models.crs import storage_to_geodetic
from twin.analyses.answer import Answer
from twin.analyses.errors import BadRequestError
from twin.analyses.pipework import Pipework
from twin.analyses.section import SectionRequest, section
from twin.analyses.testing import at, pipe, pipework, round_pipe


def street() -> Pipework:
    """Across x = 0 … 20: gas at 4, sewer at 10, duct bank at 16; the ground rises to the east."""
    return pipework(
        round_pipe((4, -9, 2.9), (4, 9, 2.9), size=200, points=("R1", "R2"), code="RQ", owner="甲"),
        round_pipe(
            (10, -9, 1.5),
            (10, 9, 1.5),
            size=1000,
            points=("W1", "W2"),
            code="WS",
            from_invert_h=1.1,
            to_invert_h=1.1,
        ),
        pipe(
            (16, -9, 3.0),
            (16, 9, 3.0),
            points=("T1", "T2"),
            code="TX",
            shape="bank",
            width_mm=600.0,
            height_mm=400.0,
            material="混凝土",
        ),
        ground={"R1": 4.0, "R2": 4.0, "W1": 4.6, "W2": 4.6, "T1": 5.2, "T2": 5.2},
    )


def ask(work: Pipework, *line: tuple[float, float], **more: Any) -> Answer:
    return section(work, SectionRequest(line=at(*line), **more))


def test_places_heights_cover_and_depth_by_class() -> None:
    gas, sewer, ducts = ask(street(), (0, 0), (20, 0)).result["pipes"]
    assert [p["s"] for p in (gas, sewer, ducts)] == [4, 10, 16]
    assert [p["ground"] for p in (gas, sewer, ducts)] == [4.0, 4.6, 5.2]
    assert (gas["top"], gas["cover"], gas["depth"]) == (3.0, 1.0, 1.0)
    assert gas["depth_measured_to"] == "top"
    assert (sewer["top"], sewer["cover"]) == (2.0, 2.6)
    assert (sewer["invert"], sewer["depth"], sewer["depth_measured_to"]) == (1.1, 3.5, "invert")
    assert (ducts["section"], ducts["half_s"], ducts["half_z"]) == ("box", 0.3, 0.2)
    assert gas["segment"]["owner"] == "甲"
    assert (gas["segment"]["size"], ducts["segment"]["size"]) == ("DN200", "600×400")


def test_distances_are_between_surfaces() -> None:
    first, second = ask(street(), (0, 0), (20, 0)).result["clearances"]
    assert (first["a"], first["b"], first["above"]) == (1, 2, 1)
    assert first["horizontal"] == 5.4  # 6 - 0.1 - 0.5
    assert first["vertical"] == 0.8  # 1.4 - 0.1 - 0.5
    assert first["least"] == pytest.approx((6**2 + 1.4**2) ** 0.5 - 0.6, abs=1e-3)
    assert second["horizontal"] == 5.2


def test_pipes_above_each_other_are_neighbours_too() -> None:
    work = pipework(
        *(
            round_pipe((x, -5, z), (x, 5, z), size=400, points=(f"A{i}", f"B{i}"))
            for i, (x, z) in enumerate([(10.0, 1.0), (10.05, 3.0), (10.1, 2.0)])
        )
    )
    answer = ask(work, (0, 0), (20, 0)).result
    vertical = {(c["a"], c["b"]): c["vertical"] for c in answer["clearances"]}
    assert vertical == {(1, 2): 1.6, (1, 3): 0.6, (2, 3): 0.6}


def test_the_same_line_in_degrees_and_backwards() -> None:
    ends = at((0, 0), (20, 0))
    lon, lat, _ = storage_to_geodetic([p[0] for p in ends], [p[1] for p in ends], [0, 0])
    degrees = [[float(x), float(y)] for x, y in zip(lon, lat, strict=True)]
    found = section(street(), SectionRequest(line=degrees, crs="EPSG:4326")).result["pipes"]
    assert [p["s"] for p in found] == pytest.approx([4, 10, 16], abs=1e-3)
    back = ask(street(), (20, 0), (0, 0)).result["pipes"]
    assert [p["s"] for p in back] == [4, 10, 16]
    assert [p["segment"]["class_code"] for p in back] == ["TX", "WS", "RQ"]


def test_a_bent_line_counts_on_along_it() -> None:
    found = ask(street(), (0, 3), (7, 3), (7, -3), (20, -3)).result
    assert found["length"] == 26
    assert [p["s"] for p in found["pipes"]] == [4, 16, 22]


def test_the_answer_says_what_it_rests_on() -> None:
    answer = ask(street(), (0, 0), (20, 0))
    assert answer.datum["horizontal"] == "EPSG:4549"
    assert "1985" in answer.datum["vertical"]
    assert answer.accuracy["plan"] == {"least": 0.05, "greatest": 0.05, "unknown": 0}
    assert answer.accuracy["height"]["greatest"] == 0.03
    assert answer.result["ground"]["source"] == "points"
    assert {"PLANE-DISTANCE", "GROUND"} <= {note.code for note in answer.notes}
    assert all(note.zh and note.en for note in answer.notes)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ([[624000, 3450000], [624000, 3450000]], ["length"]),
        ([[624000, 3450000], [627000, 3450000]], ["2000"]),
        ([[3450000, 624000], [3450020, 624000]], ["swapped"]),
        ([[0, 0], [1, 1]], ["outside"]),
    ],
)
def test_lines_that_cannot_be_used(line: list[list[float]], words: list[str]) -> None:
    with pytest.raises(BadRequestError) as raised:
        section(street(), SectionRequest(line=line))
    for word in words:
        assert word in raised.value.en
    assert raised.value.zh


def test_nothing_there() -> None:
    answer = ask(street(), (100, 100), (120, 100))
    assert answer.result["pipes"] == answer.result["clearances"] == []
    assert answer.drawing
