"""Statistics and check measurements that lie beside the tables of a survey."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ingest.pipeline import check
from ingest.readers.base import ReadOptions
from ingest.testing import (
    CRS,
    DATUM,
    EAST,
    LINE,
    NORTH,
    POINT,
    cells,
    refusal,
    run_of,
    write_csv,
    write_xlsx,
)  # fmt: skip

#: JS1 stands 30 m north of the origin.
CHECKS: list[list[Any]] = [
    ["物探点号", "检查X", "检查Y", "检查方式"],
    ["JS1", round(NORTH + 30.5, 3), EAST, "重复探查"],
]


def test_sheets_of_a_workbook(tmp_path: Path) -> None:
    points, lines = run_of(3)
    path = write_xlsx(
        tmp_path / "a.xlsx",
        {
            "JSPoint": cells(POINT, points, [CRS, DATUM]),
            "JSLine": cells(LINE, lines, []),
            "重复探查": CHECKS,
            "统计表": [["管类", "长度(m)"], ["给水", 70], ["燃气", 10]],
        },
    )
    (result,) = check([path], ReadOptions())
    assert [(f.code, f.place.sheet, f.place.row) for f in result.findings] == [
        ("ACC-01", "JSPoint", 5), ("TOT-01", "统计表", 2), ("TOT-01", "统计表", 3),
    ]  # fmt: skip


def test_a_point_table_may_hold_the_check_itself(tmp_path: Path) -> None:
    points, lines = run_of(3)
    points[1] |= {"检查X": CHECKS[1][1], "检查Y": EAST}
    columns = [*POINT, "检查X", "检查Y"]
    path = write_xlsx(
        tmp_path / "a.xlsx",
        {
            "JSPoint": cells(columns, points, [CRS, DATUM]),
            "JSLine": cells(LINE, lines, []),
        },
    )
    (result,) = check([path], ReadOptions())
    assert result.accepted == 5
    assert ("ACC-01", 5) in {(f.code, f.place.row) for f in result.findings}


def test_files_of_a_folder_hold_for_every_class_in_it(tmp_path: Path) -> None:
    """The statistics are about both classes; each file of tables is compared with its own."""
    for code, east in (("JS", 0.0), ("RL", 20.0)):
        points, lines = run_of(3, code, 材质="钢", 压力=0.4)
        for row in points:
            row["Y"] = round(row["Y"] + east, 3)
        write_csv(tmp_path / f"{code}_点表.csv", cells(POINT, points, [CRS, DATUM]))
        write_csv(tmp_path / f"{code}_线表.csv", cells(LINE, lines, []))
    write_csv(tmp_path / "重复探查.csv", CHECKS)
    stated: list[list[Any]] = [["管类", "长度(m)"], ["给水", 70], ["热力", 60], ["合计", 130]]
    write_csv(tmp_path / "统计.csv", stated)
    water, heat = check([tmp_path], ReadOptions())
    assert (water.accepted, heat.accepted) == (5, 5)
    told = {(f.code, f.place.file, f.place.row) for f in water.findings}
    assert told >= {("ACC-01", "JS_点表.csv", 5), ("TOT-01", "统计.csv", 2)}
    assert not {f.code for f in heat.findings} & {"ACC-01", "TOT-01"}
    assert ("TOT-01", "统计.csv", 4) not in told


def test_alone_they_are_no_survey(tmp_path: Path) -> None:
    (finding,) = refusal(write_csv(tmp_path / "重复探查.csv", CHECKS))
    assert finding.code == "STR-08" and finding.place.file == "重复探查.csv"
