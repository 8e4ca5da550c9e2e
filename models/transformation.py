"""What happens to the coordinates of a delivery on their way into storage, for its lineage.

The steps are those of :mod:`models.horizontal` and :mod:`models.vertical`. An accuracy is told only
where it is known: the registry's limit for an operation, nought where nothing but a projection is
undone. That of a declared shift or offset is its deliverer's affair, and unknown here.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.crs import StorageCrs, VerticalDatum, VerticalKind
from models.horizontal import MAX_OPERATION_ERROR, parse, same
from models.vertical import H56_MINUS_H85


@dataclass(frozen=True, slots=True)
class Step:
    """``kind`` is ``horizontal`` or ``vertical``; ``accuracy`` in metres, None where unknown."""

    kind: str
    source: str
    target: str
    zh: str
    en: str
    accuracy: float | None


def steps(
    horizontal: str, vertical: str, storage: StorageCrs, n_offset: float = 0.0
) -> tuple[Step, Step]:
    """Plan and height of coordinates in ``horizontal`` and ``vertical``.

    ``n_offset`` (metres) is the twin's. Raises :class:`models.errors.DatumError` for what cannot be
    transformed.
    """
    return _plan(horizontal, storage), _height(VerticalDatum.parse(vertical), n_offset)


def _plan(text: str, storage: StorageCrs) -> Step:
    source = parse(text)
    accuracy: float | None
    if same(text, storage.horizontal):
        zh, en, accuracy = "坐标不变", "Coordinates unchanged", 0.0
    elif source.exact:
        zh, en, accuracy = "同一基准，仅换投影", "Same datum, another projection", 0.0
    elif source.identity:
        zh = "视同 CGCS2000，差值为板块运动"
        en = "Taken as equal to CGCS2000; the difference is the motion of plates"
        accuracy = MAX_OPERATION_ERROR
    elif source.crs.is_bound:
        zh, en, accuracy = (
            "按提交方声明的转换参数",
            "By the shift that the deliverer declares",
            None,
        )
    else:
        zh, en = "EPSG 登记的转换", "By an operation of the EPSG registry"
        accuracy = MAX_OPERATION_ERROR
    return Step("horizontal", source.label, storage.horizontal, zh, en, accuracy)


def _height(datum: VerticalDatum, n_offset: float) -> Step:
    accuracy: float | None = None
    match datum.kind:
        case VerticalKind.H1985:
            zh, en, accuracy = "高程不变", "Heights unchanged", 0.0
        case VerticalKind.H1956:
            zh = f"减 {H56_MINUS_H85} m（全国名义差值）"
            en = f"Less {H56_MINUS_H85} m, the national nominal difference"
        case VerticalKind.WUSONG:
            zh = f"减 {datum.offset:g} m（提交方声明的吴淞差值）"
            en = f"Less {datum.offset:g} m, the Wusong offset that the deliverer declares"
        case VerticalKind.EGM96:
            zh = f"减 {n_offset:g} m（孪生体的高程异常改正）"
            en = f"Less {n_offset:g} m, what control points of the twin say of EGM96"
        case VerticalKind.ELLIPSOIDAL:
            zh = f"减 EGM96 大地水准面差距及 {n_offset:g} m"
            en = f"Less the undulation of EGM96 and {n_offset:g} m of the twin"
    return Step("vertical", datum.word, "1985", zh, en, accuracy)
