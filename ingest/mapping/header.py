"""Where a survey table's header is, what its columns mean, and what role the table has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from rapidfuzz import fuzz, process

from ingest.mapping.text import Objects, as_text, filled, fold, header_key, header_keys, header_unit
from ingest.mapping.words import SurveyWords, canonical_field

_SEARCH_ROWS: Final = 20
_MIN_HITS: Final = 3
_SUGGEST_FROM: Final = 55.0
#: Fields that only occur in one kind of table; two of them say what a table is meant to be.
_POINT_SIGNS: Final = frozenset({"exp_no", "north_x", "east_y", "ground_h"})
_LINE_SIGNS: Final = frozenset({"from_no", "to_no", "from_depth", "to_depth", "from_h", "to_h"})


@dataclass(frozen=True, slots=True)
class Table:
    """A recognised table. ``role`` is ``point``, ``line`` or ``result`` (one row per connection,
    point and line in one). ``columns[role]`` maps fields to column indices, ``factors`` fields to
    the factor into their unit; rows count from 0. ``repeated`` are headers that occur twice,
    ``missing`` the required fields with the best guess among the unknown headers."""

    role: str
    header_row: int
    data_row: int
    names: tuple[str | None, ...]
    columns: Mapping[str, Mapping[str, int]]
    factors: Mapping[str, float] = field(default_factory=dict)
    repeated: tuple[str, ...] = ()
    missing: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def used(self) -> frozenset[int]:
        """Indices of the columns that have a meaning."""
        return frozenset(i for columns in self.columns.values() for i in columns.values())


def find_table(
    cells: Objects, words: SurveyWords, mapping: Mapping[str, str] | None = None
) -> Table | None:
    """The header with the most known columns among the first rows, or ``None``.

    A header may stand in two rows with merged cells (起点 over 埋深); it then counts only when it
    tells more than either row alone. ``mapping`` is {source header: field} and wins.
    """
    own = {header_key(name): canonical_field(to) for name, to in (mapping or {}).items()}
    best: tuple[int, int, list[list[str]]] | None = None
    for height in (1, 2):
        for row in range(min(_SEARCH_ROWS, len(cells) - height + 1)):
            labels = _labels(cells[row : row + height])
            if labels is None:
                continue
            hits = len(_hits(labels, words, own))
            if hits >= _MIN_HITS and (best is None or hits > best[0]):
                best = (hits, row + height - 1, labels)
    if best is None:
        return None
    return _table(cells, best[1], best[2], words, own)


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
    return [
        [t for t in ((u or "") + (t or "") if u and t else None, t, u) if t]
        for u, t in zip(upper, lower, strict=True)
    ]


def _hits(
    labels: list[list[str]], words: SurveyWords, own: Mapping[str, str]
) -> set[tuple[str, str]]:
    """(role, field) pairs that occur, a column being counted for one role only."""
    out: set[tuple[str, str]] = set()
    for role in ("point", "line"):
        found = {(role, f) for f, _ in _fields(labels, words, role, own).values()}
        if len(found) > len(out):
            out = found
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
    cells: Objects, last: int, labels: list[list[str]], words: SurveyWords, own: Mapping[str, str]
) -> Table | None:
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
    unit_row = _units_row(cells, last + 1)
    factors = _factors(used, names, unit_row, words)
    keys = [header_key(n) if n else None for n in names]
    repeated = tuple(
        str(names[i]) for i in used.values() if keys[i] is not None and keys.count(keys[i]) > 1
    )
    return Table(
        role,
        last,
        last + (2 if unit_row is not None else 1),
        names,
        columns,
        factors,
        tuple(dict.fromkeys(repeated)),
        _missing(columns, names, words),
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


def _units_row(cells: Objects, row: int) -> list[str] | None:
    """The row beneath a header when it holds nothing but units."""
    if row >= len(cells):
        return None
    texts = [fold(v).strip("()[] ").lower() if isinstance(v, str) else v for v in cells[row]]
    filled = [t for t in texts if t is not None]
    if not filled or not all(isinstance(t, str) and re.fullmatch(_UNIT, t) for t in filled):
        return None
    return [t if isinstance(t, str) else "" for t in texts]


_FOOTER: Final = re.compile(r"(?:合计|小计|总计|制表|校核|审核|检查者|注:|备注:|说明:)")
_UNIT: Final = r"|米|厘米|毫米|m|cm|mm|兆帕|千帕|mpa|kpa|pa|bar|千伏|伏|kv|v|孔|根|条|个|年|-|/"


def _factors(
    used: Mapping[str, int],
    names: tuple[str | None, ...],
    unit_row: list[str] | None,
    words: SurveyWords,
) -> dict[str, float]:
    out = {}
    for name, index in used.items():
        table = words.units.get(words.kinds.get(name, ""), {})
        own = header_unit(names[index] or "")
        below = unit_row[index] if unit_row is not None else None
        for unit in (own, below):
            if unit is not None and table.get(unit, 1) != 1:
                out[name] = float(table[unit])
                break
    return out


def _missing(
    columns: Mapping[str, Mapping[str, int]], names: tuple[str | None, ...], words: SurveyWords
) -> dict[str, str | None]:
    taken = {i for c in columns.values() for i in c.values()}
    spare = {header_key(n): n for i, n in enumerate(names) if n and i not in taken}
    out: dict[str, str | None] = {}
    for role, have in columns.items():
        lacking = [name for name in words.required[role] if name not in have]
        if role == "line":
            for end in ("from", "to"):
                heights = (f"{end}_depth", f"{end}_h", f"{end}_top_h", f"{end}_bot_h")
                if not any(f in have for f in heights):
                    lacking.append(f"{end}_depth")
        for name in lacking:
            aliases = [a for a, (to, _) in words.columns[role].items() if to == name]
            out[name] = _suggest(aliases, spare)
    return out


def _suggest(aliases: list[str], spare: Mapping[str, str]) -> str | None:
    """The unknown header that looks most like one of a field's aliases."""
    best: tuple[float, str | None] = (_SUGGEST_FROM, None)
    for key, name in spare.items():
        found = process.extractOne(key, aliases, scorer=fuzz.ratio, score_cutoff=best[0])
        if found is not None:
            best = (found[1], name)
    return best[1]


def _is_footer(row: Objects) -> bool:
    first = next((v for v in row if v is not None), None)
    return isinstance(first, str) and _FOOTER.match(fold(first)) is not None


def drop_rows(cells: Objects, table: Table) -> tuple[Objects, Any]:
    """Data rows with their row indices, without blank rows (nothing in a known column), repeated
    headers and closing rows such as 合计."""
    rows = np.arange(table.data_row, len(cells))
    data = cells[table.data_row :]
    own = data[:, sorted(table.used)]
    alive = filled(own).any(axis=1)
    sums = (filled(own).sum(axis=1) <= 3) & np.fromiter(
        (_is_footer(row) for row in data), bool, len(data)
    )
    alive &= ~sums
    header = [as_text(n) for n in table.names]
    marks = [i for i in sorted(table.used) if header[i]][:3]
    again = np.ones(len(data), bool)
    for index in marks:
        again &= np.equal(data[:, index], cells[table.header_row, index])
    keep = alive & ~again if marks else alive
    return data[keep], rows[keep]
