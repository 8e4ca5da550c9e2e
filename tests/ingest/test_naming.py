"""Names of datasets that nobody named."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from ingest.archives import opened
from ingest.naming import dataset_name
from ingest.pipeline import check
from ingest.readers.base import ReadOptions
from ingest.testing import run_of, workbook


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["pipes.xlsx"], "pipes"),
        (["points.csv", "lines.csv"], "荣乐路"),
        (["点表.csv", "线表.csv"], "荣乐路"),
        (["points.csv", "pipes.csv"], "荣乐路"),
        (["points_2024.csv", "lines_2024.csv"], "荣乐路"),
        (["JS_点表.csv", "JS_线表.csv"], "JS"),
        (["JSPoint.csv", "JSLine.csv"], "JS"),
        (["JSPoint.csv", "JSPipe.csv"], "JS"),
        (["street_points.csv", "street_pipes.csv"], "street"),
        (["松江管点.csv", "松江管线.csv"], "松江"),
        (["街区_点表.csv", "街区_线表.csv", "元数据.csv"], "街区"),
        (["buildings.shp", "buildings.shx", "buildings.dbf"], "buildings"),
        (["元数据.csv"], "元数据"),
    ],
)
def test_what_the_files_have_in_common_else_their_folder(names: list[str], expected: str) -> None:
    for order in itertools.permutations(names):
        assert dataset_name([Path("/delivered/荣乐路", name) for name in order]) == expected


def test_files_out_of_an_archive_without_a_folder_are_named_by_it(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "荣乐路.zip", "w") as archive:
        for name in ("points.csv", "lines.csv"):
            archive.writestr(name, "a,b\n")
    with opened([tmp_path / "荣乐路.zip"]) as (files, _):
        assert len(files) == 2
        assert dataset_name(files) == "荣乐路"


def test_a_check_tells_the_name_that_a_declared_one_replaces(tmp_path: Path) -> None:
    path = workbook(tmp_path / "street.xlsx", *run_of(3))
    (result,) = check([path], ReadOptions())
    assert result.dataset == "street"
    (result,) = check([path], ReadOptions(), dataset="water")
    assert result.dataset == "water"
