"""What is declared beside an input file, which itself names no reference system."""

from __future__ import annotations

import numpy as np

from ingest.errors import RefusedError, refuse
from ingest.mapping.words import profiles
from ingest.readers.base import ReadOptions
from ingest.readers.epanet_rows import Floats, Mask
from models import horizontal, pipes
from models.crs import AREA_MARGIN, VerticalDatum, split_crs
from models.errors import TwinError
from models.features import DatumPassport
from models.findings import Finding, Place, Severity


def passport(file: str, options: ReadOptions) -> DatumPassport:
    """Both datums as declared. Raises :class:`RefusedError` (MET-01, MET-02) with every reason."""
    findings: list[Finding] = []

    def tell(code: str, zh: str, en: str, found: str | None, expected: str) -> None:
        place = Place(file)
        zh, en = f"{file}：{zh}", f"{file}: {en}"
        findings.append(Finding(code, Severity.ERROR, place, zh, en, found, expected))

    plane: str | None = None
    compound: str | None = None
    if options.horizontal is None:
        tell(
            "MET-01",
            ".inp 文件不含坐标系，且未声明。请用 --crs 声明，如 EPSG:4549；示意坐标须先配准。",
            "an .inp file names no CRS, and none is declared. Declare it with --crs, for example "
            "EPSG:4549; schematic coordinates must be georeferenced first.",
            "-",
            "CRS, e.g. EPSG:4549",
        )
    else:
        try:
            plane, compound = split_crs(options.horizontal)
            plane = horizontal.parse(plane).name
        except TwinError as error:
            tell("MET-01", error.zh, error.en, options.horizontal, "CRS, e.g. EPSG:4549")
    words = [word for word in (compound, options.vertical) if word is not None]
    data: list[VerticalDatum] = []
    if not words:
        tell(
            "MET-01",
            ".inp 文件不含高程基准，且未声明。请用 --vertical 声明，如 1985。",
            "an .inp file names no vertical datum, and none is declared. Declare it with "
            "--vertical, for example 1985.",
            "-",
            "vertical datum, e.g. 1985",
        )
    for word in words:
        try:
            data.append(VerticalDatum.parse(word))
        except TwinError as error:
            tell("MET-01", error.zh, error.en, word, "vertical datum, e.g. 1985")
    if len(set(data)) > 1:
        tell(
            "MET-02",
            f"声明的高程基准不一致：{'、'.join(words)}。请更正其一。",
            f"the declared vertical datums differ: {', '.join(words)}. Correct one of them.",
            words[0],
            words[1],
        )
    if findings:
        raise RefusedError(findings)
    return DatumPassport(plane, data[0].word)


def where_it_lies(file: str, xy: Floats, crs: str) -> list[Finding]:
    """A warning (CRS-02) when most nodes lie outside the area of use of the declared CRS, as the
    schematic drawings of many models do: a twin will refuse them."""
    known = xy[np.isfinite(xy).all(axis=1)]
    inside = _inside(known, crs)
    if len(known) == 0 or inside.mean() >= 0.5:
        return []
    x, y = np.median(known, axis=0)
    found = f"({x:.3f}, {y:.3f})"
    return [
        Finding(
            "CRS-02",
            Severity.WARNING,
            Place(file),
            f"{file}：{len(known)} 个节点中有 {int((~inside).sum())} 个不在 {crs} 适用范围内"
            f"（中位坐标 {found}），可能是示意图坐标。入库前请配准或更正坐标系。",
            f"{file}: {int((~inside).sum())} of {len(known)} nodes lie outside the area of use of "
            f"{crs} (median coordinates {found}); they may be schematic. Georeference them or "
            "correct the CRS before they go into a twin.",
            found,
            crs,
        )
    ]


def _inside(xy: Floats, crs: str) -> Mask:
    source = horizontal.parse(crs)
    if source.area is None:
        return np.ones(len(xy), bool)
    try:
        lon, lat = horizontal.to_geodetic(xy[:, 0], xy[:, 1], source)
    except TwinError:  # no safe operation: whoever brings it into a twin is told so
        return np.ones(len(xy), bool)
    west, south, east, north = source.area
    inside: Mask = (lon >= west - AREA_MARGIN) & (lon <= east + AREA_MARGIN)
    inside &= (lat >= south - AREA_MARGIN) & (lat <= north + AREA_MARGIN)
    return inside


def class_of(file: str, profile: str | None, default: str, major: str) -> str:
    """The class code of all links: ``profile`` where it names a class of ``major`` (by code or
    word), else ``default``; profiles of survey tables say nothing about an .inp file.

    Raises :class:`RefusedError` (STR-01) for a word that is neither.
    """
    if profile is None or profile in profiles():
        return default
    word = profile.strip()
    code = pipes.class_words().get(word.upper(), pipes.class_words().get(word))
    if code is not None and pipes.classes()[code].major == major:
        return code
    known = ", ".join(c for c, k in pipes.classes().items() if k.major == major)
    raise refuse(
        "STR-01",
        file,
        en=f"{file}: {profile} is no class of this network; known ones are {known}. Choose one of "
        "them with --profile.",
        zh=f"{file}：“{profile}”不是该类管网的类别，可用：{known}。请用 --profile 指定其一。",
        found=profile,
        expected=known,
    )
