"""The viewer where its third-party files are not there: told plainly, the rest is served."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import httpx

from models.testing import free_port
from twin.testing import Program

ROOT = Path(__file__).resolve().parents[2]


def test_without_the_vendored_files(
    migrated_program: Callable[..., Program], tmp_path: Path
) -> None:
    left_out = shutil.ignore_patterns("vendor", "node_modules", "__pycache__")
    for package in ("models", "ingest", "tiles", "twin"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=left_out)
    program = migrated_program(PYTHONPATH=str(tmp_path))
    with program.serving("serve", free_port()) as service:
        page = httpx.get(f"{service.url}/")
        assert page.status_code == 503
        for told in (page.text, service.log.read_text("utf-8")):
            assert "twin/web/vendor" in told
            assert str(tmp_path) not in told  # nothing of the server's disk
            assert "make setup" in told
            assert "第三方文件" in told
            assert "third-party files" in told
        lost = httpx.get(f"{service.url}/static/vendor/cesium@1.145.0/index.js")
        assert (lost.status_code, lost.headers["content-type"]) == (404, "application/problem+json")
        assert httpx.get(f"{service.url}/readyz").status_code == 200
        assert len(httpx.get(f"{service.url}/twins").json()["twins"]) == 2
