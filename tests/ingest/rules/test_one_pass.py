"""Whatever mistakes a delivery has, one pass reports them all."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.rules.testing import check_case

#: Mistakes that do not hide each other: each has its own points and lines on a run of thirty
#: (WS2~WS3, WS4~WS5, …), or further rows. Rule → what makes it.
MISTAKES: dict[str, dict[str, Any]] = {
    "STR-02": {"points": {"WS30": {"地面高程": None}}},
    "STR-02.kind": {"points": {"WS2": {"特征": None}}},
    "STR-03": {"lines": {"WS2~WS3": {"管径": None}}},
    "STR-04": {"lines": {"WS4~WS5": {"起点埋深": "1.2m"}}},
    "STR-05": {"lines": {"WS4~WS5": {"总孔数": 9999}}},
    "STR-06": {"lines": {"WS6~WS7": {"管径": "DN3OO"}}},
    "STR-07": {"lines": {"WS8~WS9": {"终点埋深": "#REF!"}}},
    "CODE-01": {"lines": {"WS10~WS11": {"材质": "竹筒"}}},
    "CODE-01.words": {"points": {"WS6": {"附属物": "怪井"}}},
    "CODE-02": {"lines": {"WS12~WS13": {"材质": "铸铁"}}},
    "CODE-03": {"lines": {"WS12~WS13": {"探测单位": "乙"}}},
    "CODE-04": {"lines": {"WS14~WS15": {"材质": None}}},
    "PT-01": {"again_points": [{"of": "WS16", "地面高程": 4.5}]},
    "PT-02": {"points": {"WX1": {"dx": 60}}},
    "PT-05": {"points": {"WX2": {"dx": 3_000_000}}},
    "PT-05.far": {"points": {"WX3": {"dx": 9000}}},
    "PT-07": {"points": {"WS8": {"附属物": "窨井"}}},
    "PT-08": {"points": {"WS10": {"附属物": "窨井", "井深": 2, "井底高程": 2.5}}},
    "LN-01": {"lines": {"WS18~WS18": {}}},
    "LN-02": {"again_lines": [{"of": "WS18~WS19"}]},
    "LN-03": {"lines": {"WS20~WX9": {}}},
    "LN-06": {"lines": {"WS20~WS21": {"起点埋深": 10.5}}},
    "LN-08": {"lines": {"WS22~WS23": {"起点高程": 2.0}}},
    "LN-10": {"lines": {"WS24~WS25": {"总孔数": 4, "已用孔数": 5}}},
    "LN-12.flow": {"lines": {"WS26~WS27": {"流向": None}}},
    "LN-12.voltage": {"lines": {"WS24~WS25": {"电压": 10}}},
    "LN-12.pressure": {"lines": {"WS22~WS23": {"压力": 0.4}}},
    "TOT-01": {"sheets": {"统计": [["管类", "长度(m)"], ["污水", 10.0]]}},
}
SOUND: dict[str, Any] = {
    "class": "WS",
    "count": 30,
    "every_line": {"材质": "混凝土", "流向": "+", "探测单位": "甲"},
}


def together(names: list[str]) -> dict[str, Any]:
    """One case with all of the mistakes."""
    case: dict[str, Any] = dict(SOUND)
    for name in names:
        for table, edits in MISTAKES[name].items():
            if isinstance(edits, list):
                case[table] = [*case.get(table, []), *edits]
            else:
                rows = dict(case.get(table, {}))
                for key, edit in edits.items():
                    merged = isinstance(edit, dict)
                    rows[key] = {**rows.get(key, {}), **edit} if merged else edit
                case[table] = rows
    return case


def found(names: list[str]) -> set[str | None]:
    with tempfile.TemporaryDirectory() as folder:
        return {f.rule for f in check_case(together(names), Path(folder))}


def test_the_sound_survey_has_none_of_them() -> None:
    assert found([]) & set(MISTAKES) == set()


def test_all_at_once() -> None:
    assert set(MISTAKES) - found(list(MISTAKES)) == set()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.sampled_from(sorted(MISTAKES)), min_size=1, max_size=12))
def test_any_of_them_together(names: set[str]) -> None:
    assert names - found(sorted(names)) == set()
