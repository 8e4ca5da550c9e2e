"""Regular expressions of the API definition: what values of parameters are written like.

That of filters has the forms that are used most, up to :data:`MOST` of them joined. No regular
expression holds all of CQL2: longer and deeper filters are taken too, as the conformance classes
say and the parameter's description repeats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from models.cql2.tree import Kind

#: Conditions of one filter.
MOST: Final = 4

_COMPARED: Final = "(=|<>|<|<=|>|>=)"
_NUMBER: Final = r"-?[0-9]{1,6}(\.[0-9]{1,3})?"
_TEXT: Final = r"'[0-9A-Za-z \u4e00-\u9fa5_-]{0,40}'"
_DAY: Final = r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
_MOMENT: Final = rf"TIMESTAMP\('{_DAY}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z'\)"
#: Lesser corner first in whatever order the axes are.
_BOX: Final = r"BBOX\([0-2]?[0-9],[0-2]?[0-9],[3-8][0-9],[3-8][0-9]\)"
_LITERALS: Final = {
    Kind.TEXT: _TEXT,
    Kind.NUMBER: _NUMBER,
    Kind.DATE: rf"DATE\('{_DAY}'\)",
    Kind.TIMESTAMP: _MOMENT,
}


def filter_pattern(queryables: Mapping[str, Any]) -> str:
    """Of filters in CQL2 text over ``queryables`` (name → kind), at most :data:`MOST` joined."""
    forms = [
        "[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]",
        rf"{_any(queryables)} IS (NOT )?NULL",
        rf"S_INTERSECTS\(geometry,{_BOX}\)",
    ]
    for kind, literal in _LITERALS.items():
        names = [name for name, found in queryables.items() if found == kind]
        if not names:
            continue
        of_kind = _any(names)
        forms.append(rf"{of_kind} {_COMPARED} {literal}")
        forms.append(rf"{of_kind} BETWEEN {_NUMBER} AND {_NUMBER}" if kind == Kind.NUMBER else
                     rf"{of_kind} IN \({literal}(,{literal}){{0,3}}\)")  # fmt: skip
        if kind == Kind.TEXT:
            forms.append(rf"{of_kind} (NOT )?LIKE {_TEXT}")
            forms.append(rf"CASEI\({of_kind}\) = CASEI\({_TEXT}\)")
    one = f"(NOT )?({'|'.join(forms)})"
    return f"^{one}( (AND|OR) {one}){{0,{MOST - 1}}}$"


def _any(names: Any) -> str:
    return f"({'|'.join(re.escape(name) for name in names if name != 'geometry')})"


_YEAR: Final = r"(19|20)[0-9]{2}"
_LEAP: Final = "(19(0[48]|[2468][048]|[13579][26])|20([02468][048]|[13579][26]))"
_DATE: Final = (
    rf"({_YEAR}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    rf"|02-(0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)
#: A day or moment, and a period of them.
MOMENT: Final = (
    rf"{_DATE}(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{{1,6}})?"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]))?"
)
PERIOD: Final = rf"^({MOMENT}|{MOMENT}/(\.\.|{MOMENT})|\.\./{MOMENT})$"
#: Tokens of pages: base64 with the alphabet for addresses.
PAGE: Final = "^[0-9A-Za-z_-]{16,4096}$"
