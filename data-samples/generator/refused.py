"""Small survey files that must be refused whole, with what must be said of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .network import Network
from .sheets import write_csv, write_xlsx
from .survey import METADATA, Table, tables


def write(folder: Path, net: Network) -> list[dict[str, Any]]:
    """Write the files; returns what is expected of each."""
    expected: list[dict[str, Any]] = []
    good = dict(METADATA)

    def pair() -> list[Table]:
        return list(tables(net, "RQ", names="{name}{kind}", generic=True, year_only=False))

    def notes(**changes: str | None) -> list[tuple[str, str]]:
        return [(k, v) for k, v in {**good, **changes}.items() if v is not None]

    def book(
        name: str, code: str, zh: str, en: str, sheets: list[Table], meta: list[tuple[str, str]]
    ) -> None:
        write_xlsx(folder / name, sheets, meta)
        expect(name, code, zh, en)

    def expect(name: str, code: str, zh: str, en: str) -> None:
        expected.append(
            {"file": name, "refused": True, "code": code, "severity": "error", "zh": zh, "en": en}
        )

    book("no_crs.xlsx", "MET-01", "未声明坐标系", "no CRS declared", pair(), notes(坐标系=None))
    book(
        "no_vertical_datum.xlsx",
        "MET-01",
        "未声明高程基准",
        "no vertical datum declared",
        pair(),
        notes(高程基准=None),
    )
    book(
        "wusong_without_offset.xlsx",
        "MET-01",
        "吴淞高程未给改正数",
        "Wusong heights without an offset",
        pair(),
        notes(高程基准="吴淞高程系"),
    )
    swapped, line = pair()
    swapped.rows = [[*r[:2], r[3], r[2], *r[4:]] for r in swapped.rows]
    book(
        "swapped_xy.xlsx",
        "CRS-01",
        "全表 X、Y 颠倒",
        "X and Y swapped throughout",
        [swapped, line],
        notes(),
    )
    zone, line = pair()
    zone.rows = [[*r[:3], round(float(str(r[3])) + 40e6, 3), *r[4:]] for r in zone.rows]
    book(
        "zone_prefix.xlsx",
        "CRS-02",
        "Y 带 40 带号，与声明不符",
        "eastings carry zone 40, the declaration does not",
        [zone, line],
        notes(),
    )
    missing, line = pair()
    missing.columns[4] = "空列"
    book(
        "missing_column.xlsx",
        "STR-01",
        "缺列 地面高程",
        "no column 地面高程",
        [missing, line],
        notes(),
    )
    twice, line = pair()
    twice.columns[10] = "X"
    book(
        "duplicate_header.xlsx",
        "STR-01",
        "表头 X 重复",
        "the header X twice",
        [twice, line],
        notes(),
    )
    empty = [Table("给水点", [], []), Table("给水线", [], [])]
    book("empty_sheets.xlsx", "STR-08", "只有空表", "only empty sheets", empty, notes())
    write_xlsx(folder / "half_written.xlsx", pair(), notes())
    data = (folder / "half_written.xlsx").read_bytes()
    (folder / "half_written.xlsx").write_bytes(data[: len(data) // 2])
    expect("half_written.xlsx", "STR-00", "文件不完整", "the file is cut off")
    (folder / "not_a_workbook.xlsx").write_bytes(
        b"%PDF-1.4\n% a PDF by content, a workbook by name\n"
    )
    expect("not_a_workbook.xlsx", "STR-00", "内容不是工作簿", "not what its name says")
    point, line = pair()
    for table in (point, line):
        table.preamble = METADATA
        kind = "点表" if table is point else "线表"
        write_csv(folder / f"RQ_乱码_{kind}.csv", table)
        raw = (folder / f"RQ_乱码_{kind}.csv").read_bytes()
        (folder / f"RQ_乱码_{kind}.csv").write_bytes(raw[:400] + b"\xff\xff\x80" + raw[400:])
        expect(f"RQ_乱码_{kind}.csv", "STR-00", "编码损坏", "broken encoding")
    return expected
