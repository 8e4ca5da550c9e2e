from __future__ import annotations

import pytest

from models.crs import StorageCrs
from models.errors import DatumError
from models.transformation import steps

STORAGE = StorageCrs()


@pytest.mark.parametrize(
    ("horizontal", "accuracy", "said"),
    [
        ("EPSG:4549", 0.0, "unchanged"),
        ("EPSG:4490", 0.0, "projection"),
        ("EPSG:4326", 2.0, "plates"),
        ("+proj=longlat +ellps=krass +towgs84=12,-94,-69,0,0,0,0 +type=crs", None, "declares"),
    ],
)
def test_plan(horizontal: str, accuracy: float | None, said: str) -> None:
    plan, _ = steps(horizontal, "1985", STORAGE)
    assert plan.accuracy == accuracy
    assert said in plan.en
    assert plan.target == "EPSG:4549"


@pytest.mark.parametrize(
    ("vertical", "accuracy", "said"),
    [
        ("1985", 0.0, "unchanged"),
        ("1956", None, "0.029 m"),
        ("wusong:1.6587", None, "1.6587 m"),
        ("egm96", None, "0.3 m"),
        ("ellipsoidal", None, "EGM96"),
    ],
)
def test_height(vertical: str, accuracy: float | None, said: str) -> None:
    _, height = steps("EPSG:4549", vertical, STORAGE, 0.3)
    assert height.accuracy == accuracy
    assert said in height.en
    assert height.zh


def test_what_cannot_be_transformed_has_no_steps() -> None:
    with pytest.raises(DatumError):
        steps("EPSG:4549", "somewhere", STORAGE)
