"""Grammar of survey cells."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mapping import values
from ingest.mapping.values import Placeholders

EMPTY = Placeholders(
    frozenset({"不详", "/"}), frozenset({9999.0}), frozenset({"1900-01-01"}), False
)
ZERO = Placeholders(EMPTY.words, EMPTY.numbers, EMPTY.dates, True)


def column(*cells: Any) -> np.ndarray[Any, np.dtype[np.object_]]:
    out = np.empty(len(cells), object)
    out[:] = cells
    return out


@given(st.decimals(-10_000_000, 10_000_000, places=3))
def test_numbers_kept_as_text_are_exact(value: Any) -> None:
    parsed = values.numbers(
        column(str(value)), Placeholders(EMPTY.words, frozenset(), frozenset(), False)
    )
    assert parsed.values[0] == float(value)
    assert not parsed.bad[0]


def test_full_width_digits() -> None:
    parsed = values.numbers(column("３４３０５１５．００６", " 4.5 ", "　"), EMPTY)
    np.testing.assert_array_equal(parsed.values, [3430515.006, 4.5, np.nan])


@pytest.mark.parametrize(
    "text", ["abc", "1.2m", "1,234.5", "inf", "nan", "1_000", "0x10", "--1", True]
)
def test_what_is_no_number(text: Any) -> None:
    parsed = values.numbers(column(text), EMPTY)
    assert parsed.bad[0] and np.isnan(parsed.values[0])


def test_placeholders_are_null_and_marked() -> None:
    parsed = values.numbers(column("不详", 9999, 0, 1), ZERO)
    assert parsed.placeholder.tolist() == [True, True, True, False]
    assert not parsed.bad.any()


@pytest.mark.parametrize(
    ("text", "width", "height", "box", "outer"),
    [
        (300, 300, 300, False, False),
        ("300", 300, 300, False, False),
        ("DN300", 300, 300, False, False),
        ("ｄｎ３００", 300, 300, False, False),
        ("Φ219.1", 219.1, 219.1, False, False),
        ("φ600", 600, 600, False, False),
        ("De110", 110, 110, False, True),
        ("800X600", 800, 600, True, False),
        ("800×600", 800, 600, True, False),
        ("800 * 600", 800, 600, True, False),
    ],
)
def test_sizes(text: Any, width: float, height: float, box: bool, outer: bool) -> None:
    size = values.sizes(column(text), ZERO)
    assert (size.width[0], size.height[0], size.box[0], size.outer[0]) == (
        width,
        height,
        box,
        outer,
    )


@pytest.mark.parametrize(
    "text", ["DN3OO", "300#", "-300", "800X", "X600", "0X600", "三百", "3XDN100"]
)
def test_illegal_sizes(text: str) -> None:
    assert values.sizes(column(text), ZERO).bad[0]


def test_size_in_metres_is_scaled_but_dn_is_millimetres() -> None:
    size = values.sizes(column(0.3, "DN300", "0.8X0.6"), ZERO, factor=1000.0)
    np.testing.assert_allclose(size.width, [300, 300, 800])
    np.testing.assert_allclose(size.height, [300, 300, 600])


def test_counts_and_pairs() -> None:
    parsed, second = values.counts(column("12/9", 4, "2.5", -1, None), EMPTY)
    np.testing.assert_array_equal(parsed.values, [12, 4, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(second, [9, np.nan, np.nan, np.nan, np.nan])
    assert parsed.bad.tolist() == [False, False, True, True, False]


@pytest.mark.parametrize(
    ("cell", "day", "precision"),
    [
        ("2010-03-10", date(2010, 3, 10), "day"),
        ("2010/3/10", date(2010, 3, 10), "day"),
        ("2010年3月10日", date(2010, 3, 10), "day"),
        ("20100310", date(2010, 3, 10), "day"),
        (datetime(2010, 3, 10, 8), date(2010, 3, 10), "day"),
        (2010.0, date(2010, 1, 1), "year"),
        ("2010年", date(2010, 1, 1), "year"),
        ("2010-05", date(2010, 5, 1), "year"),
        ("2000-01-01", date(2000, 1, 1), "decade"),
        ("1990年代", date(1990, 1, 1), "decade"),
        ("80年代", date(1980, 1, 1), "decade"),
    ],
)
def test_dates(cell: Any, day: date, precision: str) -> None:
    parsed, how = values.dates(column(cell), EMPTY)
    assert (parsed.values[0], how[0]) == (day, precision)


def test_dates_that_are_none() -> None:
    parsed, _ = values.dates(column("2010-02-30", "昨天", "1900-01-01", None), EMPTY)
    assert parsed.bad.tolist() == [True, True, False, False]
    assert parsed.placeholder.tolist() == [False, False, True, False]
    assert list(parsed.values) == [None] * 4


def test_flow_needs_a_known_sign() -> None:
    parsed = values.flows(column("+", "-", None, "0"), {"+": 1, "-": -1})
    np.testing.assert_array_equal(parsed.values, [1, -1, np.nan, np.nan])
    assert parsed.bad.tolist() == [False, False, False, True]


def test_words_fold_case_and_brackets() -> None:
    table = {"HDPE": "聚乙烯", "钢": "钢"}
    parsed = values.words(column("hdpe", "ＨＤＰＥ", "钢(镀锌)", "竹"), table, EMPTY, upper=True)
    assert parsed.values.tolist() == ["聚乙烯", "聚乙烯", "钢", None]
    assert parsed.bad.tolist() == [False, False, False, True]
