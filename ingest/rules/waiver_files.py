"""Files of waivers (CSV, YAML), one waiver a row; see :data:`COLUMNS`."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from models.errors import TwinError
from models.findings import Finding, Place, Severity

#: Fields of a waiver and the headers that mean them. ``row`` or ``element`` says what is waived.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "rule": ("rule", "code", "规则", "规则编号", "代码"),
    "file": ("file", "文件"),
    "sheet": ("sheet", "表", "工作表"),
    "row": ("row", "行", "行号"),
    "element": ("element", "点号或管段", "要素", "点号", "管段"),
    "reason": ("reason", "理由", "原因"),
    "person": ("person", "批准人", "责任人"),
    "date": ("date", "日期", "批准日期"),
    "until": ("until", "有效期至", "截止日期"),
    "evidence": ("evidence", "依据", "证明材料"),
}
_NEEDED: Final = ("rule", "reason", "person", "date", "until", "evidence")
_FIELDS: Final = {fold: name for name, words in COLUMNS.items() for fold in words}


class WaiverError(TwinError):
    """A file of waivers cannot be read; the sentence says what is wrong with it."""

    code = "WVR-00"


@dataclass(frozen=True, slots=True)
class Waiver:
    """One accepted finding: ``rule`` is a rule's id or a code, ``element`` a point number or
    ``start~end`` of a line (or what a finding names as its element). ``source`` is its place."""

    rule: str
    reason: str
    person: str
    date: dt.date
    until: dt.date
    evidence: str
    file: str | None = None
    sheet: str | None = None
    row: int | None = None
    element: str | None = None
    source: Place = field(default=Place("waivers"), compare=False)

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is the one that was accepted."""
        place = finding.place
        return (
            self.rule in (finding.rule, finding.code)
            and (self.element is None or self.element == place.element)
            and (self.row is None or self.row == place.row)
            and (self.sheet is None or self.sheet == place.sheet)
            and (self.file is None or self.file == place.file)
        )

    def as_dict(self) -> dict[str, Any]:
        """Who, why and until when, in plain values."""
        return {
            "rule": self.rule,
            "reason": self.reason,
            "person": self.person,
            "date": self.date.isoformat(),
            "until": self.until.isoformat(),
            "evidence": self.evidence,
        }


@dataclass(frozen=True, slots=True)
class WaiverFile:
    """The waivers of a file that are in force, and a finding for each that is not."""

    waivers: tuple[Waiver, ...]
    findings: tuple[Finding, ...]


def load(path: Path, on: dt.date | None = None) -> WaiverFile:
    """Read a YAML or CSV file of waivers, in force ``on`` that day (today).

    Incomplete (WVR-01) and expired or not yet begun ones (WVR-02) are findings and waive nothing.
    Raises :class:`WaiverError` for a file that holds no list of waivers and :class:`OSError` where
    it cannot be read.
    """
    day = on or dt.date.today()
    good: list[Waiver] = []
    findings: list[Finding] = []
    for number, entry in _entries(path):
        place = Place(path.name, None, number)
        lacking = _lacking(entry)
        if lacking:
            findings.append(_incomplete(place, entry, lacking))
            continue
        begins, ends = _day(entry["date"]), _day(entry["until"])
        if begins is None or ends is None:  # _lacking has told that they are days
            continue
        if not begins <= day <= ends:
            findings.append(_out_of_term(place, entry, begins, ends, day))
            continue
        row = None if entry.get("row") is None else int(entry["row"])
        said = {n: v for n, v in entry.items() if n not in ("date", "until", "row")}
        good.append(Waiver(**said, date=begins, until=ends, row=row, source=place))
    return WaiverFile(tuple(good), tuple(findings))


def _entries(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """(row or number of the entry, fields) of the file, blank values left out."""
    text = _decoded(path)
    if path.suffix.lower() in {".yaml", ".yml"}:
        try:
            raw = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise _unreadable(path) from error
        listed = raw.get("waivers") if isinstance(raw, dict) else raw
        if not isinstance(listed, list) or not all(isinstance(e, dict) for e in listed):
            raise _unreadable(path)
        rows = list(enumerate(listed, start=1))
    else:
        reader = csv.DictReader(io.StringIO(text))
        if not {_FIELDS.get(str(h).strip().lower()) for h in reader.fieldnames or ()} & {"rule"}:
            raise _unreadable(path)
        rows = list(enumerate(reader, start=2))
    return [(number, _folded(entry)) for number, entry in rows]


def _decoded(path: Path) -> str:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unreadable(path)


def _folded(entry: Mapping[Any, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for header, value in entry.items():
        name = _FIELDS.get(str(header).strip().lower())
        if name is None or not isinstance(value, str | int | float | dt.date):
            continue
        if not str(value).strip():
            continue
        out.setdefault(name, value if isinstance(value, dt.date) else str(value).strip())
    return out


def _day(value: Any) -> dt.date | None:
    if isinstance(value, dt.date):
        return dt.date(value.year, value.month, value.day)
    try:
        return dt.date.fromisoformat(str(value).replace("/", "-"))
    except ValueError:
        return None


def _lacking(entry: Mapping[str, Any]) -> list[str]:
    """Names of the fields that are not there or cannot be read."""
    lacking = [name for name in _NEEDED if name not in entry]
    lacking += [n for n in ("date", "until") if n in entry and _day(entry[n]) is None]
    row = entry.get("row")
    if row is None and "element" not in entry:
        lacking.append("row | element")
    elif row is not None and not str(row).isdigit():
        lacking.append("row")
    return lacking


def about(code: str, place: Place, zh: str, en: str, found: str, expected: str) -> Finding:
    """A finding about a waiver: its row in a table, its number in a YAML list."""
    listed = place.file.lower().endswith((".yaml", ".yml"))
    where = (
        f"{place.file} 第{place.row}{'项' if listed else '行'}",
        f"{place.file} {'entry' if listed else 'row'} {place.row}",
    )
    return Finding(
        code, Severity.WARNING, place, f"{where[0]}：{zh}", f"{where[1]}: {en}", found, expected
    )


def _incomplete(place: Place, entry: Mapping[str, Any], lacking: Sequence[str]) -> Finding:
    names = ", ".join(
        " | ".join(f"{COLUMNS[n][-1]} {n}" for n in each.split(" | ")) for each in lacking
    )
    said = ", ".join(f"{name}={value}" for name, value in entry.items()) or "空 empty"
    return about(
        "WVR-01",
        place,
        f"豁免缺少或无法识别 {names}，不予采用。请补全。",
        f"the waiver lacks {names}, or it cannot be read, and is not used. Complete it.",
        said[:200],
        ", ".join((*_NEEDED, "row | element")),
    )


def _out_of_term(
    place: Place, entry: Mapping[str, Any], begins: dt.date, ends: dt.date, day: dt.date
) -> Finding:
    return about(
        "WVR-02",
        place,
        f"规则 {entry['rule']} 的豁免有效期为 {begins} 至 {ends}，{day} 不在其内，不予采用。"
        "请重新审批或处理所豁免的问题。",
        f"the waiver of {entry['rule']} is in force from {begins} to {ends}, not on {day}, and is "
        "not used. Renew it, or mend what it waives.",
        day.isoformat(),
        f"{begins} – {ends}",
    )


def _unreadable(path: Path) -> WaiverError:
    columns = ", ".join(COLUMNS)
    return WaiverError(
        f"{path.name} holds no list of waivers. Give a CSV or YAML file with {columns}.",
        f"{path.name} 不是豁免清单。请提供含 {columns} 的 CSV 或 YAML 文件。",
    )
