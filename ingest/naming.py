"""The name of a dataset that nobody named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Final

from ingest.mapping.words import survey_words
from ingest.readers.survey_class import bare_name
from ingest.readers.survey_sheets import is_metadata_name

_JOINTS: Final = " _-.·—()（）[]【】"
#: A word that was cut, at the end of what names have in common: ``street_p``, ``JSP``, ``20``.
_CUT: Final = re.compile(r"([A-Z]?[a-z]+|[A-Z]|[0-9]+)$")


def dataset_name(paths: Sequence[Path]) -> str:
    """One name for the files of a group, whichever of them comes first.

    That of a single file is its stem. Of several, it is what their stems have in common, whole
    words only (``街区_点表.csv`` and ``街区_线表.csv``: 街区), without the words for tables of
    points and lines; where they have nothing in common (``points.csv`` and ``lines.csv``) the name
    of their folder. Files that describe the delivery (元数据.csv) do not count.
    """
    words = survey_words()
    stems = {path.stem: path for path in paths if not is_metadata_name(path.stem, words)}
    if len(stems) <= 1:
        return next(iter(stems), paths[0].stem)
    names = list(stems)
    same = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    common = "".join(letters[0] for letters in same)
    if any(_goes_on(name, common) for name in names):
        common = _CUT.sub("", common)
    common = common.rstrip("管").strip(_JOINTS)  # 管点, 管线
    if common and bare_name(common, words):
        return common
    return paths[0].absolute().parent.name or paths[0].stem


def _goes_on(name: str, common: str) -> bool:
    """Whether a word of ``name`` is cut at the end of ``common``."""
    return re.fullmatch("[A-Za-z][a-z]|[0-9]{2}", name[: len(common) + 1][-2:]) is not None
