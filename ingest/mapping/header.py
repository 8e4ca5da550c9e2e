"""Where a survey table's header is, what its columns mean, and what role the table has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from ingest.mapping.hints import absent, alike, unread
from ingest.mapping.text import Objects, as_text, filled, fold, header_key, header_keys
from ingest.mapping.units import factors, units_row
from ingest.mapping.words import SurveyWords, canonical_field

_SEARCH_ROWS: Final = 20
_MIN_HITS: Final = 3
_ROLES: Final = ("point", "line")
#: Bytes of a DBF's field name from which it may be cut: three characters of UTF-8, of ten bytes.
_CUT_FROM: Final = 9
#: Fields that only occur in one kind of table; two of them say what a table is meant to be.
_POINT_SIGNS: Final = frozenset({"exp_no", "north_x", "east_y", "ground_h", "geom_x", "geom_y"})
_LINE_SIGNS: Final = frozenset(
    {"from_no", "to_no", "from_depth", "to_depth", "from_h", "to_h", "geom_from_x", "geom_to_x"}
)


@dataclass(frozen=True, slots=True)
class Table:
    """A recognised table. ``role`` is ``point``, ``line`` or ``result`` (one row per connection,
    point and line in one). Its header stands in ``top_row`` to ``header_row``. ``columns[role]``
    maps fields to column indices, ``factors`` fields to the factor into their unit; rows count from
    0. ``repeated`` are headers that occur twice, ``missing`` the required fields with the best
    guess among the unknown headers, ``alike`` the unknown headers that look like a field which the
    table has not, ``unread`` the headers of fields that the other role would read."""

    role: str
    header_row: int
    data_row: int
    names: tuple[str | None, ...]
    columns: Mapping[str, Mapping[str, int]]
    factors: Mapping[str, float] = field(default_factory=dict)
    repeated: tuple[str, ...] = ()
    missing: Mapping[str, str | None] = field(default_factory=dict)
    alike: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    top_row: int = 0

    @property
    def used(self) -> frozenset[int]:
        """Indices of the columns that have a meaning."""
        return frozenset(i for columns in self.columns.values() for i in columns.values())


def find_table(
    cells: Objects,
    words: SurveyWords,
    mapping: Mapping[str, str] | None = None,
    cut: bool = False,
) -> Table | None:
    """The header with the most known columns among the first rows, or ``None``.

    A header may stand in two rows with merged cells (起点 over 埋深); it then counts only when it
    tells more than either row alone. ``mapping`` is {source header: field} and wins. ``cut`` tells
    that headers may have lost their end, as a DBF keeps ten bytes of them: such a one is known when
    it begins the names of one field only.
    """
    own = {header_key(name): canonical_field(to) for name, to in (mapping or {}).items()}
    if cut and len(cells):
        words = replace(words, columns={r: _completed(cells[0], words, r) for r in _ROLES})
    best: tuple[int, int, int, list[list[str]]] | None = None
    for height in (1, 2):
        for row in range(min(_SEARCH_ROWS, len(cells) - height + 1)):
            labels = _labels(cells[row : row + height])
            if labels is None:
                continue
            hits = len(_hits(labels, words, own))
            if hits >= _MIN_HITS and (best is None or hits > best[0]):
                best = (hits, row, row + height - 1, labels)
    if best is None:
        return None
    return _table(cells, best[1:3], best[3], words, own)


def _completed(names: Objects, words: SurveyWords, role: str) -> Mapping[str, tuple[str, int]]:
    """The words of a role, and those of ``names`` that are the beginning of one field's words."""
    known = words.columns[role]
    out = dict(known)
    for name in names:
        key = header_key(as_text(name) or "")
        if key in known or len(key.encode()) < _CUT_FROM:
            continue
        fields = {to for word, (to, _) in known.items() if word.startswith(key)}
        if len(fields) == 1:
            out[key] = (fields.pop(), len(known))
    return out


def _labels(rows: Objects) -> list[list[str]] | None:
    """What each column may be called, best first; ``None`` when the rows hold numbers."""
    if any(isinstance(v, int | float) and not isinstance(v, bool) for v in rows.ravel()):
        return None
    lower = [as_text(v) for v in rows[-1]]
    if len(rows) == 1:
        return [[t] if t else [] for t in lower]
    carried: str | None = None
    upper: list[str | None] = []
    for above, below in zip([as_text(v) for v in rows[0]], lower, strict=True):
        # A merged cell shows only in its first column; it reaches as far as sub-headers do.
        carried = above or (carried if below else None)
        upper.append(carried)
    # 起点 over 埋深 and 埋深 over 起点 are the same column, and 起点 alone is another one.
    return [
        [u + t, t + u, t, u] if u and t else [x for x in (t, u) if x]
        for u, t in zip(upper, lower, strict=True)
    ]


def _hits(
    labels: list[list[str]], words: SurveyWords, own: Mapping[str, str]
) -> set[tuple[str, str]]:
    """(role, field) pairs that occur. A column counts once, for the role that knows more columns
    if both know it: a result table tells points and lines. Datums do not count: the row above a
    header often declares them."""
    known = {role: _fields(labels, words, role, own) for role in _ROLES}
    out: set[tuple[str, str]] = set()
    counted: set[int] = set()
    for role in sorted(_ROLES, key=lambda r: -len({name for name, _ in known[r].values()})):
        fields = {i: name for i, (name, _) in known[role].items() if i not in counted}
        out |= {(role, name) for name in fields.values() if name not in {"crs", "vdatum"}}
        counted |= set(fields)
    return out


def _fields(
    labels: list[list[str]], words: SurveyWords, role: str, own: Mapping[str, str]
) -> dict[int, tuple[str, int]]:
    known = words.columns[role]
    valid = words.fields(role)
    out: dict[int, tuple[str, int]] = {}
    for index, names in enumerate(labels):
        keys = [key for name in names for key in header_keys(name)]
        if mapped := next((own[k] for k in keys if own.get(k) in valid), None):
            out[index] = (mapped, -1)
        elif found := next((known[k] for k in keys if k in known), None):
            out[index] = found
    return out


def _table(
    cells: Objects,
    rows: tuple[int, int],
    labels: list[list[str]],
    words: SurveyWords,
    own: Mapping[str, str],
) -> Table | None:
    first, last = rows
    names = tuple(label[0] if label else None for label in labels)
    picked: dict[str, dict[str, int]] = {}
    for kind in ("point", "line"):
        fields = _fields(labels, words, kind, own)
        chosen: dict[str, int] = {}
        for index in sorted(fields, key=lambda i: (fields[i][1], i)):
            chosen.setdefault(fields[index][0], index)
        picked[kind] = chosen
    role = _role(picked)
    if role is None:
        return None
    columns = {r: picked[r] for r in (("point", "line") if role == "result" else (role,))}
    if role == "line" and "from_no" not in picked["line"] and "exp_no" in picked["point"]:
        columns["line"] = {"from_no": picked["point"]["exp_no"], **columns["line"]}
    if role == "result":
        columns["line"] = {
            f: i for f, i in columns["line"].items() if i not in columns["point"].values()
        } | {"from_no": columns["point"]["exp_no"]}
        if "class_code" in columns["point"]:
            columns["line"]["class_code"] = columns["point"]["class_code"]
    used = {f: i for c in columns.values() for f, i in c.items()}
    unit_row = units_row(cells, last + 1)
    scales = factors(used, names, unit_row, words)
    keys = [header_key(n) if n else None for n in names]
    repeated = tuple(
        str(names[i]) for i in used.values() if keys[i] is not None and keys.count(keys[i]) > 1
    )
    missing = absent(columns, names, words)
    return Table(
        role,
        last,
        last + (2 if unit_row is not None else 1),
        names,
        columns,
        scales,
        tuple(dict.fromkeys(repeated)),
        missing,
        alike(columns, names, missing, words),
        unread(role, picked, names),
        first,
    )


def _role(picked: Mapping[str, Mapping[str, int]]) -> str | None:
    point, line = picked["point"], picked["line"]
    placed = {"north_x", "east_y"} & set(point)
    if "to_no" in line and "from_no" not in line and "exp_no" in point:
        return "result" if placed else "line"
    points, lines = len(_POINT_SIGNS & set(point)), len(_LINE_SIGNS & set(line))
    if max(points, lines) < 2:
        return None
    return "point" if points > lines else "line"


#: A closing row fills so many known columns at most.
_FOOTER_CELLS: Final = 3
_FOOTER: Final = re.compile(r"(?:合计|小计|总计|制表|校核|审核|检查者|注:|备注:|说明:)")


def _is_footer(row: Objects) -> bool:
    first = next((v for v in row if v is not None), None)
    return isinstance(first, str) and _FOOTER.match(fold(first)) is not None


def drop_rows(cells: Objects, table: Table) -> tuple[Objects, Any]:
    """Data rows with their row indices, without blank rows (nothing in a known column), repeated
    headers and closing rows such as 合计."""
    rows = np.arange(table.data_row, len(cells))
    data = cells[table.data_row :]
    own = data[:, sorted(table.used)]
    alive = np.asarray(filled(own).any(axis=1))
    few = np.flatnonzero(filled(own).sum(axis=1) <= _FOOTER_CELLS)
    alive[few[[_is_footer(data[row]) for row in few]]] = False
    columns = sorted(table.used)
    for row in range(table.top_row, table.header_row + 1):
        alive &= ~np.equal(own, cells[row, columns]).astype(bool).all(axis=1)
    return data[alive], rows[alive]
