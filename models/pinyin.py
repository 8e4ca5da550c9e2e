"""Pinyin of folded texts (:func:`models.places.fold`): every reading of a character that has
several, as syllables run together and as initials, and the syllables of what is typed."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final

#: A run of one script, and a Chinese character.
RUN: Final = re.compile(r"[〇㐀-鿿]+|[a-z0-9]+")
CHINESE: Final = re.compile(r"[〇㐀-鿿]")
#: What may be a syllable of pinyin without its tone, and how long one is.
_SYLLABLE: Final = re.compile(
    r"(?:[zcs]h|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:i?ang|i?ong|uang|i?an|i?ao|uan|uai|[uv]e|i[aenu]|ing|u[aino]|[ae]ng|[ae]n|[ae]i|er|ou|"
    r"[aoeiuv])"
)
_LONGEST: Final = 6
_LATIN: Final = re.compile(r"[a-z]+|\d+")
#: Readings of a character, and of a whole name, that are kept.
_READINGS: Final = 2
_VARIANTS: Final = 8
#: Letters of the readings of an address that are kept: an index takes no longer text.
_LETTERS: Final = 800
#: Letters that are enough to ask for an address by its pinyin.
_ENOUGH: Final = 3
#: What a region that an address begins with may end in, and how many of these are tried.
_REGION_ENDS: Final = ("sheng", "shi", "qu", "xian", "zhen", "xiang", "jiedao")
_REGIONS: Final = 8
#: What a road that is read in another way still ends in.
_ROAD_END: Final = "路街道巷段"


def sounds(asked: str) -> list[str]:
    """Neighbouring syllables in a text of Latin letters and digits: letters are read as pinyin with
    as few of them left over as can be, and then as few syllables."""
    said = [one for run in _LATIN.findall(asked) for one in _said(run)]
    return [f"'{a}{b}" for a, b in pairwise(said) if len(a) > 1 and len(b) > 1]


def _said(run: str) -> list[str]:
    if run.isdigit():
        return [run]
    best: list[tuple[int, int, int]] = [(0, 0, 0)]  # letters left over, syllables, where it began
    for end in range(1, len(run) + 1):
        over, count, _ = best[end - 1]
        found = (over + 1, count + 1, end - 1)
        for start in range(max(0, end - _LONGEST), end):
            if _SYLLABLE.fullmatch(run, start, end):
                found = min(found, (best[start][0], best[start][1] + 1, start))
        best.append(found)
    cuts = [len(run)]
    while cuts[-1] > 0:
        cuts.append(best[cuts[-1]][2])
    return [run[a:b] for a, b in pairwise(reversed(cuts))]


def spoken(folded: str) -> str:
    """The usual reading of a folded text, its syllables and words run together."""
    said = readings(folded)
    return "".join(said[0]) if said else ""


def initials(written: list[str], reading: tuple[str, ...]) -> str:
    """Initials of a reading of :func:`characters`, words of other scripts whole."""
    return "".join(s[0] if CHINESE.match(c) else s for s, c in zip(reading, written, strict=True))


def address_said(road: str, rest: str) -> tuple[str, str] | tuple[None, None]:
    """An address (:func:`models.addresses.road_and_rest`) as ``pinyin`` of a name, of which the
    road alone is read in several ways; and its usual initials; None where there is neither."""
    roads, (said, short) = _heads(road), _usual(rest)
    if not roads:
        return None, None
    full = [f"{head}{said}" for head, _ in roads]
    brief = [f"{head}{short}" for _, head in roads]
    return " ".join(dict.fromkeys([*full, *brief]))[:_LETTERS], brief[0][:_LETTERS]


def beginnings(sound: str) -> list[tuple[str, str]]:
    """Where addresses that begin to sound so are looked up: the least text and the least that
    follows, the number that is asked for before those that go on (123 before 1230)."""
    if len(sound) < _ENOUGH:
        return []
    whole = [(f"{sound}a", f"{sound}{{")] if sound[-1].isdigit() else []
    return [*whole, (sound, after(sound))]


def tails(sound: str) -> list[str]:
    """What is left of an address that was typed with its region, wherever that may end."""
    ends = sorted({m.end() for end in _REGION_ENDS for m in re.finditer(end, sound)})
    return [sound[end:] for end in ends[:_REGIONS] if len(sound) - end >= _ENOUGH]


def after(beginning: str) -> str:
    """The least text after all that begin so, in the order of code points."""
    return beginning[:-1] + chr(ord(beginning[-1]) + 1)


@lru_cache(maxsize=20_000)
def _heads(road: str) -> list[tuple[str, str]]:
    """Readings of a road, each with its initials; 路 and the like only as they are usually read."""
    written, found = characters(road), readings(road)
    if len(written) > 1 and road[-1] in _ROAD_END:
        found = [one for one in found if one[-1] == found[0][-1]]
    return [("".join(one), initials(written, one)) for one in found]


def _usual(text: str) -> tuple[str, str]:
    written = characters(text)
    said = tuple(_syllables(c)[0] if CHINESE.match(c) else c for c in written)
    return "".join(said), initials(written, said)


def characters(folded: str) -> list[str]:
    """Chinese characters one by one, words of other scripts whole."""
    out: list[str] = []
    for run in RUN.findall(folded):
        out += run if CHINESE.match(run) else [run]
    return out


def readings(folded: str) -> list[tuple[str, ...]]:
    """Readings of a folded name, syllable by syllable: the usual one, and those in which one of its
    characters is read otherwise throughout. Words of other scripts are read as they are."""
    written = characters(folded)
    known = {c: _syllables(c) if CHINESE.match(c) else (c,) for c in written}
    out = [tuple(known[c][0] for c in written)] if written else []
    for other, said in known.items():
        if len(said) > 1 and len(out) < _VARIANTS:
            out.append(tuple(said[1] if c == other else known[c][0] for c in written))
    return out


@lru_cache(maxsize=30_000)
def _syllables(character: str) -> tuple[str, ...]:
    """Readings of a character without tones, the usual ones first; itself where it has none."""
    from pypinyin import Style, pinyin

    found = pinyin(character, style=Style.NORMAL, heteronym=True, v_to_u=False)[0]
    return tuple(dict.fromkeys(s for s in found if s))[:_READINGS] or (character,)
