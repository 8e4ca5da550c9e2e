"""What becomes of tasks whose workers died, whoever runs them: none is lost, none ends all others.

A task that kills whoever does it is found out by being divided, then by being done alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from tiles.errors import WorkerError

Task = TypeVar("Task")


class Deaths(Generic[Task]):
    """Sees to it that tasks come back to ``tasks`` when their worker died.

    A task may lose ``patience`` workers. Then ``instead`` says what to do for it: several tasks,
    its parts, each of which shows for itself; or one that is done in its place when the task has
    killed once more, alone, and others have been done, so that workers that can do nothing at all
    do not blame it. When ``most`` deaths follow one another, or nothing is left to try, what
    ``dying`` makes is raised.
    """

    def __init__(
        self,
        tasks: deque[Task],
        instead: Callable[[Task], Sequence[Task]] | None,
        patience: int,
        most: int,
        dying: Callable[[], WorkerError],
    ) -> None:
        self._tasks, self._instead, self._dying = tasks, instead, dying
        self._patience, self._most = patience, most
        self._killed: dict[int, int] = {}  # by the identity of a task that is not done
        self._aside: deque[Task] = deque()
        self._row, self._finished = 0, False

    def done(self, task: Task) -> None:
        """A worker has done ``task``."""
        self._killed.pop(id(task), None)
        self._row, self._finished = 0, True

    def died(self, task: Task) -> None:
        """A worker died over ``task``, as far as can be known."""
        self._row += 1
        if self._row == self._most:
            raise self._dying()
        deaths = self._killed.pop(id(task), 0) + 1
        if deaths < self._patience:
            self._killed[id(task)] = deaths
            self._tasks.appendleft(task)
            return
        parts = self._instead(task) if self._instead is not None else ()
        if deaths == self._patience and len(parts) < 2:
            self._killed[id(task)] = deaths
            self._aside.append(task)
            return
        if not parts:
            raise self._dying()
        self._tasks.extend(parts)  # after what may be sound

    def alone(self) -> bool:
        """Give out one task that was set aside, since nothing else is under way that could be at
        fault; False where there is none."""
        if not self._aside:
            return False
        if not self._finished:
            raise self._dying()
        self._tasks.append(self._aside.popleft())
        return True
