"""The pipe class that the name of a file, sheet, table or layer says."""

from __future__ import annotations

import re
from typing import Final

from ingest.mapping.text import fold
from ingest.mapping.words import SurveyWords
from models import pipes

_SPLIT: Final = re.compile(r"[\s_\-.()\[\]【】、,]+")


def class_of_name(name: str, words: SurveyWords) -> str | None:
    """The class that a name says: ``JSPoint``, ``雨水点表``, ``YS_线表``, ``YS_DN300``."""
    known = pipes.class_words()
    text = fold(name).upper()
    for part in (text, *_SPLIT.split(text)):
        for candidate in (part, bare_name(part, words)):
            if candidate in known:
                return known[candidate]
    return None


def bare_name(name: str, words: SurveyWords) -> str:
    """A name without the words that say point or line table."""
    text = fold(name).upper()
    every = sorted({w.upper() for g in words.role_words.values() for w in g}, key=len, reverse=True)
    for word in every:
        text = text.replace(word, "")
    return text.strip(" _-.()[]0123456789")
