"""Digits of coordinates in each CRS."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from tests.twin.ogc.test_crs import COLLECTIONS, CRS84, CRS84H, EPSG

#: CRS → decimals of its axes: millimetres of ground, or a tenth in the CRS of the surveys.
DIGITS = {
    CRS84: 8, CRS84H: 8, f"{EPSG}4326": 8, f"{EPSG}4490": 8, f"{EPSG}4979": 8, f"{EPSG}3857": 3,
    f"{EPSG}4549": 4,
}  # fmt: skip


@pytest.mark.parametrize("crs", DIGITS)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_coordinates_have_as_many_digits_as_mean_something(
    client: httpx.Client, collection: str, crs: str
) -> None:
    """RFC 7946, section 11.2: more than the data has are noise; a millimetre is what surveys have.
    Heights have three whatever the CRS of the plan."""
    found = client.get(f"/collections/{collection}/items", params={"crs": crs, "limit": 20}).json()
    written = json.dumps([feature["geometry"]["coordinates"] for feature in found["features"]])
    longest = max(len(decimals) for decimals in re.findall(r"\.(\d+)", written))
    assert longest <= DIGITS[crs]
    assert longest >= 7 or DIGITS[crs] < 8
