"""What the READMEs tell a newcomer is so: targets, verbs, options and settings exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from twin.settings import Settings

ROOT = Path(__file__).parent.parent
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


def _shell(text: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]


def _help(*words: str) -> str:
    program = Path(sys.executable).with_name("twin")
    done = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_make_targets_exist(readme: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = set(re.findall(r"make ([a-z-]+)", readme.read_text("utf-8")))
    assert {"demo", "test"} <= named
    missing = [target for target in named if f"\n{target}:" not in makefile]
    assert not missing


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_commands_and_options_exist(readme: Path) -> None:
    lines = [line for line in _shell(readme.read_text("utf-8")) if line.startswith("twin ")]
    assert len(lines) >= 4
    for line in lines:
        verb, *rest = line.split()[1:]
        text = _help(verb)
        options = [word for word in rest if word.startswith("--")]
        assert [option for option in options if option not in text] == []


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_settings_exist(readme: Path) -> None:
    named = set(re.findall(r"`TWIN_([A-Z_]+)`", readme.read_text("utf-8")))
    fields = {name.upper() for name in Settings.model_fields}
    assert named, readme
    assert named <= fields


def test_makefile_has_at_most_twelve_targets() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    assert 2 <= len(targets) <= 12
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [target for target in targets if f"make {target}" not in shown.stdout] == []
