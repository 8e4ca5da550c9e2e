"""The shipped tables: their evidence, their cells, and how they are looked up."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from models.clearance.facts import facts_of
from models.clearance.limits import LimitError, load_limits, read_limits
from models.clearance.lookup import Lookup
from models.clearance.things import clearance_limits, cover_limits

MEASURES = ("horizontal", "vertical", "cover")
LEVELS = ("低压", "中压B", "中压A", "次高压B", "次高压A")
LINES = {
    "JS200": {"class_code": "JP", "width_mm": 200.0},
    "JS300": {"class_code": "JS", "width_mm": 300.0},
    "JS?": {"class_code": "JS"},
    "ZS": {"class_code": "ZS"},
    "YS": {"class_code": "YS"},
    "RL": {"class_code": "RS", "embed": "直埋"},
    "RL trench": {"class_code": "RL", "embed": "管沟"},
    "DL": {"class_code": "GD", "embed": "直埋", "voltage_kv": 10.0},
    "DL duct": {"class_code": "GD", "embed": "管块", "voltage_kv": 10.0},
    "DL 110": {"class_code": "GD", "embed": "直埋", "voltage_kv": 110.0},
    "DL?": {"class_code": "DL", "voltage_kv": 10.0},
    "TX": {"class_code": "DH", "embed": "直埋"},
    "TX duct": {"class_code": "DH", "shape": "bank"},
    "RQ?": {"class_code": "TR", "width_mm": 200.0, "material": "钢"},
    "RQ 中压": {"class_code": "TR", "pressure_level": "中压", "width_mm": 200.0},
    "RQ 0.3MPa": {"class_code": "TR", "pressure_mpa": 0.3, "width_mm": 400.0, "material": "钢"},
    "RQ 2MPa": {"class_code": "TR", "pressure_mpa": 2.0, "width_mm": 400.0, "material": "钢"},
    "RQ PE": {"class_code": "TR", "pressure_level": "中压A", "width_mm": 200.0,
              "material": "聚乙烯"},
    "unknown": {"class_code": "BM"},
    "GY": {"class_code": "QQ"},
    "tunnel": {"class_code": "ZH"},
    "overhead": {"class_code": "GD", "embed": "架空"},
    "abandoned": {"class_code": "TR", "status": "废弃"},
    **{f"RQ {level}": {"class_code": "TR", "pressure_level": level, "width_mm": 200.0,
                       "material": "钢"} for level in LEVELS},
}  # fmt: skip
NAMES = list(LINES)
SEGMENTS = pd.DataFrame(list(LINES.values()), index=NAMES)
FACTS = facts_of(SEGMENTS)


def find(measure, a, b):
    """(limit, verified, missing) of two lines by name; ``a`` is the lower."""
    lookup = Lookup.of(load_limits(measure), FACTS, FACTS)
    found = lookup.find(np.array([NAMES.index(a)]), np.array([NAMES.index(b)]))
    return found.limit[0], bool(found.verified[0]), found.missing[0]


def by_level(line, limits, believed=0):
    """Cases against gas by pressure level, of which the last ``believed`` are not verified."""
    return [
        (line, f"RQ {level}", limit, place < len(LEVELS) - believed)
        for place, (level, limit) in enumerate(zip(LEVELS, limits, strict=True))
    ]


@pytest.mark.parametrize(
    ("a", "b", "limit", "verified"),
    [
        ("JS200", "YS", 1.0, True),
        ("JS300", "YS", 1.5, True),
        *by_level("YS", [1, 1.2, 1.2, 1.5, 2]),
        *by_level("JS200", [0.5, 0.5, 0.5, 1, 1.5]),
        *by_level("RL trench", [1, 1.5, 1.5, 2, 4], believed=2),
        *by_level("DL duct", [1, 1, 1, 1, 1.5]),
        *by_level("TX", [0.5, 0.5, 0.5, 1, 1.5], believed=2),
        ("YS", "DL", 0.5, True),
        ("YS", "DL 110", 0.5, True),
        ("YS", "TX duct", 1.0, True),
        ("RQ 0.3MPa", "RQ PE", 0.5, True),
        ("RQ 低压", "RQ PE", 0.4, True),
        ("RL", "DL", 2.0, True),
        ("DL", "TX", 0.5, True),
        ("DL 110", "TX", 2.0, False),
        ("JS200", "ZS", 0.5, False),
        ("DL", "DL", 0.25, False),
        ("DL", "DL duct", 0.1, False),
        ("TX", "TX duct", 0.5, False),
    ],
)  # fmt: skip
def test_horizontal_cells(a, b, limit, verified):
    assert find("horizontal", a, b) == (limit, verified, "")
    assert find("horizontal", b, a) == (limit, verified, "")


@pytest.mark.parametrize(
    "other", ["YS", "JS200", "GY", "tunnel", "overhead", "abandoned", "RQ 2MPa"]
)
def test_what_the_horizontal_table_does_not_regulate(other):
    same = "YS" if other == "YS" else "JS200"
    assert np.isnan(find("horizontal", same, other)[0])


@pytest.mark.parametrize(
    ("a", "b", "greatest", "missing"),
    [
        ("JS?", "YS", 1.5, "a.width_mm"),
        ("YS", "RQ?", 2.0, "b.pressure_level"),
        ("YS", "RQ 中压", 2.0, "b.pressure_level"),
        ("RQ 中压A", "DL?", 1.5, "b.embed"),
        ("unknown", "YS", 2.0, "a.class_code"),
    ],
)
def test_a_missing_attribute_is_asked_for_where_the_limit_depends_on_it(a, b, greatest, missing):
    limit, _, names = find("horizontal", a, b)
    assert limit == greatest
    assert missing in names.split(",")


def test_a_missing_attribute_is_not_asked_for_where_it_does_not_matter():
    assert find("horizontal", "JS?", "RL") == (1.5, True, "")
    assert find("horizontal", "RQ?", "RQ PE") == (0.4, True, "")


@pytest.mark.parametrize(
    ("lower", "upper", "limit", "verified"),
    [
        ("YS", "JS200", 0.4, True),
        ("JS200", "YS", 0.4, False),  # the order that the table does not print
        ("RQ 低压", "JS200", 0.15, True),
        ("TX", "JS200", 0.5, True),
        ("TX duct", "TX", 0.25, True),
        ("DL", "YS", 0.5, True),
        ("DL", "JS200", 0.5, False),  # 0.15 in 1998, believed to be 0.5 since 2016
        ("TX", "RL", 0.25, False),
        ("JS200", "ZS", 0.5, False),
        ("RQ 低压", "DL duct", 0.15, True),
        ("RL", "RQ PE", 0.5, True),
        ("RQ PE", "RL", 1.0, True),
        ("RL trench", "RQ PE", 0.4, True),
        ("RQ PE", "RL trench", 0.3, True),
        ("RQ 低压", "RL", 0.15, True),
    ],
)
def test_vertical_cells_are_of_the_lower_line_and_the_upper_one(lower, upper, limit, verified):
    assert find("vertical", lower, upper) == (limit, verified, "")


def test_every_pair_has_the_same_horizontal_limit_either_way():
    rows = np.indices((len(NAMES), len(NAMES))).reshape(2, -1)
    lookup = Lookup.of(load_limits("horizontal"), FACTS, FACTS)
    there, back = lookup.find(rows[0], rows[1]), lookup.find(rows[1], rows[0])
    assert np.array_equal(there.limit, back.limit, equal_nan=True)
    assert np.array_equal(there.ambiguous, back.ambiguous)
    assert np.array_equal(there.rule, back.rule)


@pytest.mark.parametrize("measure", MEASURES)
def test_every_cell_says_on_whose_word_it_stands(measure):
    cells = load_limits(measure).cells
    assert cells
    for cell in cells:
        assert cell.value > 0
        assert cell.source.standard
        assert cell.citation.startswith(cell.source.standard)
        assert cell.verified == ("transcription" in cell.source.by or "annex" in cell.source.by)
        assert cell.verified != cell.source.by.startswith("nobody")
    assert len({cell.rule for cell in cells}) == len(cells)


#: Numbers that are believed only (marked so in the reference this project is written from).
BELIEVED = {
    "horizontal": """
        JS-ZS JS-trench PS-ZS PS-trench ZS-RQ.低压 ZS-RL ZS-DL ZS-TX ZS-trench
        RQ-RL.direct.次高压B RQ-RL.direct.次高压A RQ-RL.trench.次高压B RQ-RL.trench.次高压A
        RQ-TX.direct.次高压B RQ-TX.conduit.次高压A RL-trench DL-DL.direct DL-DL.conduit
        DL-TX.from35kV DL-trench TX-TX TX-trench building-JS.d<=200 building-ZS building-RL.direct
        building-DL building-TX.direct tree-ZS tree-TX tree-DL tree-RQ.次高压B kerb-PS
        kerb-RQ.次高压B tower>35kV-RQ.次高压A tower<=35kV-JS tramway-RQ.次高压A railway-RQ.次高压A
        railway-DL""",
    "vertical": """
        JS/ZS PS/ZS TX.direct/RL DL.direct/PS DL.direct/DL DL.conduit/PS DL.conduit/DL.conduit
        railway/TX.direct high_speed_railway/PS tramway/JS""",
    "cover": """
        JS.footway JS.carriageway JS.PE.carriageway ZS.footway DL.direct.footway
        DL.conduit.carriageway TX.footway TX.steel.carriageway RL.direct.footway trench.carriageway
        waterway_I_V waterway_VI_VII river""",
}


@pytest.mark.parametrize("measure", MEASURES)
def test_what_is_only_believed_is_not_verified(measure):
    cells = load_limits(measure).cells
    for name in BELIEVED[measure].split():
        found = [cell for cell in cells if cell.rule.endswith(f".{name}")]
        assert found, name
        newest = max(found, key=lambda cell: cell.precedence)
        assert not newest.verified, name


@pytest.mark.parametrize(
    ("line", "surface", "limit", "verified"),
    [
        ("RQ 低压", "机动车道", 0.9, True),
        ("RQ 低压", "人行道", 0.6, True),
        ("RQ 低压", "庭院", 0.3, True),
        ("YS", "机动车道", 0.7, True),
        ("YS", "footway", 0.6, True),
        ("DL", "机动车道", 1.0, False),
        ("DL duct", "机动车道", 0.5, False),
        ("RL trench", "机动车道", 0.5, False),
        ("RQ PE", "I-V级航道", 2.0, False),
        ("YS", "河道", 0.5, False),
    ],
)
def test_cover_by_the_surface_above(line, surface, limit, verified):
    found = cover_limits(SEGMENTS.loc[[line]], np.array([surface], object))
    assert (found.limit[0], bool(found.verified[0]), found.missing[0]) == (limit, verified, "")


def test_cover_asks_for_what_it_needs():
    lines = pd.DataFrame(
        [
            {"class_code": "JS", "material": "聚乙烯"},
            {"class_code": "JS", "material": "球墨铸铁"},
            {"class_code": "JS"},
            {"class_code": "YS"},
            {"class_code": "DL", "embed": "管块"},
        ]
    )
    surface = np.array(["机动车道", "机动车道", "机动车道", None, None], object)
    found = cover_limits(lines, surface)
    assert found.limit.tolist() == [1.0, 0.7, 1.0, 2.0, 2.0]
    assert found.missing.tolist() == ["", "", "material", "surface", "surface"]


def test_clearance_to_what_is_no_line():
    lines = SEGMENTS.loc[["YS", "RQ 次高压A", "JS200", "YS"]]
    found = clearance_limits(lines, np.array(["building", "building", "tree", "kerb"], object))
    assert found.limit.tolist() == [2.5, 13.5, 1.5, 1.5]
    assert found.verified.tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (("value: 1.00", "value: -1"), "value"),
        (("source: copy", "source: hearsay"), "hearsay"),
        (("laying: direct", "laying: hung"), "laying"),
        (("measure: horizontal", "measure: diagonal"), "measure"),
        (("unit: m", "unit: [m"), "not a usable table"),
    ],
)
def test_a_table_that_is_wrong_is_refused_by_name(tmp_path, change, names):
    text = (files("models.data") / "clearance" / "horizontal.yaml").read_text("utf-8")
    path = tmp_path / "own.yaml"
    path.write_text(text.replace(*change), "utf-8")
    with pytest.raises(LimitError) as error:
        read_limits(path)
    assert names in error.value.en
    assert "own.yaml" in error.value.zh


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(LimitError):
        read_limits(tmp_path / "none.yaml")
