"""Tasks on a Dask cluster, as :class:`tiles.workers.Pool` does them on this machine.

The workers need this program in the same version, a way to the database, and the same tile store: a
shared folder or an object store. Dask is an extra: ``pip install 'cim-twin[cluster]'``.
"""

from __future__ import annotations

import pickle
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic

from tiles.code import code_digest
from tiles.deaths import Deaths
from tiles.errors import WorkerError
from tiles.workers import Context, Result, Task, sendable

try:
    import distributed
except ImportError as error:
    raise WorkerError(
        "--scheduler needs Dask. Install it: pip install 'cim-twin[cluster]'.",
        "--scheduler 需要 Dask。请安装：pip install 'cim-twin[cluster]'。",
    ) from error

#: Most of the library carries no types.
_dask: Any = distributed

#: Tasks handed out at a time for each thread of the cluster: one is done, one waits.
_AHEAD: Final = 2
#: The scheduler tries a task again whose worker died (``allowed-failures``, 3 by default); what it
#: gives up is divided or set aside at once, and the same once more ends it.
_PATIENCE: Final = 1
#: How often all that is handed out may be given up before any task is done.
_ROUNDS: Final = 4
_SECONDS: Final = 10
#: A cluster without any worker for so long (s) is none; a killed one is back within seconds.
_DESERTED: Final = 30


class Cluster(Generic[Context, Task, Result]):
    """:class:`tiles.workers.Runner` on the cluster of the scheduler at ``address``, ``tcp://…``.

    ``work`` is a module's function; ``context``, tasks and results can be pickled. Memory here is
    bounded, since no more is handed out than the cluster works on. ``instead`` says what to do for
    a task that kills its workers (:class:`tiles.deaths.Deaths`).
    """

    def __init__(
        self,
        work: Callable[[Context, Task], Result],
        context: Context | None,
        address: str,
        instead: Callable[[Task], Sequence[Task]] | None = None,
    ) -> None:
        self.tasks: deque[Task] = deque()
        self.context = context
        self._work, self._address, self._instead = work, address, instead

    def begin(self) -> None:
        """See :meth:`tiles.workers.Runner.begin`: the cluster is there."""

    def close(self) -> None:
        """See :meth:`tiles.workers.Runner.close`: nothing is held."""

    def results(self) -> Generator[Result, None, None]:
        """See :meth:`tiles.workers.Runner.results`.

        What ``work`` raises is raised here. Raises :class:`tiles.errors.WorkerError` where there
        is no scheduler, no worker, one of another version, when they die again and again, and when
        the scheduler or all workers go away.
        """
        try:
            client = _dask.Client(self._address, timeout=_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise _absent(self._address) from error
        with client:
            threads = self._check(client)
            name = uuid.uuid4().hex
            client.register_plugin(_Shared(name, pickle.dumps(self.context)), name=name)
            try:
                yield from self._run(client, threads, name)
            except CancelledError as error:  # what is under way is lost with the scheduler
                raise _absent(self._address) from error
            finally:
                with suppress(OSError, TimeoutError):
                    client.unregister_worker_plugin(name)

    def _check(self, client: Any) -> int:
        """Threads of the cluster, whose workers all have this program's version."""
        try:
            client.wait_for_workers(1, timeout=_SECONDS)  # they may be starting
        except TimeoutError as error:
            raise _absent(self._address) from error
        threads = int(sum(client.nthreads().values()))
        for worker, found in client.run(code_digest).items():
            if found != code_digest():
                raise WorkerError(
                    f"The worker {worker} has another version of this program, whose tiles may "
                    "differ. Install the same version everywhere and start the workers again.",
                    f"工作进程 {worker} 的程序版本与此处不同，切片结果可能不一致。"
                    "请在各处安装同一版本并重启工作进程。",
                )
        return threads

    def _run(self, client: Any, threads: int, name: str) -> Generator[Result, None, None]:
        running: dict[Any, Task] = {}
        ended: SimpleQueue[Any] = SimpleQueue()
        ahead = _AHEAD * threads
        deaths = Deaths(self.tasks, self._instead, _PATIENCE, _ROUNDS * ahead, _dying)
        try:
            while self.tasks or running or deaths.alone():
                while self.tasks and len(running) < ahead:
                    task = self.tasks.popleft()
                    future = client.submit(_do, self._work, name, task, pure=False)
                    running[future] = task
                    future.add_done_callback(ended.put)
                future = self._next(client, ended)
                task = running.pop(future)
                try:
                    result = future.result()
                except distributed.KilledWorker:
                    deaths.died(task)
                    continue
                deaths.done(task)
                future.release()
                yield result
        finally:
            client.cancel(list(running))

    def _next(self, client: Any, ended: SimpleQueue[Any]) -> Any:
        """The next of ``ended``, for which it waits as long as there are workers."""
        seen = time.monotonic()
        while True:
            with suppress(Empty):
                return ended.get(timeout=_SECONDS)
            if client.nthreads():
                seen = time.monotonic()
            elif time.monotonic() - seen > _DESERTED:
                raise _absent(self._address)


#: In a worker: packed contexts by name, and a context for each thread, since a connection to the
#: database is none that two can share.
_packed: dict[str, bytes] = {}
_held: dict[tuple[str, int], Any] = {}


class _Shared(distributed.WorkerPlugin):
    """Gives a context to every worker, also to one that takes the place of a dead one."""

    def __init__(self, name: str, packed: bytes) -> None:
        self.name, self._packed = name, packed

    def setup(self, worker: object) -> None:
        """Before the first task."""
        _packed[self.name] = self._packed

    def teardown(self, worker: object) -> None:
        """After the last."""
        _packed.pop(self.name, None)
        for key in [key for key in _held if key[0] == self.name]:
            close = getattr(_held.pop(key).loader, "close", None)
            if close is not None:
                close()


def _do(work: Callable[[Any, Any], Any], name: str, task: Any) -> Any:
    """In a worker: do ``task``."""
    key = (name, threading.get_ident())
    if key not in _held:
        _held[key] = pickle.loads(_packed[name])  # noqa: S301 - from our own process
    try:
        return work(_held[key], task)
    except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
        raise sendable(error) from None


def _absent(address: str) -> WorkerError:
    return WorkerError(
        f"No Dask cluster with workers answers at {address}. Start `dask scheduler` and "
        "`dask worker`, and give the address that the scheduler prints (tcp://host:8786).",
        f"{address} 没有可用的 Dask 集群。请启动 `dask scheduler` 和 `dask worker`，"
        "并使用调度器打印的地址（tcp://主机:8786）。",
    )


def _dying() -> WorkerError:
    return WorkerError(
        "Workers of the cluster die again and again; the published tileset stays as it was. Look "
        "in their logs for a lack of memory, or for a database or a folder that they cannot reach.",
        "集群工作进程反复异常终止；已发布的瓦片集保持不变。请查看其日志："
        "是否内存不足，或无法访问数据库、目录。",
    )
