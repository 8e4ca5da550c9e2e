"""Features, datum, accuracy and revisions as plain values of an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from models import pipes
from twin.analyses.answer import Answer, Note
from twin.analyses.pipework import Pipework, numbers

Array = npt.NDArray[np.float64]

#: Columns of a segment that go into an answer as they are, where they are known.
_SHOWN: Final = (
    "id",
    "key",
    "lno",
    "class_code",
    "from_point",
    "to_point",
    "material",
    "embed",
    "pressure_mpa",
    "pressure_level",
    "voltage_kv",
    "cables",
    "holes",
    "holes_used",
    "owner",
    "operator",
    "built",
    "built_precision",
    "status",
    "road",
    "depth_ref",
    "dataset",
)

#: Columns of a segment's size as surveys write it.
_SIZES: Final = ("shape", "width_mm", "height_mm", "id_mm", "od_mm")

VERTICAL: Final = "1985 国家高程基准 normal heights of the 1985 datum"


def segments(pipework: Pipework, rows: npt.ArrayLike) -> list[dict[str, Any]]:
    """What identifies each segment of ``rows`` and what an engineer asks of it first.

    ``size`` is as surveys write it (``DN300``, ``800×600``, mm); ``outer_width``, ``outer_height``
    are metres and ``outer_nominal`` says that no wall was known; unknown values are left out.
    """
    wanted = np.asarray(rows, np.int64)
    table = taken(pipework.segments, wanted, (*_SHOWN, *_SIZES))
    columns = [(name, table[name].to_list()) for name in _SHOWN if name in table]
    labels = sizes(table)
    known = pipes.classes()
    out = []
    for i, row in enumerate(wanted):
        one: dict[str, Any] = {
            name: plain(values[i]) for name, values in columns if not pd.isna(values[i])
        }
        code = known.get(str(one.get("class_code")))
        one["class"] = {"zh": code.zh, "en": code.en} if code else None
        one["size"] = labels[i]
        one |= _outer(pipework, int(row))
        out.append(one)
    return out


def taken(table: pd.DataFrame, rows: npt.NDArray[np.int64], names: Sequence[str]) -> pd.DataFrame:
    """Rows of those of the columns ``names`` that the table has; the others are not touched."""
    # column by column: pandas would copy every row of the columns before it takes some
    found = {name: table[name].iloc[rows] for name in names if name in table}
    return pd.DataFrame(found, index=table.index[rows])


def sizes(table: pd.DataFrame) -> list[str | None]:
    """Sizes as surveys write them: ``DN300`` (nominal), ``800×600`` (mm), None where unknown."""
    shape = table["shape"].astype(str) if "shape" in table else pd.Series("round", table.index)
    width, height, inner, od = (
        numbers(table, name) for name in ("width_mm", "height_mm", "id_mm", "od_mm")
    )
    nominal = np.where(np.isnan(width), np.where(np.isnan(inner), od, inner), width)
    out: list[str | None] = []
    for kind, n, w, h in zip(shape, nominal, width, height, strict=True):
        if kind in ("rect", "bank", "egg") and np.isfinite(w) and np.isfinite(h):
            out.append(f"{w:g}×{h:g}")
        else:
            out.append(f"DN{n:g}" if np.isfinite(n) else None)
    return out


def _outer(pipework: Pipework, row: int) -> dict[str, Any]:
    order, first = pipework.pieces
    if first[row] == first[row + 1]:
        return {"outer_width": None, "outer_height": None}
    piece = order[first[row]]
    body = pipework.bodies
    return {
        "outer_width": metres(2 * body.half_width[piece]),
        "outer_height": metres(2 * body.half_height[piece]),
        "outer_nominal": bool(body.nominal[piece]),
        "sigma_xy": metres(body.sigma_xy[piece]),
        "sigma_z": metres(body.sigma_z[piece]),
    }


def metres(value: float, digits: int = 3) -> float | None:
    """A length rounded to the millimetre, None where it is unknown."""
    return round(float(value), digits) + 0.0 if np.isfinite(value) else None


def plain(value: Any) -> Any:
    """A value that JSON knows."""
    if isinstance(value, np.generic):
        value = value.item()
    return value.isoformat() if hasattr(value, "isoformat") else value


def points(coordinates: npt.ArrayLike) -> list[list[float | None]]:
    """Positions for JSON, metres to the millimetre."""
    return [[metres(v) for v in p] for p in np.asarray(coordinates, np.float64)]


def answer(
    pipework: Pipework,
    result: dict[str, Any],
    rows: npt.ArrayLike = (),
    notes: Iterable[Note] = (),
    *,
    surfaces: bool = True,
    draw: Callable[[], str] | None = None,
    write: Callable[[], str] | None = None,
) -> Answer:
    """An answer with what a reader must know about the pipes; ``rows`` are the segments used.

    ``surfaces`` tells that sizes and heights of the pipes matter to it, and the ground.
    """
    used = np.unique(np.asarray(rows, np.int64))
    return Answer(
        result,
        datum(pipework),
        accuracy(pipework, used, ground=surfaces),
        revisions(pipework),
        (*notes, *(_common_notes(pipework, used) if surfaces else ())),
        draw,
        write,
    )


def datum(pipework: Pipework) -> dict[str, Any]:
    """CRS and heights of every number in an answer, and what each dataset declared."""
    return {
        "horizontal": pipework.storage.horizontal,
        "vertical": VERTICAL,
        "axis_order": ["east", "north"],
        "datasets": [
            {
                "dataset": s.dataset,
                "horizontal": s.passport.horizontal,
                "vertical": s.passport.vertical,
                "epoch": s.passport.epoch,
                "method": s.passport.method,
                "accuracy": s.passport.accuracy,
            }
            for s in pipework.sources
        ],
    }


def accuracy(
    pipework: Pipework, rows: npt.NDArray[np.int64], *, ground: bool = True
) -> dict[str, Any]:
    """Mean errors of the segments used, 1 sigma in metres, and how many pieces have none; where
    heights of the ground come from, unless the answer has none (they cost seconds to prepare)."""
    pieces = pipework.pieces_of(rows)
    body = pipework.bodies
    out = {
        "sigma": 1,
        "unit": "m",
        "plan": _span(body.sigma_xy[pieces]),
        "height": _span(body.sigma_z[pieces]),
    }
    if ground:
        told = pipework.ground
        out["ground"] = {"source": told.source, "zh": told.zh, "en": told.en}
    return out


def revisions(pipework: Pipework) -> list[dict[str, Any]]:
    """Datasets with number and moment of record of the revision that was read."""
    return [
        {"dataset": s.dataset, "number": s.number, "recorded": s.recorded.isoformat()}
        for s in pipework.sources
    ]


def _span(values: Array) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    return {
        "least": metres(known.min()) if known.size else None,
        "greatest": metres(known.max()) if known.size else None,
        "unknown": int(values.size - known.size),
    }


def _common_notes(pipework: Pipework, rows: npt.NDArray[np.int64]) -> list[Note]:
    notes = []
    pieces = pipework.pieces_of(rows)
    body = pipework.bodies
    unknown = len(np.unique(body.owner[pieces][np.isnan(body.half_width[pieces])]))
    if unknown:
        notes.append(
            Note(
                "SIZE-UNKNOWN",
                f"{unknown} 段管线缺规格，无法求其外壁，结果中相应值为空，请核查。",
                f"{unknown} segments have no size, so their surface is unknown and values that "
                "need it are null: look them up.",
            )
        )
    flat = len(np.unique(body.owner[pieces][np.isnan(body.start[pieces, 2])]))
    if flat:
        notes.append(
            Note(
                "HEIGHT-UNKNOWN",
                f"{flat} 段管线缺高程，相应高程与竖向净距为空，请核查。",
                f"{flat} segments have no height; heights and vertical distances that need it are "
                "null: look them up.",
            )
        )
    nominal = len(np.unique(body.owner[pieces][body.nominal[pieces]]))
    if nominal:
        notes.append(
            Note(
                "SIZE-NOMINAL",
                f"{nominal} 段管线无壁厚，外壁按公称尺寸取，实际外径略大。",
                f"{nominal} segments have no wall thickness: their surface is taken at the nominal "
                "size, the true one lies a little farther out.",
            )
        )
    return notes


def brief(pipework: Pipework, rows: npt.ArrayLike) -> list[dict[str, Any]]:
    """Only what identifies each segment: id, key, class and owner."""
    names = ("id", "key", "class_code", "owner")
    return _records(taken(pipework.segments, np.asarray(rows, np.int64), names), names)


def nodes(pipework: Pipework, rows: npt.ArrayLike) -> list[dict[str, Any]]:
    """What identifies each network node; one behind the points has no id, only its position."""
    wanted = np.asarray(rows, np.int64)
    at = pipework.network.position[wanted]
    inside = wanted < len(pipework.points)
    names = ("id", "exp_no", "class_code", "feature", "appurtenance")
    known: list[dict[str, Any]] = [{}] * len(wanted)
    if len(pipework.points):
        known = _records(taken(pipework.points, np.where(inside, wanted, 0), names), names)
    return [
        {**(one if own else {}), "position": [metres(x), metres(y)]}
        for one, own, (x, y, _) in zip(known, inside, at, strict=True)
    ]


def _records(table: pd.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    columns = [
        (name, table[name].to_list(), table[name].notna().to_list())
        for name in names
        if name in table
    ]
    return [
        {name: plain(values[i]) for name, values, known in columns if known[i]}
        for i in range(len(table))
    ]
