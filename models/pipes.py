"""Pipe vocabularies: classes with colours and depth reference, materials, embedding, features.

The words and codes are the files of ``models/data/pipes`` (origin in its README); this module only
gives them types. Everything is read once per process and immutable.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from models.yaml_data import read_yaml

_DATA: Final = files("models.data") / "pipes"


@dataclass(frozen=True, slots=True)
class PipeClass:
    """A major or minor class of CJJ 61-2017 appendix B.

    ``rgb`` is sRGB 0..255 (a minor without its own has its major's); ``depth_ref`` is ``invert``
    or ``top``; ``gravity`` tells whether water runs in it by its fall alone.
    """

    code: str
    major: str
    zh: str
    en: str
    rgb: tuple[int, int, int]
    depth_ref: str
    gravity: bool


@dataclass(frozen=True, slots=True)
class Word:
    """An entry of a value list: code, both names, and the majors it is allowed for (materials)."""

    code: str
    zh: str
    en: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PointWord:
    """A 特征 or 附属物 word: its folded form, ``role`` (well, valve, inlet, pole, cabinet,
    structure or empty) and expected ``degree`` (``2``, ``1-2``, ``ge3``, ``any``)."""

    canonical: str
    kind: str
    role: str
    degree: str


def _yaml(name: str) -> dict[str, Any]:
    data: dict[str, Any] = read_yaml((_DATA / name).read_text("utf-8"))
    return data


@cache
def classes() -> MappingProxyType[str, PipeClass]:
    """Every class by code, majors and minors."""
    data = _yaml("classes.yaml")
    out: dict[str, PipeClass] = {}
    for row in data["majors"]:
        rgb = tuple(row["rgb"])
        out[row["code"]] = PipeClass(
            row["code"],
            row["code"],
            row["zh"],
            row["en"],
            rgb,
            row["depth_ref"],
            row["gravity"],
        )
    for row in data["minors"]:
        major = out[row["major"]]
        rgb = tuple(row["rgb"]) if "rgb" in row else major.rgb
        depth_ref = row.get("depth_ref", major.depth_ref)
        out[row["code"]] = PipeClass(
            row["code"], major.code, row["zh"], row["en"], rgb, depth_ref, major.gravity
        )
    return MappingProxyType(out)


@cache
def class_words() -> MappingProxyType[str, str]:
    """Words that mean a class (codes, names, aliases) → code."""
    out: dict[str, str] = {}
    for code, pipe_class in classes().items():
        out[code] = code
        out.setdefault(pipe_class.zh, code)
    for code, aliases in _yaml("classes.yaml")["aliases"].items():
        out.update(dict.fromkeys(aliases, code))
    return MappingProxyType(out)


@cache
def feature_code_classes() -> MappingProxyType[str, str]:
    """Digits 2 to 4 of an eight-digit feature code (CJJ 61-2017 appendix F) → class code: the
    major's digit and the minor's two, ``00`` for the major itself."""
    data = _yaml("classes.yaml")
    digit = {row["code"]: str(row["digit"]) for row in data["majors"]}
    out = {f"{number}00": code for code, number in digit.items()}
    for row in data["minors"]:
        out[digit[row["major"]] + str(row["digits"])] = row["code"]
    return MappingProxyType(out)


@cache
def depth_ref_by_embed() -> MappingProxyType[str, str]:
    """Embedding codes that decide what a depth is measured to, whatever the class."""
    by_embed: dict[str, str] = _yaml("classes.yaml")["depth_ref"]["by_embed"]
    return MappingProxyType(by_embed)


@cache
def word_list(name: str) -> MappingProxyType[str, Word]:
    """The value list ``material``, ``embed`` or ``status`` by its Chinese name.

    Raises :class:`KeyError` for any other list.
    """
    rows = _yaml("lists.yaml")[name]
    return MappingProxyType(
        {r["zh"]: Word(r["code"], r["zh"], r["en"], tuple(r.get("classes", ()))) for r in rows}
    )


@cache
def word_aliases(name: str) -> MappingProxyType[str, str]:
    """Spellings (codes, names, aliases) of a value list → Chinese name, keys upper-case."""
    out: dict[str, str] = {}
    for zh, aliases in _yaml("lists.yaml")["aliases"].get(name, {}).items():
        out.update({alias.upper(): zh for alias in aliases})
    for zh, word in word_list(name).items():
        out[word.code.upper()] = zh
        out[zh] = zh
    return MappingProxyType(out)


@cache
def point_words() -> MappingProxyType[str, PointWord]:
    """Every 特征 and 附属物 word in use, by spelling."""
    text = (_DATA / "features.csv").read_text("utf-8")
    return MappingProxyType(
        {
            row["word"]: PointWord(row["canonical"], row["kind"], row["role"], row["degree"])
            for row in csv.DictReader(io.StringIO(text))
        }
    )


@cache
def accuracy() -> MappingProxyType[str, dict[str, float]]:
    """Mean errors of survey points (1 sigma, metres), see ``accuracy.yaml``."""
    return MappingProxyType(_yaml("accuracy.yaml"))
