"""Access databases: real files read by mdbtools, and what is refused."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from ingest.errors import RefusedError
from ingest.isolation import Limits
from ingest.readers import tables_access
from ingest.testing import keys, read, refusal, require_complete
from models.findings import Severity

FILES = Path(__file__).parent / "access"
LIMITS = Limits(60.0, 1 << 30)


@pytest.mark.parametrize("name", ["survey_jet4.mdb", "survey_ace.accdb"])
def test_a_survey_in_a_database(name: str) -> None:
    delivery = read(FILES / name)
    assert delivery.errors == 0
    assert (delivery.passport.horizontal, delivery.passport.vertical) == ("EPSG:4549", "1985")
    assert keys(delivery, "pipe_point") == [f"YS{i}" for i in range(6)]
    points, pipes = delivery.tables["pipe_point"], delivery.tables["pipe_segment"]
    assert points["x_src"].tolist() == [3430515.006 + 30 * i for i in range(6)]
    assert set(points["y_src"]) == {617486.771}  # without the noise of the sixteenth digit
    assert points["source_row"].tolist() == [1, 2, 3, 4, 5, 6]  # records, which have no header row
    assert set(points["source_sheet"]) == {"YSPoint"}
    assert points["attrs"].iloc[2]["Note"] == '井盖破损，"需更换"\n第二行'
    assert pipes["built"].astype(str).tolist() == ["2016-05-12"] * 5
    assert set(pipes["owner"]) == {"松江水务"}


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    whole = (FILES / "survey_jet4.mdb").read_bytes()
    (tmp_path / "a.mdb").write_bytes(whole[:9000])
    (finding,) = refusal(tmp_path / "a.mdb")
    assert finding.code == "STR-00" and finding.severity is Severity.ERROR


def test_what_is_no_database_is_said_to_be_something_else(tmp_path: Path) -> None:
    (tmp_path / "a.mdb").write_bytes(b"%PDF-1.7 ...")
    (finding,) = refusal(tmp_path / "a.mdb")
    assert finding.found == "PDF"


def test_without_mdbtools_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (finding,) = refusal(FILES / "survey_jet4.mdb")
    assert "mdbtools" in finding.en and "XLSX" in finding.zh


def test_a_program_that_hangs_is_stopped_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "pid"
    for name, body in (
        ("mdb-tables", "echo T"),
        ("mdb-export", f"echo $$ > {mark}\nexec /bin/sleep 600"),
    ):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(RefusedError) as error:
        tables_access.read(FILES / "survey_jet4.mdb", Limits(3.0, 1 << 30))
    require_complete(error.value.findings[0])
    assert "3 s" in error.value.findings[0].en
    assert _gone(int(mark.read_text()))


def test_a_program_that_floods_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, body in (("mdb-tables", "echo T"), ("mdb-export", "exec cat /dev/zero")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(RefusedError):
        tables_access.read(FILES / "survey_jet4.mdb", Limits(30.0, 64 << 20))


def _gone(pid: int) -> bool:
    """Whether a process has ended (init may take a moment to bury it)."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False
