"""Drawings measured with a ruler: millimetres of paper against metres of the city."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from twin.analyses.answer import Answer
from twin.analyses.excavation import ExcavationRequest, excavation
from twin.analyses.profile import ProfileRequest, profile
from twin.analyses.section import SectionRequest, section
from twin.analyses.testing import at, pipe, pipework, round_pipe
from twin.drawings.common import SCALES, fitting_scale, shorten, spread
from twin.drawings.sheet import Sheet, text_width

SVG = "{http://www.w3.org/2000/svg}"


def drawing(answer: Answer) -> ElementTree.Element:
    assert answer.drawing
    root = ElementTree.fromstring(answer.drawing)
    width, height = (float(root.attrib[k].removesuffix("mm")) for k in ("width", "height"))
    assert root.attrib["viewBox"] == f"0 0 {width:g} {height:g}"  # one unit is one millimetre
    return root


def shapes(root: ElementTree.Element) -> list[np.ndarray]:
    return [
        np.array([[float(v) for v in pair.split(",")] for pair in one.attrib["points"].split()])
        for one in root.iter(f"{SVG}polygon")
    ]


def words(root: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{SVG}text")]


def street(**columns: Any) -> Answer:
    work = pipework(
        round_pipe((4, -9, 2), (4, 9, 2), size=1000, points=("A", "B"), code="WS", **columns),
        pipe(
            (9, -9, 3),
            (9, 9, 3),
            points=("C", "D"),
            code="TX",
            shape="bank",
            width_mm=600.0,
            height_mm=400.0,
        ),
    )
    return section(work, SectionRequest(line=at((0, 0), (12, 0)), scale=50))


def test_a_section_is_right_in_scale_both_ways() -> None:
    circle, box = shapes(drawing(street()))
    assert np.ptp(circle, axis=0) == pytest.approx([20, 20], abs=0.02)  # 1 m at 1:50
    assert np.ptp(box, axis=0) == pytest.approx([12, 8], abs=0.002)
    between = box.mean(axis=0) - circle.mean(axis=0)
    assert between == pytest.approx([100, -20], abs=0.02)  # 5 m along, 1 m higher
    assert any("1:50" in word for word in words(drawing(street())))


def test_pipes_of_one_class_have_its_colour() -> None:
    root = drawing(street())
    fills = [one.attrib.get("fill") for one in root.iter(f"{SVG}polygon")]
    assert fills == ["#4c3926", "#00ff00"]  # drainage and telecommunication of CJJ 61-2017


@pytest.mark.parametrize(
    "name",
    [
        '"><script>alert(1)</script>',
        "]]>&amp;<!--",
        "\x00\x07\x1b[31m红\u202e",
        "长" * 500,
        "\ud800",
        "' onload='x",
    ],
)
def test_hostile_names_are_only_text(name: str) -> None:
    root = drawing(street(owner=name, material=name))
    allowed = {"svg", "title", "rect", "polyline", "polygon", "circle", "text"}
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= allowed
    for one in root.iter():
        assert not [key for key in one.attrib if key.startswith("on") or "href" in key]


def run() -> Answer:
    work = pipework(
        round_pipe((0, 0, 1.3), (60, 0, 1.0), size=600, points=("W1", "W2"), code="WS"),
        round_pipe((30, -5, 2.6), (30, 5, 2.6), size=400, points=("J1", "J2"), code="JS"),
    )
    return profile(work, ProfileRequest(nodes=["W1", "W2"], scale=500, vertical_scale=50))


def test_a_profile_exaggerates_heights_and_says_so() -> None:
    root = drawing(run())
    tube, crossing = shapes(root)
    assert np.ptp(tube[:, 0]) == pytest.approx(120, abs=0.01)  # 60 m at 1:500
    assert np.ptp(tube[:, 1]) == pytest.approx((0.3 + 0.6) * 20, abs=0.05)  # fall and size at 1:50
    assert np.ptp(crossing, axis=0) == pytest.approx([0.8, 8], abs=0.01)
    title = next(word for word in words(root) if "纵断面" in word)
    assert "1:500" in title
    assert "1:50" in title
    assert "10 倍" in title


def test_what_is_unknown_is_drawn_without_inventing_it() -> None:
    work = pipework(
        pipe((4, -9, 2), (4, 9, 2), points=("A", "B"), code="RQ"),
        round_pipe((8, -9, np.nan), (8, 9, np.nan), points=("C", "D"), code="JS"),
    )
    root = drawing(section(work, SectionRequest(line=at((0, 0), (12, 0)))))
    assert shapes(root) == []
    assert words(root).count("不详") >= 5


def test_the_foot_names_datum_and_source_of_the_ground() -> None:
    text = "".join(words(drawing(street())))
    assert "EPSG:4549" in text
    assert "1985" in text
    assert "内插" in text


def test_numbers_in_a_plan_keep_clear_of_each_other_and_lie_on_top() -> None:
    work = pipework(
        *(
            round_pipe((e, -20, 3), (e, 20, 3), size=300, points=(f"A{e}", f"B{e}"), code="JS")
            for e in (1, 2, 3, 12)
        )
    )
    request = ExcavationRequest(polygon=at((0, 0), (20, -8), (20, 8)), depth=3)
    page = excavation(work, request).rendered("text/html")
    assert page is not None
    plan = ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + len("</svg>")])
    numbers = list(plan.iter(f"{SVG}circle"))
    places = np.array([[float(one.attrib[k]) for k in ("cx", "cy")] for one in numbers])
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    assert len(numbers) == 4
    assert apart[np.triu_indices(4, 1)].min() > 2 * 2.1  # the circles' radius
    tags = [one.tag for one in plan]
    outlines = [i for i, one in enumerate(plan) if one.attrib.get("stroke") == "#b00020"]
    assert max(outlines) < tags.index(f"{SVG}circle")


def test_scales_fit() -> None:
    assert fitting_scale(10, 300) == 50
    assert fitting_scale(10, 99) == 200
    assert fitting_scale(1e9, 10) == SCALES[-1]


def test_labels_keep_their_distance_and_order() -> None:
    found = spread([1.0, 1.1, 1.2, 9.0], 2.0, 0.0, 10.0)
    assert min(np.diff(found)) >= 2.0 - 1e-9
    assert found[0] >= 0
    assert found[-1] <= 10
    assert min(np.diff(spread([9.0, 9.5, 9.9], 2.0, 0.0, 10.0))) >= 2.0 - 1e-9
    assert spread([], 2.0, 0.0, 1.0) == []


def test_texts_are_cut_to_their_cell() -> None:
    assert shorten("短", 10, 2.5) == "短"
    cut = shorten("很长的权属单位名称有限公司", 10, 2.5)
    assert cut.endswith("…")
    assert text_width(cut, 2.5) <= 10


def test_a_sheet_is_well_formed() -> None:
    sheet = Sheet(10, 20, "<题>")
    sheet.text(1, 2, "a & b", turn=-90)
    root = ElementTree.fromstring(sheet.svg())
    assert root.findtext(f"{SVG}title") == "<题>"
    assert not re.search("https?://(?!www.w3.org/2000/svg)", sheet.svg())
