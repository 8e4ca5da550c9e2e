"""Moments and periods of ``datetime`` and ``as-of`` (OGC 17-069r4 section 7.15.4, RFC 3339).

A bare date is that day in China's standard time, as deliveries mean it.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any, Final

from models.db.publish import CHINA
from twin.api.ogc.errors import ParameterError

_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+ -]\d\d:\d\d)", re.ASCII
)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_OPEN: Final = ("", "..")


@dataclass(frozen=True, slots=True)
class Period:
    """Both ends belong to it; None is open. ``instant`` tells that it is one moment."""

    start: dt.datetime | None
    end: dt.datetime | None
    instant: bool


def read_period(parameter: str, text: str) -> Period:
    """``moment``, ``day``, ``start/end``, ``../end`` or ``start/..``; of two ends the earlier one
    is the start, whichever is written first. Raises ParameterError."""
    start, slash, end = text.partition("/")
    if not slash:
        first, last = read_moment(parameter, start)
        return Period(first, last, first == last)
    if start in _OPEN and end in _OPEN:
        raise _wrong(parameter, text)
    first_moment = None if start in _OPEN else read_moment(parameter, start)[0]
    last_moment = None if end in _OPEN else read_moment(parameter, end)[1]
    if first_moment and last_moment and first_moment > last_moment:
        first_moment, last_moment = read_moment(parameter, end)[0], read_moment(parameter, start)[1]
    return Period(first_moment, last_moment, instant=False)


def read_moment(parameter: str, text: str) -> tuple[dt.datetime, dt.datetime]:
    """First and last moment of what is written: the same, or those of a day."""
    try:
        if text.startswith("0000-"):  # a year that there was not
            raise OverflowError
        if _DAY.fullmatch(text):
            day = dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), CHINA)
            first = day.astimezone(dt.UTC)  # the first day of all begins before all moments
            return first, first + dt.timedelta(days=1, microseconds=-1)
        if (match := _MOMENT.fullmatch(text)) is not None:
            zone = match[2].replace(" ", "+").upper().replace("Z", "+00:00")
            fraction = (match[1] or "")[:7]
            moment = dt.datetime.fromisoformat(f"{text[:10]}T{text[11:19]}{fraction}{zone}")
            moment = moment.astimezone(dt.UTC)
            return moment, moment
    except OverflowError:
        raise ParameterError(
            f"{parameter}: found '{text[:60]}', expected a moment from 0001-01-01T00:00:00Z to "
            "9999-12-31T23:59:59Z; a day is one of China's standard time (+08:00).",
            f"{parameter}：收到“{text[:60]}”，应在 0001-01-01T00:00:00Z 至 9999-12-31T23:59:59Z "
            "之间；日期按中国标准时间（+08:00）计。",
        ) from None
    except ValueError:
        pass
    raise _wrong(parameter, text)


def _wrong(parameter: str, text: str) -> ParameterError:
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    return ParameterError(
        f"{parameter}: found '{shown}', expected a moment such as 2020-01-31T12:00:00Z, a day such "
        "as 2020-01-31, or (for datetime) a period start/end with '..' for an open end.",
        f"{parameter}：收到“{shown}”，应为时刻（如 2020-01-31T12:00:00Z）、日期（如 2020-01-31），"
        "或（仅 datetime）区间“起/止”，“..”表示不限。",
    )


def temporal(first: dt.datetime | None, last: dt.datetime | None = None) -> dict[str, Any]:
    """The temporal extent of a collection (OGC 17-069r4 section 7.13.2); None is an open end."""
    ends = [None if one is None else _told(one) for one in (first, last)]
    return {"interval": [ends], "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"}


def _told(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def now_text() -> str:
    """This moment as RFC 3339 text."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
