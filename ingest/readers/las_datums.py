"""CRS and vertical datum of a point cloud: what it says, what is declared, or a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError

from ingest.errors import refuse
from ingest.readers.base import ReadOptions
from ingest.readers.footprint_datums import passport as datum_passport
from models.errors import DatumError
from models.features import DatumPassport
from models.horizontal import parse, to_geodetic

#: Degrees by which two definitions of one CRS may differ: a tenth of a millimetre.
_SAME: Final = 1e-9


def datums_of(
    name: str, crs: str | None, box: Sequence[float], options: ReadOptions
) -> DatumPassport:
    """The datums of a cloud whose file states ``crs`` (WKT or codes) and whose points lie in
    ``box`` (6, units of the file).

    Raises :class:`ingest.errors.RefusedError`: MET-01 for datums that nobody declared, that are not
    known, or that file and declaration name differently; PTC-02 for coordinates in feet.
    """
    if crs is None and options.horizontal is None:
        raise refuse(
            "MET-01",
            name,
            zh=f"{name} 未声明平面坐标系，不予入库。请用 --crs 声明（如 EPSG:4549），"
            "并用 --vertical 声明高程基准（如 1985）。",
            en=f"{name} declares no horizontal CRS; it is never guessed. Declare it with --crs, "
            "such as EPSG:4549, and the vertical datum with --vertical, such as 1985.",
            found="未声明 not declared",
            expected="坐标系 CRS, e.g. EPSG:4549+5737",
        )
    datums = datum_passport(name, crs and named(crs, box), None, options)
    assert datums.horizontal is not None
    axes = parse(datums.horizontal).crs.axis_info
    units = {axis.unit_name for axis in axes if axis.unit_name not in ("metre", "degree")}
    if units:
        unit = ", ".join(sorted(units))
        raise refuse(
            "PTC-02",
            name,
            zh=f"{name} 的坐标单位为 {unit}，且未说明高程单位；应为米。请换算为米后提交。",
            en=f"{name} has coordinates in {unit}, and nothing says what its heights are in; "
            "expected metres. Convert it to metres and deliver that.",
            found=unit,
            expected="metre",
        )
    return datums


def named(text: str, box: Sequence[float]) -> str:
    """``text`` as the codes that its WKT gives itself, where these mean the same places.

    The old WKT of LAS leaves the order of axes open, so that PROJ finds no code for it, and a
    declaration of the same CRS by its code would seem to contradict it.
    """
    try:
        crs = CRS.from_user_input(text)
    except CRSError:
        return text  # refused where it is used
    parts = [_code(part) for part in (crs.sub_crs_list if crs.is_compound else [crs])]
    if None in parts:
        return text
    x, y = np.reshape(box, (2, 3))[:, :2].T
    try:
        stated, coded = parse(text), parse(f"EPSG:{parts[0]}")
        apart = np.subtract(to_geodetic(x, y, stated), to_geodetic(x, y, coded))
    except DatumError:
        return text
    same = bool((np.abs(apart) <= _SAME).all())
    return "EPSG:" + "+".join(str(part) for part in parts) if same else text


def _code(crs: CRS) -> int | None:
    """The EPSG code that a definition gives itself."""
    own = crs.to_json_dict().get("id", {})
    return int(own["code"]) if own.get("authority") == "EPSG" else None
