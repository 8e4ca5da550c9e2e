"""The words of CQL2 text, with their places (OGC 21-065r2 annex B)."""

from __future__ import annotations

import re
from typing import Final

from models.cql2.errors import FilterError

_TOKEN: Final = re.compile(
    r"""(?P<space>[\s\u0085]+)
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<text>'(?:''|\\'|[^'])*')
    |(?P<quoted>"[^"]+")
    |(?P<name>[:\w][:\w.\u0300-\u036f\u203f\u2040]*)
    |(?P<sign><=|>=|<>|[-+*/%^=<>(),])""",
    re.VERBOSE,
)
_WORDS: Final = frozenset({"AND", "OR", "NOT", "LIKE", "BETWEEN", "IN", "IS", "NULL", "DIV"})


def tokens(text: str) -> list[tuple[str, str, int]]:
    """(kind, value, place) of every token; two ends follow, so that one may look ahead.

    Kinds are number, text, quoted, name, word (in capitals), sign and end. Raises
    :class:`FilterError` for a character that begins none of them.
    """
    out, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise FilterError(
                f"filter: found '{text[at]}' at character {at + 1}, which begins nothing of CQL2.",
                f"filter：第 {at + 1} 个字符“{text[at]}”不属于 CQL2 语法。",
            )
        kind, value = str(match.lastgroup), match[0]
        if kind == "text":
            value = re.sub(r"''|\\'", "'", value[1:-1])
        elif kind == "quoted":
            value = value[1:-1]
        elif kind == "name" and value.upper() in _WORDS:
            kind, value = "word", value.upper()
        if kind != "space":
            out.append((kind, value, at))
        at = match.end()
    return [*out, ("end", "", at), ("end", "", at)]
