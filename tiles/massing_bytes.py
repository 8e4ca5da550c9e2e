"""Massing as bytes and back, to be kept between two builds."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

import numpy as np
import orjson

from tiles.content import Column, Material
from tiles.far_boxes import Boxes
from tiles.far_lines import Lines
from tiles.massing import Legend, Look, Massing

_KINDS: Final[dict[str, type[Boxes] | type[Lines]]] = {"boxes": Boxes, "lines": Lines}


def packed(massing: Massing) -> bytes:
    """``massing`` as bytes: a line of JSON, then its arrays as they lie in memory.

    Raises :class:`TypeError` for a kind of massing that this module does not know.
    """
    if not isinstance(massing, Boxes | Lines):
        raise TypeError(f"{type(massing).__name__} is no massing of this package")
    arrays, plain = [], {}
    for field in fields(massing):
        value = getattr(massing, field.name)
        if isinstance(value, np.ndarray):
            arrays.append((field.name, np.ascontiguousarray(value)))
        else:
            plain[field.name] = value
    plain["legend"] = _plain(massing.legend)
    kind = next(name for name, cls in _KINDS.items() if isinstance(massing, cls))
    shapes = [(name, array.dtype.str, array.shape) for name, array in arrays]
    head = orjson.dumps({"kind": kind, "plain": plain, "arrays": shapes})
    return b"\n".join([head, b"".join(array.tobytes() for _, array in arrays)])


def unpacked(data: bytes) -> Massing:
    """The opposite of :func:`packed`."""
    line, _, rest = data.partition(b"\n")
    head = orjson.loads(line)
    values: dict[str, Any] = head["plain"]
    values["legend"] = _legend(values["legend"])
    at = 0
    for name, kind, shape in head["arrays"]:
        count = int(np.prod(shape))
        values[name] = np.frombuffer(rest, kind, count, at).reshape(shape)
        at += values[name].nbytes
    return _KINDS[head["kind"]](**values)


def _plain(legend: Legend) -> dict[str, Any]:
    # not asdict, which copies deeply
    looks = [{"material": _fields(look.material), "values": look.values} for look in legend.looks]
    columns = [_fields(column) | {"values": ()} for column in legend.columns]
    return {"looks": looks, "class_name": legend.class_name, "columns": columns}


def _fields(one: Material | Column) -> dict[str, Any]:
    return {field.name: getattr(one, field.name) for field in fields(one)}


def _legend(plain: dict[str, Any]) -> Legend:
    looks = []
    for look in plain["looks"]:
        material = Material(**look["material"] | {"rgba": tuple(look["material"]["rgba"])})
        looks.append(Look(material, tuple(look["values"])))
    columns = [Column(**column | {"values": ()}) for column in plain["columns"]]
    return Legend(tuple(looks), plain["class_name"], tuple(columns))
