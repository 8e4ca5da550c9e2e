from __future__ import annotations

from pathlib import Path

import pytest
from pyproj import Transformer

from ingest.errors import RefusedError
from ingest.readers.addresses import AddressTable, read
from models.crs import STORAGE
from models.errors import DatumError

GOOD = """名称,地址,类别,经度,纬度
松江枢纽,上海市松江区金玉路1号,地名,121.2264,30.9869
,上海市松江区中山东路8号,,121.23,30.99
"""


def table(folder: Path, text: str, encoding: str = "utf-8", crs: str = "EPSG:4490") -> AddressTable:
    path = folder / "addresses.csv"
    path.write_bytes(text.encode(encoding))
    return read(path, crs, STORAGE)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_names_and_addresses_are_read(tmp_path: Path, encoding: str) -> None:
    found = table(tmp_path, GOOD, encoding)
    assert [(p.kind, p.name) for p in found.places] == [
        ("place", "松江枢纽"),
        ("address", "上海市松江区中山东路8号"),
    ]
    wanted = Transformer.from_crs(4490, 4549, always_xy=True).transform(121.2264, 30.9869)
    assert (found.places[0].east, found.places[0].north) == pytest.approx(wanted, abs=1e-3)
    assert found.findings == ()


def test_parts_of_an_address_are_joined_from_the_large_to_the_small(tmp_path: Path) -> None:
    text = "区,市,路,号,经度,纬度\n松江区,上海市,中山路,8号,121.2,31\n"
    assert table(tmp_path, text).places[0].address == "上海市松江区中山路8号"


def test_rows_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    rows = ",,,121.2,31\na,,,x,31\nb,,,31,121.2\nc,,,,31\nd,,,nan,31\n"
    found = table(tmp_path, GOOD + rows)
    assert len(found.places) == 2
    assert found.rows == 7
    assert sorted(f.place.row or 0 for f in found.findings) == [4, 5, 6, 7, 8]
    assert all(f.code == "ADR-01" and f.zh and f.en for f in found.findings)


def test_survey_axes_are_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="northing"):
        table(tmp_path, "名称,X,Y\na,1,2\n")
    with pytest.raises(RefusedError):
        table(tmp_path, "")
    with pytest.raises(RefusedError, match="UTF-8"):
        path = tmp_path / "a.csv"
        path.write_bytes(b"\xff\xfe\x00\x81")
        read(path, "EPSG:4490", STORAGE)
    with pytest.raises(DatumError):
        table(tmp_path, GOOD, crs="EPSG:1")
