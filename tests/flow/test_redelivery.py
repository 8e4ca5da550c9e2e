"""Deliveries that come again: what was refused this time must not make stored features vanish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import shapely

from ingest.readers.base import ReadOptions
from models.db import read
from models.db.connection import connect
from models.findings import Severity
from models.twins import TwinDefinition, load_twins
from twin import flow
from twin.settings import Settings

ROOT = Path(__file__).parents[2]
#: The twin whose sample survey is a workbook with a sheet for each class.
WORKBOOK = next((ROOT / "data-samples").glob("*/pipes.xlsx"))
TWIN: TwinDefinition = load_twins()[WORKBOOK.parent.name]
DECLARED = ReadOptions(vertical="1985")


def _squares(path: Path, names: list[str], shift: float) -> Path:
    lon, lat = TWIN.centre
    features: list[dict[str, Any]] = [
        {
            "type": "Feature",
            "properties": {"id": name, "height": 12.0},
            "geometry": shapely.geometry.mapping(
                shapely.box(lon + shift + i / 2000, lat, lon + shift + i / 2000 + 1e-4, lat + 1e-4)
            ),
        }
        for i, name in enumerate(names)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def _ingest(home: Path, url: str, files: list[Path], dataset: str) -> list[flow.Outcome]:
    return flow.ingest(Settings(home=home), url, files, DECLARED, TWIN, dataset)


def _count(url: str, *tables: str) -> int:
    with connect(url) as conn:
        found = read.extents(conn, TWIN.id)
    return sum(found[table].count for table in tables)


def test_a_refused_file_leaves_its_features(database: str, tmp_path: Path) -> None:
    a = _squares(tmp_path / "a.geojson", ["a1", "a2"], 0.0)
    b = _squares(tmp_path / "b.geojson", ["b1", "b2"], 0.001)
    assert all(o.clean for o in _ingest(tmp_path, database, [a, b], "D"))
    b.write_text(b.read_text()[:200])
    outcomes = _ingest(tmp_path, database, [a, b], "D")
    assert [o.clean for o in outcomes] == [False, True]
    assert _count(database, "building") == 4
    _squares(b, ["b1"], 0.001)
    _ingest(tmp_path, database, [a, b], "D")
    assert _count(database, "building") == 3, "a clean delivery says what is gone"


def test_an_unreadable_sheet_leaves_its_features(database: str, tmp_path: Path) -> None:
    (first,) = _ingest(tmp_path, database, [WORKBOOK], "pipes")
    before = _count(database, "pipe_point", "pipe_segment")
    assert before == first.accepted > 2000
    book = openpyxl.load_workbook(WORKBOOK)
    spoilt = [name for name in book.sheetnames if name.startswith("燃气")]
    assert spoilt
    for name in spoilt:
        for row in book[name].iter_rows(max_row=4):
            for cell in row:
                if type(cell).__name__ == "Cell":
                    cell.value = "?"
    again = tmp_path / "pipes.xlsx"
    book.save(again)
    (outcome,) = _ingest(tmp_path, database, [again], "pipes")
    errors = [f for f in outcome.findings if f.severity is Severity.ERROR]
    assert {f.place.sheet for f in errors if f.code == "STR-08"} == set(spoilt)
    assert not outcome.clean
    assert _count(database, "pipe_point", "pipe_segment") == before


def test_findings_of_a_refused_file_are_kept(database: str, tmp_path: Path) -> None:
    from models.db import findings

    bad = tmp_path / "bad.geojson"
    bad.write_text("%PDF-1.7")
    (outcome,) = _ingest(tmp_path, database, [bad], "D")
    assert outcome.accepted == 0
    with connect(database) as conn:
        assert [f.code for f in findings.listed(conn, TWIN.id, "D")] == [
            f.code for f in outcome.findings
        ]


def test_other_data_under_a_known_name_are_refused(database: str, tmp_path: Path) -> None:
    """The same file name from another folder must not end what is stored."""
    city = _squares(tmp_path / "city.geojson", [f"c{i}" for i in range(9)], 0.0)
    _ingest(tmp_path, database, [city], "D")
    _squares(city, ["other"], 0.002)
    (refused,) = _ingest(tmp_path, database, [city], "D")
    assert [f.code for f in refused.findings if f.severity is Severity.ERROR] == ["UPD-01"]
    assert _count(database, "building") == 9
    settings = Settings(home=tmp_path)
    (meant,) = flow.ingest(settings, database, [city], DECLARED, TWIN, "D", replace_all=True)
    assert meant.clean
    assert _count(database, "building") == 1


def test_another_owners_features_are_not_touched(database: str, tmp_path: Path) -> None:
    """A delivery by somebody else under the same name needs the first one's consent."""
    settings = Settings(home=tmp_path)
    city = _squares(tmp_path / "city.geojson", [f"c{i}" for i in range(9)], 0.0)

    def deliver(organisation: str | None, *agreed: str, **more: Any) -> flow.Outcome:
        who = {"organisation": organisation, "agreed": agreed, **more}
        (outcome,) = flow.ingest(settings, database, [city], DECLARED, TWIN, "D", **who)
        return outcome

    assert deliver("测绘院").clean
    _squares(city, [f"c{i}" for i in range(8)], 0.0)
    for stranger in (None, "别家公司"):
        refused = deliver(stranger)
        (told,) = [f for f in refused.findings if f.severity is Severity.ERROR]
        assert told.code == "UPD-01" and "测绘院" in told.zh and "测绘院" in told.en
        assert _count(database, "building") == 9
    assert deliver("别家公司", "测绘院").clean
    assert _count(database, "building") == 8
    _squares(city, [f"c{i}" for i in range(7)], 0.0)
    assert deliver(None, replace_all=True).clean
    assert _count(database, "building") == 7
