"""The datum passport of a survey: declared in its tables or by the deliverer, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ingest.errors import RefusedError
from ingest.mapping import datums
from ingest.mapping.datums import Unknown
from ingest.readers.base import ReadOptions
from ingest.readers.survey_sheets import Declared
from ingest.rules.network import Survey
from models import horizontal
from models.crs import same_horizontal
from models.errors import DatumError
from models.features import DatumPassport
from models.findings import Finding, Place, Severity
from models.vertical import VerticalDatum

_NAMES: Final = {
    "horizontal": ("坐标系", "coordinate reference system"),
    "vertical": ("高程基准", "vertical datum"),
}
_LINES: Final = {
    "horizontal": "坐标系: CGCS2000 3度带 120E",
    "vertical": "高程基准: 1985国家高程基准",
}
_OPTIONS: Final = {"horizontal": "--crs EPSG:4549", "vertical": "--vertical 1985"}
_EXAMPLES: Final = {
    "horizontal": "坐标系 CRS, e.g. EPSG:4549",
    "vertical": "高程基准 vertical datum, e.g. 1985",
}


@dataclass(frozen=True, slots=True)
class _Said:
    """A datum with the words and the place that say so; no place for the deliverer's options."""

    value: str
    text: str
    place: Place | None


def passport(
    file: str, declared: Sequence[Declared], survey: Survey, options: ReadOptions
) -> DatumPassport:
    """Horizontal CRS and vertical datum that everything agrees on.

    Raises :class:`ingest.errors.RefusedError`: MET-01 for a datum that is missing, unknown or
    incomplete, MET-02 where two declarations differ; all reasons at once.
    """
    wrong: list[Finding] = []
    result: dict[str, str | None] = {}
    for kind, own, meaning, same in (
        ("horizontal", options.horizontal, datums.horizontal, _same_crs),
        ("vertical", options.vertical, datums.vertical, _same_datum),
    ):
        in_tables, unclear = _from_tables(kind, declared, survey, meaning)
        wrong += unclear
        said = [*_from_options(own), *in_tables]
        if said and (
            other := next((s for s in said[1:] if not same(said[0].value, s.value)), None)
        ):
            wrong.append(_conflict(file, said[0], other))
        if not said and not unclear:
            wrong.append(_missing(file, kind))
        result[kind] = said[0].value if said else None
    for kind, check in (("horizontal", horizontal.parse), ("vertical", VerticalDatum.parse)):
        value = result[kind]
        try:
            if value is not None:
                check(value)
        except DatumError as error:
            zh, en = f"{file}：{error.zh}", f"{file}: {error.en}"
            wrong.append(
                Finding("MET-01", Severity.ERROR, Place(file), zh, en, value, _EXAMPLES[kind])
            )
    if wrong:
        raise RefusedError(wrong)
    crs = result["horizontal"]
    # WKT out of a layer is named by its code, where it has one.
    name = horizontal.parse(crs).name if crs is not None and len(crs) > 40 else crs
    return DatumPassport(name, result["vertical"])


def _from_options(text: str | None) -> list[_Said]:
    return [_Said(text, text, None)] if text is not None and text.strip() else []


def _from_tables(
    kind: str,
    declared: Sequence[Declared],
    survey: Survey,
    meaning: Callable[[str], str | Unknown],
) -> tuple[list[_Said], list[Finding]]:
    """Declarations above headers, in metadata sheets and in datum columns; MET-01 for those whose
    meaning is not known."""
    texts: dict[str, Place] = {}
    plain: dict[str, str] = {}
    for item in declared:
        if item.declaration.kind == kind:
            grid = item.grid
            place = Place(grid.file, grid.sheet, grid.row(item.declaration.row))
            texts.setdefault(item.declaration.text, place)
            if item.value is not None:
                plain[item.declaration.text] = item.value
    column = "crs" if kind == "horizontal" else "vdatum"
    for table in ("point", "line"):
        values = survey.table(table)[column].dropna()
        for text in values.unique():
            position = int(values.index[(values == text).to_numpy()][0])
            texts.setdefault(str(text), survey.place(table, position, column))
    out: list[_Said] = []
    unclear: list[Finding] = []
    for text, place in texts.items():
        value = plain.get(text) or meaning(text)
        if isinstance(value, Unknown):
            unclear.append(
                Finding(
                    "MET-01",
                    Severity.ERROR,
                    place,
                    f"{_where(place, 'zh')}：“{text}”{value.zh}，拒收。请改正声明。",
                    f"{_where(place, 'en')}: “{text}” {value.en}; it is refused. Correct "
                    "the declaration.",
                    text,
                    _EXAMPLES[kind],
                )
            )
        else:
            out.append(_Said(value, text, place))
    return out, unclear


def _row(place: Place, language: str) -> str:
    """The row of a declaration; what a file says of itself (a .prj, a layer) has none."""
    if place.row is None:
        return "文件自带的" if language == "zh" else "the file's own"
    return f"第{place.row}行" if language == "zh" else f"row {place.row}"


def _where(place: Place, language: str) -> str:
    name = f"{place.file}[{place.sheet}]" if place.sheet and place.row is None else place.file
    return f"{name} {_row(place, language)}"


def _same_crs(one: str, other: str) -> bool:
    try:
        return one == other or same_horizontal(one, other)
    except DatumError:
        return False


def _same_datum(one: str, other: str) -> bool:
    try:
        return one == other or VerticalDatum.parse(one) == VerticalDatum.parse(other)
    except DatumError:
        return False


def _missing(file: str, kind: str) -> Finding:
    zh, en = _NAMES[kind]
    line, option = _LINES[kind], _OPTIONS[kind]
    return Finding(
        "MET-01",
        Severity.ERROR,
        Place(file),
        f"{file} 未声明{zh}，拒收。请在表头上方写“{line}”，或在提交时声明（{option}）。",
        f"{file} declares no {en}; it is refused. Write “{line}” above the header, or declare it "
        f"on delivery ({option}).",
        "未声明 not declared",
        _EXAMPLES[kind],
    )


def _conflict(file: str, one: _Said, other: _Said) -> Finding:
    place = other.place or Place(file)
    first_zh = f"{_row(one.place, 'zh')}“{one.text}”" if one.place else f"提交时声明的“{one.text}”"
    first_en = (
        f"{_row(one.place, 'en')} “{one.text}”" if one.place else f"the declared “{one.text}”"
    )
    return Finding(
        "MET-02",
        Severity.ERROR,
        place,
        f"{_where(place, 'zh')}“{other.text}”与{first_zh}不一致。请确认后统一声明。",
        f"{_where(place, 'en')} “{other.text}” contradicts {first_en}. "
        "Find out which is right and declare only that.",
        other.text,
        one.text,
    )
