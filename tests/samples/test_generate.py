"""The generator writes what is committed, byte for byte, and nothing else."""

import hashlib
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import yaml


@pytest.fixture(scope="module")
def written(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data-samples")
    start = time.monotonic()
    subprocess.run([sys.executable, str(root / "generate.py"), str(folder)], check=True)
    assert time.monotonic() - start < 60.0
    return folder


def _files(folder: Path) -> dict[str, Path]:
    made = [p for p in folder.rglob("*") if p.is_file() and len(p.relative_to(folder).parts) > 1]
    own = {"generator", "__pycache__"}
    return {
        str(p.relative_to(folder)): p for p in made if not own & set(p.relative_to(folder).parts)
    }


def _digest(path: Path) -> str:
    """SHA-256 of the content; of a workbook, of its members, since deflate may differ by zlib."""
    sha = hashlib.sha256()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                sha.update(repr((info.filename, info.date_time)).encode() + archive.read(info))
    else:
        sha.update(path.read_bytes())
    return sha.hexdigest()


def test_same_files_as_committed(root: Path, written: Path) -> None:
    assert _files(written).keys() == _files(root).keys()


def test_same_bytes_as_committed(root: Path, written: Path) -> None:
    fresh, held = _files(written), _files(root)
    # Half a deflated workbook cannot be compared by its members.
    names = sorted(held.keys() - {"planted/half_written.xlsx"})
    assert [n for n in names if _digest(fresh[n]) != _digest(held[n])] == []


def test_no_more_than_eight_megabytes(root: Path) -> None:
    assert sum(p.stat().st_size for p in _files(root).values()) <= 8_000_000


def test_no_time_of_writing_in_workbooks(root: Path) -> None:
    with zipfile.ZipFile(root / "songjiang-hub" / "pipes.xlsx") as archive:
        assert {i.date_time for i in archive.infolist()} == {(2026, 1, 1, 0, 0, 0)}


def test_list_of_samples_names_files_that_are_there(root: Path) -> None:
    rows = yaml.safe_load((root / "samples.yaml").read_text("utf-8"))
    listed = {name for row in rows for name in row["files"]}
    loadable = {name for name in _files(root) if not name.startswith("planted/")}
    assert listed == loadable
