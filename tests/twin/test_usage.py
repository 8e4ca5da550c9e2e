"""Wrong usage and wrong settings in both languages; help that is whole on 80 columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer
from rich.cells import cell_len

from twin import cli, usage
from twin.settings import Settings, SettingsError
from twin.testing import Program

New = Callable[..., Program]
COMMAND = usage.command(cli.app)
HAN = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("arguments", "zh", "en"),
    [
        ("check --nonsense a", "没有选项 --nonsense", "No such option: --nonsense"),
        ("fly", "没有命令 'fly'；应为 check、", "expected one of check, ingest, tile"),
        ("chek a", "是否指 'check'", "Did you mean 'check'?"),
        ("db", "缺少命令；应为 up、", "Missing command; expected one of up, down"),
        ("ingest a", "缺少选项 '--twin'", "Missing option '--twin'"),
        ("ingest", "缺少参数 'files'", "Missing argument 'files'"),
        ("db backup a b", "多余的参数：b", "extra argument(s) (b)"),
        ("check a --crs", "选项 '--crs' 需要一个值", "'--crs' requires an argument"),
        ("samples --if-empty=3", "'--if-empty' 不带值", "does not take a value"),
        ("serve --port 70000", "收到“70000”，应不大于 65535", "found '70000', expected less than"),
        ("serve --port x", "收到“x”，应为整数", "found 'x', expected a valid integer"),
        ("check a --time-limit 0", "应不小于 1", "greater than or equal to 1"),
        ("check a --time-limit x", "收到“x”，应为数字", "found 'x', expected a valid number"),
        (
            "ingest a --twin qianwan --theme sky",
            "收到“sky”，应为 'buildings', ",
            "found 'sky', expected one of 'buildings', ",
        ),
        (
            "ingest a --twin qianwan --valid-from 2020",
            "收到“2020”，格式应为 'YYYY-MM-DD'",
            "found '2020', expected the format 'YYYY-MM-DD'",
        ),
    ],
)
def test_usage_errors(arguments: str, zh: str, en: str) -> None:
    with pytest.raises(typer.TyperException) as caught:
        COMMAND.main(arguments.split(), "twin", standalone_mode=False)
    english, chinese = usage.sentences(caught.value)
    assert zh in chinese
    assert en in english
    for sentence in (english, chinese):
        assert re.search(r"`twin( db| ingest| serve| check| db backup)? --help`", sentence)


def test_from_outside(new_program: New) -> None:
    program = new_program()
    wrong = program.run("db", "fly")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.splitlines() == [
        "USE-01 没有命令 'fly'；应为 up、down、status、upgrade、backup、restore 之一。"
        "用法见 `twin db --help`。",
        "No such command 'fly'; expected one of up, down, status, upgrade, backup, restore. "
        "See `twin db --help`.",
    ]
    unset = new_program(TWIN_PORT="abc").run("db", "status")
    assert (unset.returncode, unset.stdout) == (2, "")
    assert unset.stderr.startswith("SET-02 TWIN_PORT：收到“abc”")
    bare = program.run()
    assert bare.returncode == 0
    assert bare.stdout == program.run("--help").stdout != ""


@pytest.mark.parametrize(
    ("name", "value", "zh", "en"),
    [
        ("TWIN_PORT", "abc", "TWIN_PORT：收到“abc”，应为整数", "TWIN_PORT: found 'abc', expected"),
        ("TWIN_LOG_LEVEL", "loud", "'INFO'", "found 'loud', expected 'DEBUG', 'INFO'"),
        ("TWIN_TWINS_DIR", "/nowhere", "“/nowhere”，应为现有目录", "not point to a directory"),
        ("TWIN_STATEMENT_TIMEOUT", "0", "应大于 0", "expected greater than 0"),
        ("TWIN_CORS_ORIGINS", "*", "应为 JSON", "Lists are JSON"),
    ],
)
def test_settings_that_cannot_be_used(
    name: str, value: str, zh: str, en: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        Settings()
    assert zh in caught.value.zh
    assert en in caught.value.en


def commands(one: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, one
    for name, part in getattr(one, "commands", {}).items():
        yield from commands(part, *path, name)


@pytest.mark.parametrize("path", [path for path, _ in commands(COMMAND)], ids=" ".join)
def test_help_is_whole_on_80_columns(
    path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert COMMAND.main([*path, "--help"], "twin", standalone_mode=False) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(" ".join(["Usage: twin", *path]))
    assert max(map(cell_len, shown.splitlines())) <= 80
    words = "".join(shown.split())
    command = dict(commands(COMMAND))[path]
    told = [command.help, *(part.help for part in getattr(command, "commands", {}).values())]
    told += [parameter.help for parameter in command.get_params(typer.Context(command))]
    for sentence in told:
        assert HAN.search(sentence), sentence
        assert re.search("[A-Za-z]{2}", sentence), sentence
        assert "".join(sentence.split()) in words


def test_what_is_no_database_url_is_named_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="TWIN_DATABASE_URL: expected a URL") as caught:
        Settings(database_url="mysql://city:secret@example.org/twin")
    assert "应为形如 postgresql://" in caught.value.zh
    assert "secret" not in caught.value.en + caught.value.zh
