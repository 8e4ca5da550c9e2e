"""Wrong usage of the command line, told in Chinese and English."""

from __future__ import annotations

import re
from typing import Any, Final

import typer
from pydantic import ValidationError
from typer.core import TyperGroup
from typer.main import get_group

from twin.validation import told

CODE: Final = "USE-01"
#: typer's sentences; it has them in English only.
_SENTENCES: Final = (
    (r"No such option: (\S+).*", "没有选项 {}"),
    (r"No such command ('.*')\. Did you mean (.+)\?", "没有命令 {}，是否指 {}"),
    (r"No such command ('.*')\.", "没有命令 {}"),
    (r"Missing command\.", "缺少命令"),
    (r"Missing option ('.*?')\..*", "缺少选项 {}"),
    (r"Missing argument ('.*?')\..*", "缺少参数 {}"),
    (r"Got unexpected extra argument\(s\) \((.*)\)", "多余的参数：{}"),
    (r"Option ('.*') requires an argument\.", "选项 {} 需要一个值"),
    (r"Option ('.*') does not take a value\.", "选项 {} 不带值"),
)
_BAD_VALUE: Final = re.compile(r"Invalid value for (.+?): (.*)", re.DOTALL)


def command(app: typer.Typer) -> TyperGroup:
    """The commands of ``app``, whose ``--help`` options say in both languages what they do."""
    group = get_group(app)
    pending: list[Any] = [group]
    while pending:
        one = pending.pop()
        pending += getattr(one, "commands", {}).values()
        one.short_help = one.help  # typer would cut it to one line
        if option := one.get_help_option(typer.Context(one)):
            option.help = "显示帮助 Show this help"
    return group


def sentences(error: typer.TyperException) -> tuple[str, str]:
    """(English, Chinese): what is wrong, what was expected, and where the help is."""
    said = error.format_message().strip()
    en, zh = _bad_value(error, said) or (said.rstrip("."), _chinese(said))
    context: typer.Context | None = getattr(error, "ctx", None)
    known = list(getattr(context.command, "commands", ())) if context else []
    if known and not en.endswith("?"):  # a group of commands was asked for one that it has not
        en += f"; expected one of {', '.join(known)}"
        zh += f"；应为 {'、'.join(known)} 之一"
    path = context.command_path if context else "twin"
    end = "" if en.endswith("?") else "."
    return f"{en}{end} See `{path} --help`.", f"{zh}。用法见 `{path} --help`。"


def _bad_value(error: typer.TyperException, said: str) -> tuple[str, str] | None:
    match = _BAD_VALUE.fullmatch(said)
    if match is None:
        return None
    where, why = match.groups()
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return f"{where} cannot be used: {why.rstrip('.')}", f"{where} 的值无效（{why}）"
    en, zh = told(dict(cause.errors()[0]))
    return f"{where}: {en}", f"{where}：{zh}"


def _chinese(said: str) -> str:
    for pattern, zh in _SENTENCES:
        if match := re.fullmatch(pattern, said, re.DOTALL):
            return zh.format(*match.groups())
    return "命令用法有误"
