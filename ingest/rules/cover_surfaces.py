"""What lies above a line, and the least cover that the tables ask for below it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ingest.mapping.text import fold
from ingest.rules.network import Survey
from ingest.rules.topology_tables import Tables
from models.clearance.lookup import Found
from models.clearance.things import SURFACES, cover_limits

#: Surfaces of which the weaker limit holds where the survey does not say what lies above.
_ROADS: Final = ("人行道", "机动车道")
#: What surveys write for the surfaces of the table, besides its own words.
_WORDS: Final = {
    **{word: word for word in SURFACES},
    **dict.fromkeys(("车行道", "快车道", "行车道", "车道", "主车道", "公路"), "机动车道"),
    **dict.fromkeys(("慢车道", "自行车道", "非机动车"), "非机动车道"),
    **dict.fromkeys(("步行道", "步道", "便道"), "人行道"),
    **dict.fromkeys(("庭院内", "小区内", "小区庭院"), "庭院"),
}


def surfaces(survey: Survey, made: Tables) -> Any:
    """Surfaces (s,) above the lines as delivered, ``None`` where not given."""
    if "surface" not in survey.lines.columns:
        return np.full(len(made.lines), None, object)
    words = survey.values("line", "surface")[made.lines].astype(object)
    words[pd.isna(words)] = None
    return words


def _listed(words: Any) -> npt.NDArray[np.object_]:
    """The table's own words (n,) for what surveys write, ``None`` for other words."""
    index, names = pd.factorize(words, use_na_sentinel=True)
    return np.array([*(_WORDS.get(fold(str(name))) for name in names), None], object)[index]


def surface_text(words: Any) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """Surfaces as Chinese and English sentences name them."""
    given, listed = pd.notna(words), pd.notna(_listed(words))
    zh = np.where(given, [f"{w}，限值表未列，按较低限值" for w in words], "未给出，按较低限值")
    en = np.where(
        given,
        [f"{w}, not in the table, the weaker limit taken" for w in words],
        "not given, the weaker limit taken",
    )
    return np.where(listed, words, zh), np.where(listed, words, en)


def limits(segments: pd.DataFrame, delivered: Any) -> Found:
    """The limit of every segment; of unknown surfaces the weaker one of roads."""
    surface = _listed(delivered)
    known = pd.notna(surface)
    by_road = [
        cover_limits(segments, np.where(known, surface, road).astype(object)) for road in _ROADS
    ]
    weak, strong = by_road
    other = np.isnan(weak.limit) | (strong.limit < weak.limit)
    pick = {
        name: np.where(other, getattr(strong, name), getattr(weak, name))
        for name in ("rule", "limit", "verified", "ambiguous", "missing")
    }
    return Found(
        pick["rule"],
        pick["limit"],
        pick["verified"].astype(bool),
        pick["ambiguous"].astype(bool),
        pick["missing"],
    )
