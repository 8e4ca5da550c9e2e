"""Analyses for many askers at once: in threads, a few at a time, over pipes kept in memory."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from models.db.stop import Stop
from models.errors import TwinError
from twin.analyses.answer import Answer
from twin.analyses.cache import PipeworkCache
from twin.analyses.registry import Analysis

#: Analyses at work at once, and askers that may wait beside them.
THREADS: Final = 2
WAITING: Final = 32
#: Seconds after which an analysis that nobody waits for is told again to end.
_PATIENCE: Final = 0.2


class BusyError(TwinError):
    """More analyses are asked for than can be answered now."""

    code = "ANA-03"


class AnalysisService:
    """Answers analyses over the database at ``read_url`` (the read role's) and the terrain in
    ``home``. Make one an application, inside its event loop. ``seconds`` is what a statement may
    take."""

    def __init__(
        self, read_url: str, home: Path, threads: int = THREADS, seconds: float = 10.0
    ) -> None:
        self.cache = PipeworkCache(read_url, home, seconds=seconds)
        self._limiter = anyio.CapacityLimiter(threads)

    async def answer(
        self, twin: str, analysis: Analysis, body: bytes, medium: str | None = None
    ) -> Answer:
        """The answer to ``body`` (JSON) for ``twin``; its drawing or page is made where ``medium``
        is that of one.

        Raises :class:`twin.analyses.errors.BadRequestError`, :class:`models.errors.DatabaseError`,
        and :class:`BusyError` where too many wait already. Where it is cancelled, so are its
        statements in the database.
        """
        if self._limiter.statistics().tasks_waiting >= WAITING:
            raise BusyError(
                "Too many analyses are waiting. Try again in a few seconds.",
                "排队的分析过多，请数秒后重试。",
            )
        stop = Stop()
        async with self._limiter:
            work = asyncio.ensure_future(
                anyio.to_thread.run_sync(partial(self._work, stop, twin, analysis, body, medium))
            )
            try:
                return await asyncio.shield(work)
            except asyncio.CancelledError:
                await _stopped(work, stop)
                raise

    def _work(
        self, stop: Stop, twin: str, analysis: Analysis, body: bytes, medium: str | None
    ) -> Answer:
        with stop.scope():
            request = analysis.parse_json(body)
            answer = analysis.answer(self.cache, twin, request)
            if medium is not None:
                answer.rendered(medium)  # it is kept, and made here in the thread
            return answer


async def _stopped(work: asyncio.Future[Answer], stop: Stop) -> None:
    """End ``work``, whose thread nobody else can: its statements, until it asks for no other."""
    while not work.done():
        await asyncio.to_thread(stop)
        await asyncio.wait({work}, timeout=_PATIENCE)
    work.exception()  # nobody else is told
