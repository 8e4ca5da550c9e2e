"""CRS and vertical datum of a footprint file: what it says, what is declared, or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ingest.errors import RefusedError
from ingest.readers.base import ReadOptions
from ingest.readers.footprint_position import Point, suggestion
from models.crs import VerticalDatum, same_horizontal, split_crs
from models.errors import DatumError
from models.features import DatumPassport
from models.findings import Finding, Place, Severity
from models.horizontal import parse

NOT_DECLARED: Final = "未声明 not declared"
_DECLARE: Final = (
    "请用 --crs 声明，如 EPSG:4549。",
    "Declare it with --crs, for example EPSG:4549.",
)
_Refuse = Callable[[str, str, str, str | None, str], None]


def passport(
    file: str, crs: str | None, default: str | None, options: ReadOptions, at: Point | None = None
) -> DatumPassport:
    """The datum passport of ``file``, whose own CRS is ``crs`` (None where it says none).

    ``default`` is the CRS that the format gives to files that say none; ``at`` is where the
    features are, from which a refusal suggests what to declare. Raises :class:`RefusedError` with
    every reason at once: a datum that nobody declared, one that is not known, one that file and
    declaration name differently.
    """
    findings: list[Finding] = []

    def refuse(code: str, zh: str, en: str, found: str | None, expected: str) -> None:
        findings.append(
            Finding(
                code, Severity.ERROR, Place(file), f"{file}：{zh}", f"{file}: {en}", found, expected
            )
        )

    stated = (None, None) if crs is None or "undefined" in crs.lower()[:60] else _split(crs, refuse)
    declared = (None, None) if options.horizontal is None else _split(options.horizontal, refuse)
    horizontal = stated[0] or declared[0] or default
    if stated[0] and declared[0] and not same_horizontal(stated[0], declared[0]):
        refuse(
            "MET-01",
            f"文件坐标系为 {_brief(stated[0])}，声明的坐标系为 {_brief(declared[0])}，二者不一致。"
            "请更正其一。",
            f"the file's CRS is {_brief(stated[0])}, the declared one {_brief(declared[0])}. "
            "Correct one of them.",
            _brief(stated[0]),
            _brief(declared[0]),
        )
    if horizontal is None and not findings:
        hint = _DECLARE if at is None else suggestion(at)
        refuse(
            "MET-01",
            f"未声明平面坐标系，不予转换入库。{hint[0]}Shapefile 也可附 .prj。",
            f"no horizontal CRS is declared; it is never guessed. {hint[1]} For a Shapefile, its "
            ".prj will do too.",
            NOT_DECLARED if at is None else f"{NOT_DECLARED}, ({at[0]:.3f}, {at[1]:.3f})",
            "坐标系 CRS, e.g. EPSG:4549",
        )
    vertical = _vertical(stated[1], declared[1] or None, options.vertical, refuse)
    if findings:
        raise RefusedError(findings)
    assert horizontal is not None  # or there is a finding
    return DatumPassport(parse(horizontal).name, vertical)


def _split(text: str, refuse: _Refuse) -> tuple[str | None, str | None]:
    try:
        horizontal, vertical = split_crs(text)
        same_horizontal(horizontal, horizontal)  # raises for what cannot be used
    except DatumError as error:
        refuse("MET-01", error.zh, error.en, _brief(text), "坐标系 CRS, e.g. EPSG:4549")
        return None, None
    return horizontal, vertical


def _vertical(
    stated: str | None, compound: str | None, declared: str | None, refuse: _Refuse
) -> str | None:
    """The one vertical datum that is named, by the file, in a compound CRS, or beside it."""
    words = [word for word in (stated, compound, declared) if word is not None]
    try:
        data = [VerticalDatum.parse(word) for word in words] or [VerticalDatum.parse(None)]
    except DatumError as error:
        found = words[0] if words else NOT_DECLARED
        zh, en = f"{error.zh}例如 --vertical 1985。", f"{error.en} For example, --vertical 1985."
        refuse("MET-01", zh, en, found, "高程基准 vertical datum, e.g. 1985")
        return None
    if len(set(data)) > 1:
        refuse(
            "MET-01",
            f"高程基准不一致：{'、'.join(words)}。请更正。",
            f"vertical datums differ: {', '.join(words)}. Correct one of them.",
            words[0],
            words[-1],
        )
    return data[0].word


def _brief(text: str) -> str:
    """A CRS short enough for a sentence: a code, or the name inside WKT."""
    return text if len(text) <= 40 else text.split('"')[1] if '"' in text else f"{text[:37]}..."
