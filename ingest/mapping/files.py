"""Mapping files: which source column is which field, saved by the owner and used again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from ingest.errors import RefusedError, refuse
from ingest.mapping.words import canonical_field, profiles, survey_words

_MAX_BYTES: Final = 1 << 20
_HEAD: Final = """\
# 列映射 Column mapping: 源列名 source column: 字段 field.
# 使用 use: twin check FILE --mapping 本文件 this file
"""
_SUGGESTED: Final = """\
# 疑似列，确认后移入 columns；Columns that look like a field: move them into columns if they are.
"""


@dataclass(frozen=True, slots=True)
class MappingFile:
    """``columns`` is {source column: field}, as :class:`ingest.readers.base.ReadOptions` takes it;
    ``suggested`` are columns that only look like a field, ``unknown`` those that look like none:
    both are saved for the owner to read, and not used."""

    columns: Mapping[str, str]
    profile: str | None = None
    suggested: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def save_mapping(path: Path, mapping: MappingFile) -> None:
    """Write ``mapping`` as YAML. Raises :class:`OSError` where ``path`` cannot be written."""
    document: dict[str, Any] = {}
    if mapping.profile is not None:
        document["profile"] = mapping.profile
    document["columns"] = dict(mapping.columns)
    text = _HEAD + _dump(document)
    if mapping.suggested:
        text += _SUGGESTED + _dump({"suggested": dict(mapping.suggested)})
    if mapping.unknown:
        text += _dump({"unknown": list(mapping.unknown)})
    path.write_text(text, encoding="utf-8")


def load_mapping(path: Path) -> MappingFile:
    """Read what :func:`save_mapping` wrote or somebody edited.

    Raises :class:`ingest.errors.RefusedError` (MAP-01) for what is no such file, a field or a
    profile that does not exist; :class:`OSError` where it cannot be read.
    """
    document = _document(path)
    columns, suggested = (_pairs(path, document, name) for name in ("columns", "suggested"))
    profile = document.get("profile")
    if profile is not None and profile not in profiles():
        raise _wrong(path, str(profile), ", ".join(profiles()), "方案", "profile")
    words = survey_words(profile or "default")
    known = words.fields("point") | words.fields("line")
    for name, to in columns.items():
        if canonical_field(to) not in known:
            raise _wrong(path, f"{name}: {to}", ", ".join(sorted(known)), "字段", "field")
    unknown = document.get("unknown") or []
    return MappingFile(columns, profile, suggested, tuple(map(str, unknown)))


def _dump(document: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(document), allow_unicode=True, sort_keys=False, width=1000))


def _document(path: Path) -> dict[str, Any]:
    found = f"{path.stat().st_size} B"
    if path.stat().st_size <= _MAX_BYTES:
        try:
            loaded = yaml.safe_load(path.read_bytes())
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            found = str(error).splitlines()[0]
        else:
            if isinstance(loaded, dict):
                return loaded
            found = type(loaded).__name__
    raise _wrong(path, found, "columns: {源列名: 字段}", "内容", "content")


def _pairs(path: Path, document: Mapping[str, Any], name: str) -> dict[str, str]:
    pairs = document.get(name) or {}
    if not isinstance(pairs, dict) or not all(
        isinstance(k, str) and isinstance(v, str) for k, v in pairs.items()
    ):
        raise _wrong(path, str(pairs)[:100], f"{name}: {{源列名: 字段}}", name, name)
    return pairs


def _wrong(path: Path, found: str, expected: str, zh: str, en: str) -> RefusedError:
    return refuse(
        "MAP-01",
        path.name,
        zh=f"映射文件 {path.name} 的{zh}不可用：{found}；应为：{expected}。请改正。",
        en=f"The {en} of the mapping file {path.name} cannot be used: found {found}, expected "
        f"{expected}. Correct it.",
        found=found,
        expected=expected,
    )
