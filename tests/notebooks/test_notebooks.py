"""The tutorials run from the first cell to the last against a service, and draw what they draw."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pytest

from models.db.testing import copy_home
from models.testing import free_port
from twin.testing import Program, Service

matplotlib.use("Agg")
ROOT = Path(__file__).parents[2]
HUB = "songjiang-hub"


def run(name: str, folder: Path, patch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    """Execute a notebook's cells; its names afterwards. Figures must draw without a warning."""
    patch.chdir(folder)
    patch.setenv("TWIN_SAMPLES", str(ROOT / "data-samples"))
    for key, value in environment.items():
        patch.setenv(key, value)
    notebook = json.loads((ROOT / "notebooks" / name).read_text("utf-8"))
    assert notebook["nbformat"] == 4
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [], "notebooks are kept without outputs"
            exec(compile("".join(cell["source"]), f"{name}:{cell['id']}", "exec"), names)
    for number in plt.get_fignums():
        plt.figure(number).savefig(io.BytesIO(), dpi=40)
    plt.close("all")
    return names


def test_browse_and_map(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("01_browse_and_map.ipynb", tmp_path, monkeypatch, TWIN_URL=service.url)
    assert len(names["buildings"]) > 100
    assert names["buildings"].crs.to_epsg() == 4549
    # what a bbox in degrees gave lies, in metres east and north, around the station
    assert names["buildings"].distance(names["pipes"].union_all()).max() < 1500


def test_section_and_clearance(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = run("02_pipes_section_and_clearance.ipynb", tmp_path, monkeypatch, TWIN_URL=service.url)
    assert (tmp_path / "section.svg").read_text().count("<") > 20
    cut = {pipe["segment"]["key"] for pipe in names["section"]["result"]["pipes"]}
    assert names["sewers"].loc[names["longest"], "key"] in cut
    assert names["segments"] >= len(set(names["beside"]["一 a"]))
    assert names["isolation"]["cut"]["count"] > 0


def test_before_and_after(
    migrated: Path, new_home: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program(copy_home(migrated, new_home()))
    survey = ROOT / "data-samples" / HUB / "pipes.xlsx"
    first = program.run("ingest", survey, "--twin", HUB, "--dataset", "pipes")
    assert first.returncode == 0, first.stdout + first.stderr
    with program.serving("serve", free_port()) as service:
        names = run(
            "03_before_and_after_a_delivery.ipynb",
            tmp_path,
            monkeypatch,
            TWIN_URL=service.url,
            TWIN_HOME=str(program.home),
        )
    assert set(names["after"].loc[names["changed"], "material"]) == {"钢"}
