"""Terminal output of the command line: progress on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

#: Results go to standard output, everything else (progress, errors) to standard error.
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
if not err.is_terminal:
    err.width = 160  # a pipe or a log file has no width; 80 columns would squeeze the sentences


def counted(number: int, zh: str, en: str) -> str:
    """How many there are, in both languages: "1 要素 feature", "2 要素 features"."""
    return f"{number} {zh} {en}{'' if number == 1 else 's'}"


def print_json(value: Any) -> None:
    """Print ``value`` as one line of JSON."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    out.print(text, markup=False, soft_wrap=True)


class Step(Protocol):
    """Tells how far a step has come."""

    def __call__(self, done: int, total: int) -> None:
        """``done`` of ``total`` units are done."""
        ...


@contextmanager
def step(title: str) -> Iterator[Step]:
    """A progress bar for one step; a single line where standard error is no terminal."""
    if not sys.stderr.isatty():
        err.print(title, markup=False)
        yield lambda done, total: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=False) as progress:
        task = progress.add_task(title.replace("[", r"\["), total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield advance
