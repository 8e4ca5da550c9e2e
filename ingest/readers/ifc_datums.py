"""Which horizontal CRS and vertical datum hold for an IFC file: the file's words against what the
deliverer declared. Where both speak and differ the file is refused with both (MET-01)."""

from __future__ import annotations

import re
from typing import Final

from ingest.errors import RefusedError, refuse
from models import horizontal
from models.crs import VerticalDatum
from models.errors import DatumError
from models.findings import Finding, Place, Severity
from models.vertical import VerticalKind

_EPSG: Final = re.compile(r"EPSG\D{0,4}(\d{4,6})", re.IGNORECASE)


def split_declared(
    declared_horizontal: str | None, declared_vertical: str | None, file: str
) -> tuple[str | None, str | None]:
    """The declared pair, with the vertical part of a compound CRS where none is named beside it.

    Raises :class:`RefusedError` (MET-01) for a declaration that cannot be used.
    """
    if declared_horizontal is None:
        return None, declared_vertical
    try:
        flat, up = horizontal.split(declared_horizontal)
        horizontal.parse(flat)
    except DatumError as error:
        raise refuse("MET-01", file, found=declared_horizontal, en=error.en, zh=error.zh) from error
    return flat, declared_vertical or up


def resolve_crs(
    written: str | None, declared: str | None, file: str
) -> tuple[str, str | None, tuple[Finding, ...]]:
    """The CRS of the coordinates, and the vertical word in its name where that has one.

    ``written`` is IfcProjectedCRS.Name or its WKT; texts around an EPSG code are tolerated.
    Raises :class:`RefusedError` (MET-01).
    """
    known = _parse(written)
    if known is None:
        if declared is None:
            raise refuse(
                "MET-01",
                file,
                found=written or "no name",
                expected="EPSG:4549",
                en=f"{file} has a map conversion, but its CRS '{written or ''}' is not known. "
                "Set IfcProjectedCRS.Name to a code such as EPSG:4549, or declare the CRS.",
                zh=f"{file} 有地图转换，但其坐标系“{written or ''}”无法识别。"
                "请将 IfcProjectedCRS.Name 设为 EPSG:4549 等代码，或声明坐标系。",
            )
        note = Finding(
            "MET-01",
            Severity.WARNING,
            Place(file),
            f"{file} 的坐标系名称“{written or ''}”无法识别，已采用所声明的 {declared}，请核对。",
            f"{file} names its CRS '{written or ''}', which is not known; the declared {declared} "
            "is used. Check that they are the same.",
            found=written,
            expected=declared,
        )
        return declared, None, (note,)
    name, up = known
    parsed = horizontal.parse(name)
    if not parsed.crs.is_projected:
        raise refuse(
            "MET-01",
            file,
            found=parsed.name,
            expected="a projected CRS",
            en=f"{file} has eastings and northings in {parsed.name}, which is not a projected CRS; "
            "expected one such as EPSG:4549. Correct IfcProjectedCRS and export again.",
            zh=f"{file} 的东、北坐标所属 {parsed.name} 不是投影坐标系，应为 EPSG:4549 等。"
            "请改正 IfcProjectedCRS 后重新导出。",
        )
    if declared is not None and not horizontal.same(name, declared):
        raise _differ(file, "CRS", "坐标系", parsed.name, declared)
    return name, up, ()


def _parse(written: str | None) -> tuple[str, str | None] | None:
    codes = _EPSG.findall(written or "")
    texts = [written or "", "EPSG:" + "+".join(codes[:2])]
    texts += [f"EPSG:{written}"] if (written or "").isdigit() else []
    for text in texts:
        try:
            flat, up = horizontal.split(text)
            horizontal.parse(flat)
        except DatumError:
            continue
        return flat, up
    return None


def resolve_vertical(
    written: str | None, declared: str | None, file: str
) -> tuple[str, tuple[Finding, ...]]:
    """The vertical datum's word, from what the file says and what is declared.

    Raises :class:`RefusedError` (MET-01) when neither names one, or they differ.
    """
    stated = _datum(written)
    try:
        asked = VerticalDatum.parse(declared) if declared is not None else None
        if asked is None and stated is None:
            VerticalDatum.parse(written)  # raises, with the words for what is missing
    except DatumError as error:
        raise refuse(
            "MET-01",
            file,
            found=declared or written or "none",
            expected="1985",
            en=f"{file}: {error.en} (IfcProjectedCRS.VerticalDatum, or declared with the file.)",
            zh=f"{file}：{error.zh}（IfcProjectedCRS.VerticalDatum，或随文件声明。）",
        ) from error
    if stated is None:
        assert asked is not None
        if written is None or not written.strip():
            return asked.word, ()
        wusong = "wusong" in written.lower() or "吴淞" in written
        if _EPSG.search(written) or (wusong and asked.kind is not VerticalKind.WUSONG):
            raise _differ(file, "vertical datum", "高程基准", written, asked.word)
        note = Finding(
            "MET-01",
            Severity.WARNING,
            Place(file),
            f"{file} 的高程基准“{written}”无法识别，已采用所声明的 {asked.word}，请核对。",
            f"{file} names vertical datum '{written}', which is not known; the declared "
            f"{asked.word} is used. Check that they are the same.",
            found=written,
            expected=asked.word,
        )
        return asked.word, () if wusong else (note,)
    if asked is not None and asked != stated:
        raise _differ(file, "vertical datum", "高程基准", stated.word, asked.word)
    return stated.word, ()


def _datum(written: str | None) -> VerticalDatum | None:
    codes = _EPSG.findall(written or "")
    for text in (written, *(f"EPSG:{code}" for code in codes)):
        try:
            return VerticalDatum.parse(text)
        except DatumError:
            continue
    return None


def _differ(file: str, what: str, what_zh: str, found: str, declared: str) -> RefusedError:
    return refuse(
        "MET-01",
        file,
        found=found,
        expected=declared,
        en=f"{file} states {what} {found}, but {declared} is declared. Find out which is true; "
        "then correct the file or declare the same.",
        zh=f"{file} 内的{what_zh}为 {found}，而声明为 {declared}。请查明何者正确，"
        "再改正文件或改为一致的声明。",
    )
