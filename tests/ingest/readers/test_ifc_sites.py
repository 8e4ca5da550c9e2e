"""Models that only the latitude and longitude of their site place: said, with how well they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.readers.ifc_testing import House, read, refusal
from models.findings import Severity


@pytest.mark.parametrize(
    ("latitude", "longitude", "seconds", "size"),
    [
        ((30, 59), (121, 13), "60″", "1853 m"),
        ((30, 59, 12), (121, 13, 35), "1″", "31 m"),
        ((30, 59, 12, 0), (121, 13, 35, 0), "1″", "31 m"),
        ((30, 59, 12, 840000), (121, 13, 35), "1″", "31 m"),
        ((30, 59, 12, 840000), (121, 13, 35, 40000), "1e-06″", "< 1 m"),
    ],
)
def test_a_place_by_the_site_alone_is_told_with_its_accuracy(
    tmp_path: Path, latitude: tuple[int], longitude: tuple[int], seconds: str, size: str
) -> None:
    house = House("IFC4")
    house.site.RefLatitude, house.site.RefLongitude = latitude, longitude
    house.site.RefElevation = 4.0
    delivery = read(house.write(tmp_path / "site.ifc"), vertical="1985")
    assert delivery.passport.method == "IfcSite"
    (finding,) = [f for f in delivery.findings if f.code == "IFC-05"]
    assert finding.severity is Severity.INFO
    assert finding.place.element == house.site.GlobalId
    assert str(finding.found).endswith(f"± {size}")
    assert finding.expected == "IfcMapConversion"
    for sentence in (finding.zh, finding.en):
        for words in (seconds, size, "IfcMapConversion", "site.ifc"):
            assert words in sentence


def test_a_place_by_the_declared_crs_is_not_said_to_be_the_sites(tmp_path: Path) -> None:
    house = House("IFC4")
    house.site.RefLatitude, house.site.RefLongitude = (30, 59, 12), (121, 13, 35)
    path = house.write(tmp_path / "site.ifc")
    delivery = read(path, horizontal="EPSG:4549", vertical="1985")
    assert delivery.passport.method == "declared"
    assert not any("IfcSite" in finding.en for finding in delivery.findings)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"horizontal": None, "vertical": "1985"}, "IfcProjectedCRS"),
        ({"vertical": None}, "vertical datum"),
    ],
)
def test_a_missing_crs_and_a_missing_datum_are_refused(
    tmp_path: Path, options: dict[str, str | None], words: str
) -> None:
    error = refusal(House("IFC4").write(tmp_path / "house.ifc"), **options)
    assert error.findings[0].code == "MET-01"
    assert words in error.en
