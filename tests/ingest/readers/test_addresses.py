from __future__ import annotations

from pathlib import Path

import pytest
import shapely
from pyproj import Transformer

from ingest.errors import RefusedError
from ingest.readers.addresses import AddressTable, read
from models.crs import STORAGE
from models.errors import DatumError

GOOD = """名称,地址,类别,经度,纬度
松江枢纽,上海市松江区金玉路1号,地名,121.2264,30.9869
,上海市松江区中山东路8号,,121.23,30.99
"""


def table(
    folder: Path,
    text: str,
    encoding: str = "utf-8",
    crs: str = "EPSG:4490",
    vertical: str | None = None,
) -> AddressTable:
    path = folder / "addresses.csv"
    path.write_bytes(text.encode(encoding))
    return read(path, crs, STORAGE, vertical)


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


MAST = "名称,类别,东坐标,北坐标,高程\n风速仪,传感器,617513,3429913,45\n门牌,地址,617500,3429900,\n"
SQUARE = "POLYGON((617500 3429900,617520 3429900,617520 3429910,617500 3429910,617500 3429900))"
PARCELS = f"""宗地号,名称,类别,东坐标,北坐标,范围
1,甲,宗地,,,"{SQUARE}"
2,乙,宗地,617501,3429901,"MULTI{SQUARE.replace("((", "(((").replace("))", ")))")}"
"""


def test_heights_come_to_the_datum_of_1985(tmp_path: Path) -> None:
    mast, door = table(tmp_path, MAST, crs="EPSG:4549", vertical="wusong:1.6587").places
    assert mast.kind == "sensor"
    assert mast.height == pytest.approx(45 - 1.6587)
    assert door.height is None
    with pytest.raises(RefusedError, match="--vertical"):
        table(tmp_path, MAST, crs="EPSG:4549")
    with pytest.raises(DatumError):
        table(tmp_path, MAST, crs="EPSG:4549", vertical="sea level")


def test_outlines_of_parcels(tmp_path: Path) -> None:
    first, second = table(tmp_path, PARCELS, crs="EPSG:4549").places
    for parcel in (first, second):
        assert parcel.outline is not None
        assert parcel.outline.geom_type == "MultiPolygon"
        assert parcel.outline.area == pytest.approx(200)
        assert parcel.outline.covers(shapely.Point(parcel.east, parcel.north))
    assert (second.east, second.north) == (617501, 3429901)
    only = PARCELS.replace(",东坐标,北坐标", "").replace(",宗地,,,", ",宗地,")
    assert len(table(tmp_path, only.splitlines()[0] + "\n" + only.splitlines()[1]).places) == 0
    assert len(table(tmp_path, "\n".join(only.splitlines()[:2]), crs="EPSG:4549").places) == 1


@pytest.mark.parametrize(
    "row",
    [
        "a,宗地,617500,3429900,x,", "a,宗地,617500,3429900,nan,", "a,宗地,617500,,1,",
        "a,宗地,617500,3429900,1,LINESTRING(0 0,1 1)", "a,宗地,617500,3429900,1,POLYGON((0 0",
        '"a",宗地,,,1,"POLYGON((0 0,1 1,1 0,0 1,0 0))"',
        f'a,宗地,617500,3429900,1,"{SQUARE.replace("617520", "9617520")}"',
    ],
)  # fmt: skip
def test_heights_and_outlines_that_are_none_are_told(tmp_path: Path, row: str) -> None:
    text = f"名称,类别,东坐标,北坐标,高程,范围\n{row}\n"
    found = table(tmp_path, text, crs="EPSG:4549", vertical="1985")
    assert found.places == ()
    (finding,) = found.findings
    assert (finding.code, finding.place.row) == ("ADR-01", 2)


def test_a_cell_without_end_is_told(tmp_path: Path) -> None:
    for text in (f"名称,经度,纬度\n{'a' * 200_000},121,31\n", "名称" * 200_000):
        with pytest.raises(RefusedError, match="cannot be read"):
            table(tmp_path, text)


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


def test_columns_that_nothing_is_read_from_are_named(tmp_path: Path) -> None:
    text = "名称,市,备注,经度,纬度,面积\n松江枢纽,上海市,x,121.2,31,5\n"
    assert table(tmp_path, text).unused == ("备注", "面积")
    assert table(tmp_path, GOOD).unused == ()
