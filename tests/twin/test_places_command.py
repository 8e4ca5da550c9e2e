"""``twin places``: an address table into a database, with heights of a declared datum."""

from __future__ import annotations

from pathlib import Path

from models.db.testing import ask
from twin.testing import Program

TABLE = """名称,地址,类别,东坐标,北坐标,高程
风速仪,金玉路10号,传感器,617513,3429913,45
无坐标,金玉路10号,传感器,,,45
"""


def test_heights_need_a_datum_and_rows_left_out_are_told(database: str, tmp_path: Path) -> None:
    program = Program(tmp_path / "home", {"TWIN_DATABASE_URL": database}).here
    table = tmp_path / "传感器.csv"
    table.write_text(TABLE, encoding="utf-8")
    asked = ("places", table, "--twin", "songjiang-hub", "--crs", "EPSG:4549")
    refused = program.run(*asked)
    assert refused.returncode == 2
    assert "--vertical" in refused.stdout + refused.stderr
    done = program.run(*asked, "--vertical", "wusong:1.6587")
    assert done.returncode == 1
    assert "ADR-01" in done.stdout + done.stderr
    assert "1 行未采用 rows left out" in done.stdout
    kept = ask(database, "SELECT name || ' ' || round(height::numeric, 4) FROM place")
    assert kept == "风速仪 43.3413"
