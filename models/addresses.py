"""Addresses as they are written in China, from the large to the small, taken apart and compared.

Town and district are left out as often as written, and the same number as 23号 or 二十三号. What
tells one address from another within a city is its road, lane (弄) and number (号): those make the
spine on which buildings, pipes, models and whatever an address table names meet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: Words that a number belongs to.
UNITS: Final = "弄号幢栋室层"
_DIGITS: Final = {c: i for i, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
_NUMERAL: Final = re.compile(rf"[零〇一二两三四五六七八九十百]{{1,6}}(?=支?[{UNITS}]|单元)")
_REGION: Final = re.compile(r"(?:[㐀-鿿]{1,8}?(?:省|自治区|市|区|县|街道|镇|乡))*")
_ROAD: Final = re.compile(
    r"([㐀-鿿]{1,10}?\d{0,3}(?:公路|大道|大街|路|街|道|巷)(?:[东西南北中]段)?)(?![路街道巷])"
)
_LANE: Final = re.compile(r"(\d{1,6}弄(?:\d{1,6}支弄)?)")
_NUMBER: Final = re.compile(r"(\d{1,6}号)(?!楼)")


@dataclass(frozen=True, slots=True)
class Address:
    """The parts that tell addresses apart, as they are written: 1399弄, 23号."""

    road: str
    lane: str | None = None
    number: str | None = None

    @property
    def spine(self) -> str:
        """``沪松公路/1399弄/23号``: what lies at an address begins with its spine and a slash."""
        return "/".join(part for part in (self.road, self.lane, self.number) if part)

    @property
    def above(self) -> list[str]:
        """Spines of the lane and the road that it belongs to, the nearest first."""
        parts = self.spine.split("/")
        return ["/".join(parts[:n]) for n in range(len(parts) - 1, 0, -1)]


def read_address(folded: str) -> Address | None:
    """The address in a folded text (:func:`models.places.fold`), or None where no road is named."""
    text, road = _road(folded)
    if road is None:
        return None
    lane, number = (part.search(text, road.end()) for part in (_LANE, _NUMBER))
    return Address(road[1], lane and lane[1], number and number[1])


def road_and_rest(folded: str) -> tuple[str, str]:
    """The road of an address, without what it lies in, and all that follows it, unspaced; the whole
    text and nothing where no road is named."""
    text, road = _road(folded)
    return (text, "") if road is None else (road[1], text[road.end() :])


def _road(folded: str) -> tuple[str, re.Match[str] | None]:
    text = numerals(folded).replace(" ", "")
    region = _REGION.match(text)
    return text, _ROAD.match(text, region.end() if region else 0)


def numerals(folded: str) -> str:
    """Chinese numerals before a unit of addresses as digits: 二十三号楼 is 23号楼."""
    return _NUMERAL.sub(lambda match: str(_value(match[0])), folded)


def _value(text: str) -> int | str:
    """The number that a numeral up to 999 says; digits one by one where it is none (二〇三)."""
    if not set(text) & set("十百"):
        return "".join(str(_DIGITS[c]) for c in text)
    hundreds, _, rest = text.rpartition("百")
    tens, ten, ones = rest.rpartition("十")
    try:
        total = 100 * (_DIGITS[hundreds] if hundreds else "百" in text)
        total += (10 * (_DIGITS[tens.lstrip("零〇")] if tens.lstrip("零〇") else 1)) if ten else 0
        return total + (_DIGITS[ones.lstrip("零〇")] if ones.lstrip("零〇") else 0)
    except KeyError:
        return text
