"""Checking and storing say the same of networks whose heights are known in part, and a delivery of
which nothing can be read is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.readers.base import ReadOptions
from models.db import read
from models.db.connection import connect
from models.findings import Severity
from models.twins import load_twins
from twin import flow
from twin.settings import Settings
from twin.testing import Program

TWIN = load_twins()["songjiang-hub"]
DECLARED = ReadOptions("EPSG:4549", "1985")
PLACES = """\
[COORDINATES]
A 617500 3430500
B 617520 3430500
R 617400 3430500
"""
WATER = """\
[JUNCTIONS]
A 4.0
B 4.2
[RESERVOIRS]
R 30
[PIPES]
P1 R A 100 300 130
P2 A B 20 200 130
[OPTIONS]
Units LPS
"""
DRAINS = """\
[OPTIONS]
FLOW_UNITS CMS
[JUNCTIONS]
A 2.0 3.0
B 1.5 0
[OUTFALLS]
R 1.0 FREE
[CONDUITS]
P1 A B 50 0.013 0 0
[PUMPS]
P2 B R curve ON
[XSECTIONS]
P1 CIRCULAR 0.4 0 0 0
"""


@pytest.mark.parametrize(
    ("text", "kept", "refused"),
    [
        (WATER, ({"A", "B"}, set()), {"R", "P1", "P2"}),
        (DRAINS, ({"A", "B", "R"}, {"P1"}), {"P2@", "P2#1", "P2#2"}),
    ],
    ids=["epanet", "swmm"],
)
def test_a_network_is_stored_as_far_as_the_check_says(
    text: str,
    kept: tuple[set[str], set[str]],
    refused: set[str],
    database: str,
    tmp_path: Path,
) -> None:
    path = tmp_path / "net.inp"
    path.write_text(text + PLACES, "utf-8")
    settings = Settings(home=tmp_path / "home")
    (checked,) = flow.check([path], DECLARED, None, settings.storage_srid)
    (stored,) = flow.ingest(settings, database, [path], DECLARED, TWIN, "net")
    for outcome in (checked, stored):
        errors = [f for f in outcome.findings if f.severity is Severity.ERROR]
        assert {f.place.element for f in errors} == refused
        assert {f.code for f in errors} == {"STR-02", "STR-03"}
        assert outcome.accepted + len(refused) == outcome.features_in
    with connect(database, read_only=True) as conn:
        for table, keys in zip(("pipe_point", "pipe_segment"), kept, strict=True):
            rows = read.read_table(conn, table, TWIN.id, columns=["key"])
            assert set(rows["key"]) == keys


def test_a_folder_of_nothing_that_can_be_read_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "模型 models"
    folder.mkdir()
    (folder / "a.gml").write_text("<CityModel/>")
    (folder / "b.pdf").write_bytes(b"%PDF-1.4")
    program = Program(tmp_path / "home").here
    answer = program.json("check", folder, status=2)
    (error,) = [f for f in answer["findings"] if f["severity"] == "error"]
    assert error["code"] == "STR-00"
    for language in ("zh", "en"):
        assert folder.name in error[language]
        assert "GeoPackage" in error[language], "it says what can be read"
    assert [f["code"] for f in answer["findings"]].count("INF-01") == 2
    (folder / "net.inp").write_text(DRAINS + PLACES)
    words = ("--crs", "EPSG:4549", "--vertical", "1985")
    answer = program.json("check", folder, *words, status=1)
    assert "STR-00" not in {f["code"] for f in answer["findings"]}


def test_cityjson_is_called_so_wherever_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "delft.json"
    objects = ",".join(f'"b{i}":{{"type":"Building"}}' for i in range(1000))
    path.write_text(f'{{"CityObjects":{{{objects}}},"type":"CityJSON"}}')
    answer = Program(tmp_path / "home").here.json("check", path, status=2)
    (error,) = answer["findings"]
    assert error["code"] == "STR-00"
    assert "CityJSON, which is not supported yet" in error["en"]
    assert "GeoPackage" in error["en"]
    assert "CityJSON，目前尚不支持" in error["zh"]
    assert "GeoPackage" in error["zh"]
