"""``twin tile --check``: lints a tileset and prints what it costs; needs no database."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from models.findings import Severity
from tiles.check import Limits, Report, check_tileset
from twin import report
from twin.console import err, out

DONE, PARTIAL = 0, 1
#: A check may take so long.
SECONDS = 3600.0

_ROWS: tuple[tuple[str, str], ...] = (
    ("tiles", "瓦片 Tiles"),
    ("tilesets", "瓦片集文件 Tileset files"),
    ("contents", "内容 Contents"),
    ("depth", "层级 Depth"),
    ("features", "要素 Features"),
    ("triangles", "三角形 Triangles"),
    ("points", "点 Points"),
    ("draw_calls", "绘制次数 Draw calls"),
    ("files", "文件 Files"),
    ("bytes", "传输字节 Bytes to send"),
    ("largest_tile_bytes", "最大瓦片 Largest tile, bytes"),
    ("far_requests", "全市远景请求 Requests, view of the whole"),
    ("far_bytes", "全市远景字节 Bytes, view of the whole"),
)


def run(path: Path, as_json: bool) -> int:
    """Check ``path`` and print; the exit status: 0 clean, 1 findings.

    Raises :class:`models.errors.TwinError` where there is nothing to check.
    """
    found = check_tileset(path, limits=Limits(seconds=SECONDS))
    if as_json:
        text = json.dumps(found.as_dict(), ensure_ascii=False, default=str)
        out.print(text, markup=False, soft_wrap=True)
    else:
        report.show(err, found.findings, reports=False)
        _tell_rest(found)
        out.print(_table(path, found))
    return DONE if found.clean else PARTIAL


def _tell_rest(found: Report) -> None:
    """Counts of codes of which not every finding was kept."""
    kept = Counter(finding.code for finding in found.findings)
    for code, total in sorted(found.totals.items()):
        if total > kept[code]:
            err.print(f"  {code}: 共 {total} 条，保留 {kept[code]} 条 ({total} in all)")


def _table(path: Path, found: Report) -> Table:
    errors = sum(f.severity is Severity.ERROR for f in found.findings)
    state = "合格 clean" if found.clean else f"{sum(found.totals.values())} 条 findings"
    table = Table(title=f"{path.name}: {state}" + (f" ({errors} errors)" if errors else ""))
    table.add_column("项 Item")
    table.add_column("值 Value", justify="right")
    values = asdict(found.summary)
    for key, title in _ROWS:
        table.add_row(title, f"{values[key]:,}")
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(values["kinds"].items()))
    table.add_row("类型 Kinds", kinds or "-")
    return table
