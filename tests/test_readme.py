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
        if "Commands:" in text:
            text = _help(verb, rest[0])
        options = [word for word in rest if word.startswith("--")]
        assert [option for option in options if option not in text] == []


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_settings_exist(readme: Path) -> None:
    named = set(re.findall(r"`TWIN_([A-Z_]+)`", readme.read_text("utf-8")))
    fields = {name.upper() for name in Settings.model_fields}
    assert named == fields


def test_bench_runs_every_benchmark() -> None:
    files = (ROOT / "tests" / "benchmarks").glob("*.py")
    parts = {f.stem for f in files if '__name__ == "__main__"' in f.read_text("utf-8")}
    parts -= {"__main__", "stages"}
    run = set(re.findall(r"tests\.benchmarks\.(\w+)", (ROOT / "Makefile").read_text("utf-8")))
    assert run == parts


def test_both_languages_say_the_same() -> None:
    one, other = (readme.read_text("utf-8") for readme in READMES)
    for what in (r"^#+ ", r"^\|", r"^```\w"):
        assert len(re.findall(what, one, re.MULTILINE)) == len(
            re.findall(what, other, re.MULTILINE)
        )
    assert [
        line.replace("管线", "pipes") for line in map(" ".join, map(str.split, _shell(other)))
    ] == [" ".join(line.split()) for line in _shell(one)]


def test_makefile_has_at_most_twelve_targets() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    assert 2 <= len(targets) <= 12
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [target for target in targets if f"make {target}" not in shown.stdout] == []
