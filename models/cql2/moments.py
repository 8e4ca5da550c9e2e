"""Dates and moments of a filter (OGC 21-065r2, rules ``dateInstant`` and ``timestampInstant``)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from models.cql2.errors import FilterError
from models.cql2.tree import Kind

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMESTAMP: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z")


def read_date(text: str) -> dt.date:
    """``2020-12-31``. Raises :class:`FilterError`."""
    try:
        if _DATE.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise _wrong(text, "YYYY-MM-DD")


def read_timestamp(text: str) -> dt.datetime:
    """``2020-12-31T23:59:59.5Z``, in UTC; microseconds are kept. Raises :class:`FilterError`."""
    try:
        if (match := _TIMESTAMP.fullmatch(text)) is not None:
            fraction = (match[1] or "")[:7]
            return dt.datetime.fromisoformat(f"{text[:19]}{fraction}+00:00")
    except ValueError:
        pass
    raise _wrong(text, "YYYY-MM-DDTHH:MM:SSZ")


def read_instant(text: str) -> tuple[dt.date | dt.datetime, Kind]:
    """A date or a timestamp, as the ends of ``INTERVAL`` are written."""
    if "T" in text:
        return read_timestamp(text), Kind.TIMESTAMP
    return read_date(text), Kind.DATE


def _wrong(text: str, expected: str) -> FilterError:
    shown = text if len(text) <= 40 else f"{text[:37]}..."
    return FilterError(
        f"filter: found the moment '{shown}', expected {expected}.",
        f"filter：时间“{shown}”无效，应为 {expected}。",
    )
