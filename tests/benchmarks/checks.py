"""Reading and checking a delivery, all rules on: ``python -m tests.benchmarks.checks [--quick]``.

A city of streets (:mod:`tests.benchmarks.streets`) as a surveyor would hand it in, two CSV files.
The work runs in a process of its own, so that its peak memory is its own. Nothing is asserted about
time. The aim on two cores: 100,000 points and 100,000 lines in 20 s and 1.5 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter, defaultdict
from functools import wraps
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.benchmarks.process import machine, run

HEAD = ("points", "lines", "read and check s", "peak MB", "errors", "warnings", "infos")
#: The whole city falls to the south-west, so that its drains flow.
TILT = 0.002


def main() -> int:
    """Measure and print, or with ``--child`` do the work and print its figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.checks")
    parser.add_argument("--quick", action="store_true", help="a tenth of the lines")
    parser.add_argument("--rules", action="store_true", help="also the seconds of every rule")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        sys.stdout.write(json.dumps(measure(list(map(Path, given.child)), given.rules)) + "\n")
        return 0
    sys.stdout.write(f"{machine()}\n\n| {' | '.join(HEAD)} |\n{'|--:' * len(HEAD)}|\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="twin-") as folder:
        made = _other("write", Path(folder), "10000" if given.quick else "100000")
        if made.value is None:
            sys.stdout.write(f"{made.problem}\n")
            return 1
        rules = ["--rules"] if given.rules else []
        command = [sys.executable, "-m", "tests.benchmarks.checks", *rules, "--child"]
        done = run([*command, *made.value["files"]], dict(os.environ), Path(folder))
    if done.value is None:
        sys.stdout.write(f"{done.problem}\n")
        return 1
    value = done.value
    cells = [f"{value['points']:,}", f"{value['lines']:,}", f"{value['seconds']:.1f}"]
    cells += [f"{done.peak / 1e6:.0f}"]
    cells += [f"{value['found'].get(k, 0):,}" for k in ("error", "warning", "info")]
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    for rule, seconds in value["rules"]:
        sys.stdout.write(f"{rule}: {seconds:.2f} s\n")
    return 0


def measure(files: list[Path], by_rule: bool) -> dict[str, Any]:
    """Seconds of reading and checking ``files``, and what was found."""
    from ingest.readers.base import ReadOptions
    from ingest.readers.survey import SurveyReader
    from ingest.rules.checks import CHECKS

    rules: dict[str, float] = defaultdict(float)
    if by_rule:
        CHECKS.update({n: _timed(n, c, rules) for n, c in CHECKS.items()})
    reader = SurveyReader()
    start = perf_counter()
    (group,) = reader.group(files)
    delivery = reader.read(group, ReadOptions("EPSG:4549", "1985"))
    return {
        "points": len(delivery.tables["pipe_point"]),
        "lines": len(delivery.tables["pipe_segment"]),
        "seconds": perf_counter() - start,
        "found": Counter(str(f.severity) for f in delivery.findings),
        "rules": sorted(rules.items(), key=lambda item: -item[1])[:15],
    }


def _timed(name: str, check: Any, seconds: dict[str, float]) -> Any:
    @wraps(check)  # its parameters are compared with those of the rules
    def timed(*args: Any, **more: Any) -> list[Any]:
        start = perf_counter()
        out = list(check(*args, **more))
        seconds[name] += perf_counter() - start
        return out

    return timed


def _other(what: str, folder: Path, count: str) -> Any:
    code = f"import tests.benchmarks.checks as c; c.{what}({str(folder)!r}, {count})"
    return run([sys.executable, "-c", code], dict(os.environ), folder)


def write(folder: str, count: int) -> None:
    """Write the delivery, and print the names of its files."""
    import numpy as np
    import pandas as pd
    import shapely

    from tests.benchmarks.streets import ORIGIN, streets

    segments, points = streets(count)
    xyz = shapely.get_coordinates(points["geom"].to_numpy(), include_z=True)
    fall = TILT * (xyz[:, :2] - ORIGIN).sum(axis=1)
    code = points["class_code"].to_numpy()
    wells = np.isin(code, ("WS", "YS"))
    place = pd.Series(np.arange(len(points)), points["exp_no"])
    ends = [place[segments[f"{end}_point"]].to_numpy() for end in ("from", "to")]
    degree = np.bincount(np.concatenate(ends), minlength=len(points))
    point_table = {
        "物探点号": points["exp_no"],
        "管线种类": code,
        "X": np.round(xyz[:, 1], 3),
        "Y": np.round(xyz[:, 0], 3),
        "地面高程": np.round(xyz[:, 2] + fall, 3),
        "特征": np.where(wells, "", np.where(degree == 1, "起点", "直线点")),
        "附属物": np.where(wells, "窨井", ""),
        "井深": np.where(wells, 7.0, np.nan),
    }
    tall = segments["height_mm"].to_numpy() / 1000
    drain = np.isin(segments["class_code"], ("WS", "YS"))
    line_table: dict[str, Any] = {}
    z = shapely.get_coordinates(segments["geom"].to_numpy(), include_z=True)[:, 2].reshape(-1, 2)
    for end, zh, at in (("from", "起点", 0), ("to", "终点", 1)):
        reference = z[:, at] + np.where(drain, -tall / 2, tall / 2)
        ground = np.round(xyz[ends[at], 2] + fall[ends[at]], 3)
        line_table["起点点号" if end == "from" else "连接点号"] = segments[f"{end}_point"]
        line_table[f"{zh}埋深"] = np.round(ground - np.round(reference + fall[ends[at]], 3), 3)
    box = (segments["shape"] == "bank").to_numpy()
    size = segments["width_mm"].astype(int).astype(str)
    boxes = size + "X" + segments["height_mm"].astype(int).astype(str)
    line_table |= {
        "管线种类": segments["class_code"],
        "管径": np.where(box, boxes, "DN" + size),
        "材质": segments["material"],
        "埋设方式": segments["embed"],
        "流向": np.where(drain, "-", ""),
        "压力": np.where(segments["class_code"] == "TR", 0.3, np.nan),
        "电压": segments["voltage_kv"],
        "权属单位": "示例权属单位",
        "建设年代": "2016",
        "道路名称": "示例路",
    }
    files = []
    for name, table in (("点表", point_table), ("线表", line_table)):
        files.append(str(Path(folder) / f"{name}.csv"))
        pd.DataFrame(table).to_csv(files[-1], index=False, encoding="utf-8-sig")
    sys.stdout.write(json.dumps({"files": files}) + "\n")


if __name__ == "__main__":
    sys.exit(main())
