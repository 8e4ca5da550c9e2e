"""Work in threads, within limits of how much is under way and how long each may take."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, TypeVar

from models.errors import TwinError
from twin.api.errors import STATUS

#: Pieces of work done at a time; more threads would wait for one another.
THREADS: Final = 2

Value = TypeVar("Value")


class BusyError(TwinError):
    """More is asked for at once than can be encoded, or it takes too long."""

    code = "DYN-02"


STATUS[BusyError] = 503


class Workers:
    """Threads for which at most ``waiting`` callers wait, none longer than ``seconds``."""

    def __init__(self, waiting: int, seconds: float) -> None:
        self._waiting, self._seconds = waiting, seconds
        self._pool = ThreadPoolExecutor(THREADS, "tiles")
        self._pending = 0

    def close(self) -> None:
        """End the threads when they have done what they are at."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def run(self, do: Callable[[Callable[[], None]], Value]) -> Value:
        """``do`` in a thread. It gets what it calls now and then, and what ends it when its time
        is over or nobody waits for it. Raises :class:`BusyError`."""
        if self._pending >= self._waiting:
            raise _busy(f"{self._pending} requests are waiting", f"已有 {self._pending} 个请求排队")
        self._pending += 1
        until = time.monotonic() + self._seconds

        def going() -> None:
            if time.monotonic() > until:
                raise self._slow()

        try:
            async with asyncio.timeout(self._seconds):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._pool, do, going)
        except TimeoutError as error:
            raise self._slow() from error
        finally:
            until = 0.0
            self._pending -= 1

    def _slow(self) -> BusyError:
        seconds = self._seconds
        return _busy(f"not done within {seconds:.0f} s", f"{seconds:.0f} 秒内未完成")


class Once(Generic[Value]):
    """Values by key, each made once by whoever asks first; others wait for it. When all of them
    have gone away, making it ends."""

    def __init__(self) -> None:
        self._making: dict[str, asyncio.Future[Value]] = {}
        self._waiting: Counter[asyncio.Future[Value]] = Counter()

    async def made(self, key: str, make: Callable[[], Awaitable[Value]]) -> Value:
        """What ``make`` gives; who asks for ``key`` while it is made gets the same."""
        if key not in self._making:
            self._making[key] = asyncio.ensure_future(make())
            self._making[key].add_done_callback(lambda done: self._done(key, done))
        task = self._making[key]
        self._waiting[task] += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._waiting[task] -= 1
            if not self._waiting[task]:
                del self._waiting[task]
                self._forget(key, task)
                task.cancel()

    def _forget(self, key: str, task: asyncio.Future[Value]) -> None:
        if self._making.get(key) is task:
            del self._making[key]

    def _done(self, key: str, done: asyncio.Future[Value]) -> None:
        self._forget(key, done)
        if not done.cancelled():
            done.exception()  # whoever asked may have gone; nobody else need be told


def _busy(en: str, zh: str) -> BusyError:
    return BusyError(
        f"Tiles on demand: {en}. Ask again in a few seconds, or for fewer features.",
        f"即时切片：{zh}。请稍后重试，或减少所选要素。",
    )
