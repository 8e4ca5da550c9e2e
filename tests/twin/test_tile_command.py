"""Options of ``twin tile`` that a layer of files cannot follow are refused, not passed over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from twin.testing import Program

New = Callable[..., Program]


@pytest.mark.parametrize("out", ["s3://bucket/prefix", "ground.3tz"])
def test_terrain_goes_into_folders_only(
    new_program: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = new_program().here.run("tile", "--layer", "terrain", "--out", out)
    assert ended.returncode == 2
    assert f"--out {out}" in ended.stderr and "into a folder" in ended.stderr
    assert "只能切片到文件夹" in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("layer", "option"),
    [
        ("mesh", ("--implicit", "there")),
        ("pointcloud", ("--scheduler", "tcp://127.0.0.1:1")),
        ("terrain", ("--outlines",)),
        ("terrain", ("--profile", "compat")),
    ],
)
def test_an_option_without_effect_is_told(
    new_program: New, layer: str, option: tuple[str, ...]
) -> None:
    ended = new_program().here.run("tile", "--layer", layer, *option)
    assert ended.returncode == 2
    assert f"--layer {layer} has no use for {option[0]}" in ended.stderr
    assert "不适用" in ended.stderr


@pytest.mark.parametrize("layer", ["pointcloud", "mesh"])
def test_draco_is_refused_where_it_is_not_used(new_program: New, layer: str) -> None:
    program = new_program()
    ended = program.here.run("tile", "--layer", layer, "--profile", "draco")
    assert ended.returncode == 2
    assert f"Draco is not used for --layer {layer}" in ended.stderr
    assert "应为 default 或 compat" in ended.stderr
    assert not (program.home / "pg").exists()


def test_an_unknown_profile_is_told_before_anything_is_made(
    new_program: New, tmp_path: Path
) -> None:
    program = new_program()
    ended = program.here.run("tile", "--profile", "tiny")
    assert ended.returncode == 2
    assert "found 'tiny', expected one of default, compat, draco" in ended.stderr
    assert not (program.home / "pg").exists()


@pytest.mark.parametrize(
    ("option", "place", "remedy"),
    [
        ("--implicit", "x.3tz", "Name a folder"),
        ("--implicit", "s3://bucket/x", "Name a folder"),
        ("--out", "x.zip", "named ….3tz"),
        ("--out", "x.3TZ", "named ….3tz"),
    ],
)
def test_no_folder_is_named_like_an_archive(
    new_program: New,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    place: str,
    remedy: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    program = new_program()
    ended = program.here.run("tile", option, place)
    assert ended.returncode == 2
    assert "OPT-01" in ended.stderr and option in ended.stderr and remedy in ended.stderr
    assert "目录" in ended.stderr
    assert list(tmp_path.iterdir()) == []
    assert not (program.home / "pg").exists()
