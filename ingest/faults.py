"""Findings on files that are not there, and on faults of the program itself."""

from __future__ import annotations

from pathlib import Path

from models.findings import Finding, Place, Severity


def missing(path: Path) -> Finding:
    """STR-00 for a path without a file, or with something that is none: a pipe or a device, which
    might never end, is not opened."""
    there = path.exists()
    zh, en = "：文件不存在", ": there is no such file"
    if there:
        zh = "不是普通文件（而是管道、设备等），不予打开"
        en = " is no regular file (but a pipe, a device …) and is not opened"
    return Finding(
        "STR-00",
        Severity.ERROR,
        Place(str(path)),
        f"{path.name}{zh}。请检查路径。",
        f"{path.name}{en}. Check the path.",
        "非普通文件 not a regular file" if there else "无 nothing",
        "普通文件 a regular file",
    )


def nothing_in(path: Path) -> Finding:
    """STR-00 for a folder or archive without files."""
    return Finding(
        "STR-00",
        Severity.ERROR,
        Place(path.name),
        f"{path.name} 中没有任何文件。请检查路径，或放入要提交的文件。",
        f"{path.name} holds no files. Check the path, or put the files to deliver there.",
        "0",
        "≥ 1 个文件 files",
    )


def of_file(name: str, error: Exception) -> Finding:
    """STR-99: the program failed on the file ``name``."""
    kind = type(error).__name__
    return Finding(
        "STR-99",
        Severity.ERROR,
        Place(name),
        f"{name}：读取时程序内部出错（{kind}），未存入任何内容。请将该文件与日志交给维护者。",
        f"{name}: the program itself failed on this file ({kind}); nothing of it is stored. "
        "Give the file and the log to the maintainers.",
        kind,
        "可处理的文件 a file that can be handled",
    )


def between_files(name: str, error: Exception) -> Finding:
    """STR-99: the program failed on the file ``name`` beside others, which it passed alone."""
    kind = type(error).__name__
    return Finding(
        "STR-99",
        Severity.WARNING,
        Place(name),
        f"{name}：与其他文件相互检查时程序内部出错（{kind}），本文件自身的检查不受影响。"
        "请将各文件与日志交给维护者。",
        f"{name}: the program itself failed when it checked the files against each other ({kind}); "
        "the checks of this file alone hold. Give the files and the log to the maintainers.",
        kind,
        "可处理的文件 files that can be handled",
    )
