"""Whole deliveries: folders and ZIP archives of several files, with one description for all."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import shapely

from ingest.manifest import read_manifest
from ingest.pipeline import CheckResult, check, open_delivery
from ingest.readers.base import ReadOptions
from ingest.testing import EAST, LINE, NORTH, POINT, cells, require_complete, run_of, write_csv
from models.crs import STORAGE
from models.findings import Severity

NOTHING = ReadOptions()
MANIFEST: dict[str, Any] = {
    "project_no": "SJ-2026-017",
    "survey_unit": "测绘一院",
    "owner_code": "松江水务",
    "method": "跟踪测量",
    "epoch": "2000.0",
    "crs": "EPSG:4549",
    "vdatum": "1985国家高程基准",
}


def tables(folder: Path, code: str, drop: tuple[str, ...] = ()) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    points, lines = run_of(3, prefix=code)
    columns = [name for name in LINE if name not in drop]
    return [
        write_csv(folder / f"{code}_点表.csv", cells(POINT, points, [])),
        write_csv(folder / f"{code}_线表.csv", cells(columns, lines, [])),
    ]


def delivery(folder: Path, **more: Any) -> Path:
    """Tables of two classes in folders of their own, photographs, a report and a manifest."""
    tables(folder / "给水", "JS")
    tables(folder / "燃气", "RQ")
    (folder / "照片").mkdir()
    for number in range(7):
        (folder / "照片" / f"JS1-{number}.jpg").write_bytes(b"\xff\xd8\xff" + bytes(20))
    (folder / "技术总结.pdf").write_bytes(b"%PDF-1.7 ...")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST | more), encoding="utf-8")
    return folder


def read(results: list[CheckResult]) -> list[CheckResult]:
    return [result for result in results if result.delivery is not None]


def zipped(folder: Path, to: Path) -> Path:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return to


@pytest.mark.parametrize("packed", [False, True])
def test_a_manifest_holds_for_every_file_below_it(tmp_path: Path, packed: bool) -> None:
    folder = delivery(tmp_path / "交付")
    path = zipped(folder, tmp_path / "a.zip") if packed else folder
    if packed:
        shutil.rmtree(folder)
    results = check([path], NOTHING)
    good = read(results)
    assert [r.accepted for r in good] == [5, 5]
    for result in good:
        assert result.delivery is not None and result.manifest is not None
        passport = result.delivery.passport
        assert (passport.horizontal, passport.vertical) == ("EPSG:4549", "1985")
        assert passport.method == "跟踪测量; 测绘一院; SJ-2026-017"
        assert passport.epoch == "2000.0"
        assert (result.manifest.project, result.manifest.owner) == ("SJ-2026-017", "松江水务")
    rest = [f for r in results if r.delivery is None for f in r.findings]
    assert {f.severity for f in rest} == {Severity.INFO}
    assert sorted((str(f.found), len(f.extra["files"])) for f in rest) == [("1", 1), ("7", 7)]


def test_a_metadata_table_with_subfolders(tmp_path: Path) -> None:
    tables(tmp_path / "a" / "给水", "JS")
    rows = [["坐标系", "CGCS2000 3度带 120E"], ["高程基准", "1985国家高程基准"]]
    write_csv(tmp_path / "a" / "元数据.csv", rows)
    (result,) = check([tmp_path / "a"], NOTHING)
    assert result.accepted == 5
    groups, unread = open_delivery([tmp_path / "a"])
    assert unread == [] and [len(g.paths) for g in groups] == [3]


def test_the_owner_of_a_delivery_is_that_of_its_lines(tmp_path: Path) -> None:
    tables(tmp_path, "JS", drop=("权属单位",))
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    (result,) = read(check([tmp_path], NOTHING))
    assert result.delivery is not None
    assert set(result.delivery.tables["pipe_segment"]["owner"]) == {"松江水务"}
    assert not [f for f in result.findings if "权属单位" in f.zh]


def test_a_manifest_gives_other_readers_the_datums_they_lack(tmp_path: Path) -> None:
    corner = [[[EAST, NORTH], [EAST + 20, NORTH], [EAST + 20, NORTH + 9], [EAST, NORTH]]]
    feature = {
        "type": "Feature",
        "properties": {"id": "b0", "height": 12.0},
        "geometry": {"type": "Polygon", "coordinates": corner},
    }
    (tmp_path / "b.geojson").write_text(
        json.dumps(
            {
                "type": "FeatureCollection",
                "crs": {"type": "name", "properties": {"name": "EPSG:4549"}},
                "features": [feature],
            }
        )
    )
    (refused,) = check([tmp_path], NOTHING)
    assert refused.delivery is None and {f.code for f in refused.findings} == {"MET-01"}
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    (result,) = check([tmp_path], NOTHING)
    assert result.delivery is not None
    assert result.delivery.passport.vertical == "1985"


def test_a_declaration_that_contradicts_the_manifest(tmp_path: Path) -> None:
    folder = delivery(tmp_path / "a")
    results = check([folder], ReadOptions(horizontal="EPSG:4548"))
    assert not read(results)
    assert {f.code for r in results for f in r.findings if f.severity is Severity.ERROR} == {
        "MET-02"
    }


def test_the_area_of_a_delivery_in_degrees_and_in_its_crs(tmp_path: Path) -> None:
    plane = shapely.box(EAST - 50, NORTH - 50, EAST + 50, NORTH + 50)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(MANIFEST | {"area_polygon": shapely.geometry.mapping(plane)}))
    area = read_manifest(path, STORAGE).area
    assert area is not None and area.symmetric_difference(plane).area < 1e-3
    degrees = {
        "type": "Polygon",
        "coordinates": [[[121, 31], [121.1, 31], [121.1, 31.1], [121, 31]]],
    }
    path.write_text(json.dumps(MANIFEST | {"area_polygon": degrees}))
    assert read_manifest(path, STORAGE).area is not None
    path.write_text(json.dumps(MANIFEST | {"area_polygon": "somewhere"}))
    (result,) = [r for r in check([path], NOTHING) if "MET-04" in {f.code for f in r.findings}]
    require_complete(result.findings[0])


@pytest.mark.parametrize(
    ("name", "body", "word"),
    [
        ("a.dwg", b"AC1027\x00\x00\x00", "DXF"),
        ("b.dwg", b"AC1032\x00\x00\x00", "2018"),
        ("c.png", b"\x89PNG\r\n\x1a\n", "image"),
        ("d.las", b"LASF" + bytes(400), "point cloud"),
    ],
)
def test_files_named_one_by_one_are_refused_with_advice(
    tmp_path: Path, name: str, body: bytes, word: str
) -> None:
    (tmp_path / name).write_bytes(body)
    (result,) = check([tmp_path / name], NOTHING)
    (finding,) = result.findings
    require_complete(finding)
    assert finding.severity is Severity.ERROR and word in finding.en


def test_a_drawing_nobody_reads_is_an_error_in_a_folder_too(tmp_path: Path) -> None:
    (tmp_path / "管线.dwg").write_bytes(b"AC1032\x00\x00\x00")
    (result,) = check([tmp_path], NOTHING)
    assert [f.severity for f in result.findings] == [Severity.ERROR]


@pytest.mark.parametrize("body", [b"{", b"[1]", b"{" + b'"a":{' * 5000])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, body: bytes) -> None:
    tables(tmp_path, "JS")
    (tmp_path / "manifest.json").write_bytes(body)
    declared = ReadOptions(horizontal="EPSG:4549", vertical="1985")
    results = check([tmp_path], declared)
    assert [f.code for r in results for f in r.findings if f.severity is Severity.ERROR]
