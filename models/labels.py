"""Labels of canonical columns in Chinese and English, from ``models/data/labels.yaml``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from models.yaml_data import read_yaml


@cache
def _all() -> dict[str, dict[str, list[str]]]:
    out: dict[str, dict[str, list[str]]] = read_yaml(
        (files("models.data") / "labels.yaml").read_text("utf-8")
    )
    return out


@cache
def labels(table: str) -> dict[str, dict[str, str]]:
    """``{column: {"zh": …, "en": …}}`` of a table of :data:`models.features.TABLES`.

    Raises :class:`KeyError` for a table that is none of them.
    """
    data = _all()
    own = data["building"] if table == "building_part" else {}
    rows = {**data["common"], **own, **data[table]}
    return {column: {"zh": zh, "en": en} for column, (zh, en) in rows.items()}
