"""Tasks on a pool of processes: results as they come, and what a dead worker left is done again.

Every worker has a pipe of its own and nothing is shared, so one that is killed at any moment takes
no lock with it: the others go on, its task is given out again.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, Final, Generic, Protocol, TypeVar

from tiles.deaths import Deaths
from tiles.errors import WorkerError

Context = TypeVar("Context")
Task = TypeVar("Task")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)

#: How many workers may die in a row before any task is done.
_DEATHS: Final = 8
#: How many workers one task may kill before it is divided or set aside.
_PATIENCE: Final = 2


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def give_back() -> None:
    """Return freed memory to the system, where the C library is glibc, which keeps a lot of it."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class Runner(Protocol[Context, Task, Result_co]):
    """Does every task in ``tasks``, which may grow meanwhile, with what ``context`` holds."""

    tasks: deque[Task]
    context: Context | None

    def begin(self) -> None:
        """Get ready while the context is still being made, where that takes time."""
        ...

    def close(self) -> None:
        """Let go of what is ready, if there never are results."""
        ...

    def results(self) -> Generator[Result_co, None, None]:
        """One result a task, in any order. Closing the generator drops what is not done."""
        ...


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    task: Any = None
    told: bool = False  # it has the context


class Pool(Generic[Context, Task, Result]):
    """Runs ``work(context, task)`` for every task in ``tasks``, which may grow meanwhile.

    With one worker, everything happens in this process; with more, each is started afresh (spawn)
    and gets a copy of ``context``, so ``work`` must be a module's function, and tasks and results
    must be picklable. Results come in any order.

    ``instead`` says what to do for a task that kills its workers (:class:`tiles.deaths.Deaths`).
    """

    def __init__(
        self,
        work: Callable[[Context, Task], Result],
        context: Context | None,
        workers: int,
        instead: Callable[[Task], Sequence[Task]] | None = None,
    ) -> None:
        self.tasks: deque[Task] = deque()
        self.context = context
        self._work, self._count = work, workers
        self._workers: list[_Worker] = []
        self._deaths = Deaths(self.tasks, instead, _PATIENCE, _DEATHS, _dying)

    def begin(self) -> None:
        """Start the workers, which import what ``work`` needs (about half a second)."""
        if self._count > 1:
            self._workers += [self._start() for _ in range(self._count - len(self._workers))]

    def close(self) -> None:
        """End the workers."""
        while self._workers:
            _end(self._workers.pop())

    def results(self) -> Generator[Result, None, None]:
        """One result a task. Closing the generator ends the workers and drops what is not done.

        What ``work`` raises is raised here, as a :class:`tiles.errors.WorkerError` where it cannot
        be sent. Raises that error also when workers die again and again.
        """
        if self._count == 1:
            while self.tasks:
                yield self._work(self.context, self.tasks.popleft())  # type: ignore[arg-type]
            return
        workers = self._workers
        try:
            while True:
                waiting = self.tasks or any(worker.task is not None for worker in workers)
                if not waiting and not self._deaths.alone():
                    return
                self._hand_out()
                busy = {worker.pipe: worker for worker in workers if worker.task is not None}
                for pipe in wait(list(busy)):
                    worker = busy[pipe]  # type: ignore[index]
                    try:
                        error, result = worker.pipe.recv()
                    except (EOFError, OSError):
                        workers.remove(worker)
                        _end(worker)
                        self._deaths.died(worker.task)
                        continue
                    if error is not None:
                        raise error
                    self._deaths.done(worker.task)
                    worker.task = None
                    yield result
        finally:
            self.close()

    def _hand_out(self) -> None:
        """Give each idle worker a task, and start workers while there are tasks without one."""
        idle = [worker for worker in self._workers if worker.task is None]
        fresh = min(len(self.tasks) - len(idle), self._count - len(self._workers))
        idle += (started := [self._start() for _ in range(fresh)])
        self._workers += started
        for worker in idle[: len(self.tasks)]:
            worker.task = self.tasks.popleft()
            with suppress(OSError):  # it has died, which shows when its result is read
                if not worker.told:
                    worker.pipe.send(self.context)
                worker.told = True
                worker.pipe.send(worker.task)

    def _start(self) -> _Worker:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        named = pickle.dumps(self._work)  # read once Arrow is out of the way
        process = spawn.Process(target=_serve, args=(theirs, named), daemon=True)
        with _hidden_main():
            process.start()
        theirs.close()  # so that the worker's death closes the pipe
        return _Worker(process, ours)


@contextmanager
def _hidden_main() -> Iterator[None]:
    """Workers are started without the program's main module.

    They need none of it, importing it takes longer than all they need, and a script that has no
    guard against being imported would start itself again.
    """
    main: Any = sys.modules["__main__"]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    main.__spec__ = main.__file__ = None
    try:
        yield
    finally:
        main.__spec__, main.__file__ = spec, file


def _serve(pipe: Connection, named: bytes) -> None:
    """A worker: does the pickled work that is ``named`` with what comes through ``pipe`` after the
    context until that is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that gives orders
    # pandas loads all of Arrow where it is installed: 35 MB that no tile needs
    sys.modules.setdefault("pyarrow", None)  # type: ignore[arg-type]
    work = pickle.loads(named)  # noqa: S301 - our own
    with suppress(EOFError, BrokenPipeError):
        context = pipe.recv()
        while True:
            task = pipe.recv()
            try:
                done = ForkingPickler.dumps((None, work(context, task)))
            except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
                done = ForkingPickler.dumps((sendable(error), None))
            pipe.send_bytes(done)


def sendable(error: Exception) -> Exception:
    """``error``, or where it cannot be sent whole to another process, what it says."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - whatever its class does there, it is no death of the worker
        told = f"{type(error).__name__}: {error}"
        return WorkerError(
            f"A worker failed ({told}); the published tileset stays as it was. This is a fault of "
            "the program: please report it with this text.",
            f"切片工作进程出错（{told}）；已发布的瓦片集保持不变。这是程序缺陷，请连同此信息报告。",
        )
    return error


def _end(worker: _Worker) -> None:
    worker.pipe.close()
    worker.process.terminate()
    worker.process.join()


def _dying() -> WorkerError:
    return WorkerError(
        "Workers die again and again without finishing a task; the published tileset stays as it "
        "was. Look in the system log for a lack of memory, and run again with fewer workers "
        "(--workers 1).",
        "切片工作进程反复异常终止且未完成任务；已发布的瓦片集保持不变。"
        "请查看系统日志是否内存不足，并减少工作进程数（--workers 1）后重试。",
    )
