"""Every column that a user may see has a Chinese and an English label."""

from __future__ import annotations

import pytest

from models.features import TABLES
from models.labels import labels

NEVER_SHOWN = {"id", "geom", "source_geom", "placement", "mesh", "from_point_id", "to_point_id"}


@pytest.mark.parametrize("table", TABLES)
def test_every_shown_column_has_both_labels(table: str) -> None:
    found = labels(table)
    assert set(found) == set(TABLES[table]) - NEVER_SHOWN
    assert all(label["zh"] and label["en"] for label in found.values())
    assert all(label["zh"] != label["en"] for label in found.values())


def test_unknown_table() -> None:
    with pytest.raises(KeyError):
        labels("no_such_table")
