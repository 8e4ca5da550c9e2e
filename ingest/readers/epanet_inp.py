"""The text of EPANET and SWMM input files (.inp): sections of rows of fields, with line numbers.

Both programs share the form: a ``[SECTION]`` in brackets, of which the first four letters count, a
row a line, fields between blanks, and comments after a semicolon (EPANET 2.2 user manual, appendix
C.2; SWMM 5.2 user manual, appendix D.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from ingest.errors import RefusedError, refuse
from models.findings import Finding, Place, Severity

Program = Literal["epanet", "swmm"]

#: Bytes of a file and of a line (the programs themselves take 1024), lines, and rows kept.
MAX_BYTES: Final = 256 << 20
MAX_LINE: Final = 4096
MAX_LINES: Final = 10_000_000
MAX_ROWS: Final = 3_000_000
#: Findings a file's long lines get before they are only counted.
MAX_TOLD: Final = 20

_PEEK: Final = 8192
_SECTION: Final = re.compile(r"^[ \t]*\[[ \t]*([A-Za-z_]+)", re.MULTILINE)
_FIELD: Final = re.compile(r'"([^"]*)"|(\S+)')
_SWMM: Final = frozenset(
    [
        "COND",
        "OUTF",
        "STOR",
        "DIVI",
        "SUBC",
        "RAIN",
        "EVAP",
        "INFI",
        "XSEC",
        "ORIF",
        "WEIR",
        "OUTL",
        "LOSS",
        "LAND",
        "POLY",
        "SYMB",
        "MAP",
    ]
)
_EPANET: Final = frozenset(
    ["PIPE", "RESE", "TANK", "VALV", "ENER", "REAC", "TIME", "EMIT", "MIXI", "DEMA", "RULE", "STAT"]
)
_FLOW_UNITS: Final = re.compile(r"^[ \t]*FLOW_UNITS[ \t]", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """The fields of a line, which is counted from 1."""

    line: int
    fields: list[str]


@dataclass(slots=True)
class Inp:
    """Rows by the first four letters of their section, upper-case; findings on the text itself."""

    file: str
    sections: dict[str, list[Row]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def rows(self, section: str) -> list[Row]:
        """The rows of a section, none where the file has it not."""
        return self.sections.get(section, [])


def program_of(path: Path) -> Program | None:
    """Whose input file it is, by the first and the last 8 KiB; ``None`` for anything else."""
    with path.open("rb") as stream:
        data = stream.read(_PEEK)
        size = path.stat().st_size
        if size > _PEEK:
            stream.seek(max(_PEEK, size - _PEEK))
            data += b"\n" + stream.read(_PEEK)
    if b"\x00" in data:
        return None
    text = data.decode("latin-1")  # of which only ASCII is looked at
    names = {name[:4].upper() for name in _SECTION.findall(text)}
    if not names & (_SWMM | _EPANET | {"JUNC", "COOR", "TITL", "OPTI"}):
        return None
    swmm = len(names & _SWMM) + bool(_FLOW_UNITS.search(text))
    return "swmm" if swmm > len(names & _EPANET) else "epanet"


def read_inp(path: Path, encoding: str | None, wanted: frozenset[str]) -> Inp:
    """The rows of the ``wanted`` sections (first four letters).

    Raises :class:`ingest.errors.RefusedError` (STR-00) for a file that is too large, or whose text
    is neither UTF-8 nor GB18030, nor the declared ``encoding``. Lines over :data:`MAX_LINE` are
    left out with an error each.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise refuse(
            "STR-00",
            path.name,
            en=f"{path.name} has {size >> 20} MiB; at most {MAX_BYTES >> 20} are read. Split it.",
            zh=f"{path.name} 大小为 {size >> 20} MiB，上限 {MAX_BYTES >> 20} MiB。请拆分后提交。",
            found=f"{size >> 20} MiB",
            expected=f"<= {MAX_BYTES >> 20} MiB",
        )
    inp = Inp(path.name)
    codec = _codec(path, encoding)
    section, kept, long = "", 0, 0
    for number, text in _lines(path, codec):
        if number > MAX_LINES:
            raise _too_many(path.name, MAX_LINES)
        if text is None:
            long += 1
            if long <= MAX_TOLD:
                inp.findings.append(_long(path.name, number))
            continue
        text = text.split(";", 1)[0].strip("\ufeff \t\r\n")
        if not text:
            continue
        if text.startswith("["):
            section = text[1:].lstrip()[:4].rstrip("]").upper()
            if section in wanted:
                inp.sections.setdefault(section, [])
            continue
        if section not in wanted:
            continue
        kept += 1
        if kept > MAX_ROWS:
            raise _too_many(path.name, MAX_ROWS)
        inp.sections[section].append(Row(number, _fields(text)))
    return inp


def _fields(text: str) -> list[str]:
    if '"' not in text:
        return text.split()
    return [quoted or plain for quoted, plain in _FIELD.findall(text)]


def _lines(path: Path, codec: str) -> Iterator[tuple[int, str | None]]:
    """Number and text of every line, ``None`` for one that is too long."""
    with path.open("rb") as stream:
        number, data = 0, stream.readline(MAX_LINE)
        while data:
            number += 1
            if len(data) == MAX_LINE and not data.endswith(b"\n"):
                while data and not data.endswith(b"\n"):
                    data = stream.readline(MAX_LINE)
                yield number, None
            else:
                yield number, data.decode(codec, "replace")
            data = stream.readline(MAX_LINE)


def _codec(path: Path, declared: str | None) -> str:
    """The encoding that fits the whole file, which is looked at in blocks."""
    for name in (declared,) if declared else ("utf-8", "gb18030"):
        try:
            with path.open("r", encoding=name, newline="") as stream:
                while stream.read(1 << 20):
                    pass
        except (UnicodeDecodeError, LookupError):
            continue
        return name
    named = declared or "UTF-8, GB18030"
    raise refuse(
        "STR-00",
        path.name,
        en=f"The text of {path.name} is not {named}. Declare the encoding it really has.",
        zh=f"{path.name} 的文字不符合 {named} 编码。请声明其实际编码。",
        found="?",
        expected=named,
    )


def _long(file: str, line: int) -> Finding:
    return Finding(
        "STR-00",
        Severity.ERROR,
        Place(file, row=line),
        f"{file} 第 {line} 行超过 {MAX_LINE} 字节，未读取。请检查文件是否损坏。",
        f"{file}: line {line} is longer than {MAX_LINE} bytes and was left out. "
        "Check whether the file is damaged.",
        f"> {MAX_LINE}",
        f"<= {MAX_LINE}",
    )


def _too_many(file: str, most: int) -> RefusedError:
    return refuse(
        "STR-00",
        file,
        en=f"{file} has more than {most:,} lines. Split it.",
        zh=f"{file} 超过 {most:,} 行。请拆分后提交。",
        found=f"> {most}",
        expected=f"<= {most}",
    )
