"""Regular expressions of the API definition: what values of parameters are written like.

Those of moments (from the year 2 on) and tokens hold what is taken. No regular expression holds all
of CQL2, nor that a polygon's ring closes: that of filters has the forms that are used most, up to
:data:`MOST` of them joined, and all that it has is taken. Other filters are taken too, as the
conformance classes say and the parameter's description repeats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from models.cql2.tree import Kind, Property

#: Conditions of one filter, and names of attributes in its pattern (a twin may have hundreds).
MOST: Final = 4
_MOST_NAMES: Final = 40

_NUMBER: Final = r"-?[0-9]{1,9}(\.[0-9]{1,17})?"
_JSON_NUMBER: Final = r"-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,17})?"
_TEXT: Final = r"'([^'\\\u0000-\u001f\u007f-\u009f]|''){0,100}'"
_JSON_TEXT: Final = r'"[0-9A-Za-z \u4e00-\u9fa5_-]{0,100}"'
_DAY: Final = r"[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
_CLOCK: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
_LITERALS: Final = {
    Kind.TEXT: _TEXT,
    Kind.UUID: _TEXT,
    Kind.NUMBER: _NUMBER,
    Kind.DATE: rf"(DATE|date)\('{_DAY}'\)",
    Kind.TIMESTAMP: rf"(TIMESTAMP|timestamp)\('{_DAY}T{_CLOCK}Z'\)",
    Kind.BOOLEAN: "(TRUE|true|FALSE|false)",
}
_JSON: Final = {Kind.NUMBER: _JSON_NUMBER, Kind.TEXT: _JSON_TEXT, Kind.BOOLEAN: "(true|false)"}
_DEGREES: Final = r"-?[0-9]{1,7}(\.[0-9]{1,17})?"
_SPATIAL: Final = "(S_INTERSECTS|s_intersects|S_WITHIN|s_within|S_DISJOINT|s_disjoint)"
_SHAPE: Final = (
    rf"((BBOX|bbox)\({_DEGREES}(, ?{_DEGREES}){{3}}\)|(POINT|point) ?\({_DEGREES} {_DEGREES}\))"
)
#: A name that is written without quotes.
_PLAIN: Final = re.compile("[:A-Za-z_\u4e00-\u9fa5][:.0-9A-Za-z_\u4e00-\u9fa5]*")
#: What ECMAScript lets be escaped; its ``u`` flag refuses others, which :func:`re.escape` escapes.
_SYNTAX: Final = re.compile(r"[\\^$.*+?()\[\]{}|]")


def filter_pattern(queryables: Mapping[str, Kind | Property]) -> str:
    """Of filters over ``queryables`` in CQL2 text, at most :data:`MOST` joined, and of comparisons
    in CQL2 JSON."""
    names: dict[Kind, list[str]] = {}
    for name, found in queryables.items():
        of_kind = names.setdefault(found.kind if isinstance(found, Property) else found, [])
        if len(of_kind) < _MOST_NAMES and name.isprintable() and not re.search(r'["\\]', name):
            of_kind.append(name)
    forms = [_LITERALS[Kind.BOOLEAN]]
    forms += [_text_form(kind, names[kind]) for kind in _LITERALS if names.get(kind)]
    if where := names.get(Kind.GEOMETRY):
        forms.append(rf"{_SPATIAL}\({_any(where)}, ?{_SHAPE}\)")
    one = f"((NOT|not) )?({'|'.join(forms)})"
    json = [_json_form(kind, names[kind]) for kind in _JSON if names.get(kind)]
    return f"^({'|'.join([f'{one}( (AND|and|OR|or) {one}){{0,{MOST - 1}}}', *json])})$"


def _text_form(kind: Kind, names: Iterable[str]) -> str:
    """A condition in CQL2 text on a property of ``kind``."""
    own, literal = _any(names), _LITERALS[kind]
    compared = "(=|<>)" if kind == Kind.BOOLEAN else "(=|<>|<=?|>=?)"
    follow = [
        " (IS|is) ((NOT|not) )?(NULL|null)",
        f" ?{compared} ?{literal}",
        rf" ((NOT|not) )?(IN|in) ?\({literal}(, ?{literal}){{0,9}}\)",
    ]
    if kind == Kind.NUMBER:
        follow.append(f" ((NOT|not) )?(BETWEEN|between) {literal} (AND|and) {literal}")
    if kind != Kind.TEXT:
        return f"{own}({'|'.join(follow)}){'?' if kind == Kind.BOOLEAN else ''}"
    follow.append(f" ((NOT|not) )?(LIKE|like) {literal}")
    folded = rf"(CASEI|casei)\({own}\) ?(=|<>) ?(CASEI|casei)\({literal}\)"
    return f"{own}({'|'.join(follow)})|{folded}"


def _json_form(kind: Kind, names: Iterable[str]) -> str:
    """A comparison in CQL2 JSON."""
    op = "(=|<>)" if kind == Kind.BOOLEAN else "(=|<>|<=?|>=?)"
    own = rf'\{{"property": ?"{_either(names)}"\}}'
    return rf'\{{"op": ?"{op}", ?"args": ?\[{own}, ?{_JSON[kind]}\]\}}'


def _any(names: Iterable[str]) -> str:
    """Names as CQL2 text has them: in quotes, or plain where they may be."""
    plain = [name for name in names if _PLAIN.fullmatch(name)]
    quoted = f'"{_either(names)}"'
    return f"({_either(plain)}|{quoted})" if plain else quoted


def _either(names: Iterable[str]) -> str:
    escaped = (_SYNTAX.sub(r"\\\g<0>", name) for name in names)
    return f"({'|'.join(escaped)})"


_YEAR: Final = "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[2-9])"
_LEAP: Final = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26]|0[48])00)"
_DATE: Final = (
    rf"({_YEAR}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    rf"|02-(0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)
#: A day or moment, and a period of them.
MOMENT: Final = (
    rf"{_DATE}([Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{{1,9}})?"
    r"([Zz]|[+ -]([01][0-9]|2[0-3]):[0-5][0-9]))?"
)
PERIOD: Final = rf"^({MOMENT}(/((\.\.)?|{MOMENT}))?|(\.\.)?/{MOMENT})$"
#: Tokens of pages: base64 with the alphabet for addresses.
PAGE: Final = "^[0-9A-Za-z_-]{16,4096}$"
