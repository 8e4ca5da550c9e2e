"""Tasks on a Dask cluster, as :class:`tiles.workers.Pool` does them on this machine.

The workers need this program in the same version, a way to the database, and the same tile store: a
shared folder or an object store. Dask is an extra: ``pip install 'cim-twin[cluster]'``.
"""

from __future__ import annotations

import pickle
import threading
import uuid
from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, Final, Generic

from tiles.code import code_digest
from tiles.errors import WorkerError
from tiles.workers import Context, Result, Task

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
#: How often a task is tried again whose worker died.
_RETRIES: Final = 4
_SECONDS: Final = 10


class Cluster(Generic[Context, Task, Result]):
    """:class:`tiles.workers.Runner` on the cluster of the scheduler at ``address``, ``tcp://…``.

    ``work`` is a module's function; ``context``, tasks and results can be pickled. Memory here is
    bounded, since no more is handed out than the cluster works on.
    """

    def __init__(
        self, work: Callable[[Context, Task], Result], context: Context | None, address: str
    ) -> None:
        self.tasks: deque[Task] = deque()
        self.context = context
        self._work, self._address = work, address

    def begin(self) -> None:
        """See :meth:`tiles.workers.Runner.begin`: the cluster is there."""

    def close(self) -> None:
        """See :meth:`tiles.workers.Runner.close`: nothing is held."""

    def results(self) -> Generator[Result, None, None]:
        """See :meth:`tiles.workers.Runner.results`.

        What ``work`` raises is raised here. Raises :class:`tiles.errors.WorkerError` where there
        is no scheduler, no worker, one of another version, or they die again and again.
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
            except distributed.KilledWorker as error:
                raise _dying() from error
            finally:
                with suppress(OSError, TimeoutError):
                    client.unregister_worker_plugin(name)

    def _check(self, client: Any) -> int:
        """Threads of the cluster, whose workers all have this program's version."""
        threads = int(sum(client.nthreads().values()))
        if not threads:
            raise _absent(self._address)
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
        running: set[Any] = set()
        try:
            done = _dask.as_completed(loop=client.loop)
            while self.tasks or running:
                while self.tasks and len(running) < _AHEAD * threads:
                    task = self.tasks.popleft()
                    future = client.submit(
                        _do, self._work, name, task, pure=False, retries=_RETRIES
                    )
                    running.add(future)
                    done.add(future)
                future = next(done)
                running.discard(future)
                yield future.result()
                future.release()
        finally:
            client.cancel(list(running))


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
    return work(_held[key], task)


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
