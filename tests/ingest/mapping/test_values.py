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


def test_counts_and_pairs() -> None:
    parsed, second = values.counts(column("12/9", 4, "2.5", -1, None), EMPTY)
    np.testing.assert_array_equal(parsed.values, [12, 4, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(second, [9, np.nan, np.nan, np.nan, np.nan])
    assert parsed.bad.tolist() == [False, False, True, True, False]


def test_counts_with_their_word() -> None:
    parsed, second = values.counts(column("12孔/9孔", "４孔", "3 根", "3米", "孔"), EMPTY)
    np.testing.assert_array_equal(parsed.values, [12, 4, 3, np.nan, np.nan])
    np.testing.assert_array_equal(second, [9, np.nan, np.nan, np.nan, np.nan])
    assert parsed.bad.tolist() == [False, False, False, True, True]


def test_quantities_with_their_unit() -> None:
    units = {"mpa": 1.0, "kpa": 0.001, "pa": 0.000001, "兆帕": 1.0}
    cells = column("0.4MPa", "400 kPa", "0.4兆帕", "㎫", 0.2, "0MPa", "9999", "0.4kV", "不详", None)
    parsed, other = values.quantities(cells, ZERO, units)
    np.testing.assert_allclose(
        parsed.values, [0.4, 0.4, 0.4, np.nan, 0.2, *[np.nan] * 5], equal_nan=True
    )
    assert np.flatnonzero(parsed.bad).tolist() == [3, 7]
    assert np.flatnonzero(parsed.placeholder).tolist() == [5, 6, 8]
    assert np.flatnonzero(other).tolist() == [1]


def test_bare_quantities_are_in_the_unit_of_the_column() -> None:
    units = {"kv": 1.0, "v": 0.001}
    parsed, other = values.quantities(column(380, "380V", "10kV"), EMPTY, units, factor=0.001)
    np.testing.assert_allclose(parsed.values, [0.38, 0.38, 10])
    assert other.tolist() == [False, False, True]


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
