"""As many questions as are answered: by wrk where it is installed (Debian package ``wrk``), which
takes hardly anything of the cores that the server works on, else by threads of this process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import numpy as np

from models.db.embedded import EmbeddedPostgres
from tests.benchmarks.served import at_once, percentiles, row
from twin.testing import Service

WRK: Final = shutil.which("wrk")
_SCRIPT: Final = """
local paths, at = {%s}, 0
request = function()
  at = at %% #paths + 1
  return wrk.format("GET", paths[at], {%s})
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('{"answers":%%d,"seconds":%%f,"p50":%%f,"p95":%%f,"bytes":%%d,"bad":%%d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(95) / 1e3, summary.bytes, e.status + e.connect + e.read + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """Answers a second, milliseconds of them, and kilobytes of each as they were sent."""

    answers: int
    rate: float
    p50: float
    p95: float
    kilobytes: float

    def told(self, name: str, *more: object) -> None:
        """Print it as a row."""
        row(name, self.rate, self.p50, self.p95, self.kilobytes, *more)


def load(
    addresses: Sequence[str], clients: int, seconds: float, headers: Mapping[str, str] | None = None
) -> Load:
    """Ask for ``addresses`` of one server in turn, by so many clients at once. Raises
    :class:`RuntimeError` where one is not answered well."""
    given = dict(headers or {})
    if WRK is None:
        return _by_threads(addresses, clients, seconds, given)
    where = urlsplit(addresses[0])
    base = f"{where.scheme}://{where.netloc}"
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "ask.lua"
        paths = ", ".join(json.dumps(one.removeprefix(base)) for one in addresses)
        words = ", ".join(f"[{json.dumps(k)}] = {json.dumps(v)}" for k, v in given.items())
        script.write_text(_SCRIPT % (paths, words))
        command = [WRK, "-t1", f"-c{clients}", f"-d{seconds:.0f}s", "--timeout", "60s",
                   "-s", str(script), base]  # fmt: skip
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(ended.stdout.splitlines()[-1])
    if told["bad"] or not told["answers"]:
        raise RuntimeError(f"{addresses[0]}: {told['bad']} questions of {told['answers']} failed")
    rate, size = told["answers"] / told["seconds"], told["bytes"] / told["answers"] / 1e3
    return Load(told["answers"], rate, told["p50"], told["p95"], size)


def _by_threads(
    addresses: Sequence[str], clients: int, seconds: float, headers: Mapping[str, str]
) -> Load:
    numbers = count()
    asked = [(address, None, headers) for address in addresses]
    milliseconds, sizes, took = at_once(lambda: asked[next(numbers) % len(asked)], clients, seconds)
    return Load(len(sizes), len(sizes) / took, *percentiles(milliseconds),
                float(np.mean(sizes)) / 1e3)  # fmt: skip


class Spent:
    """CPU seconds that a service and its database have used since this was made."""

    def __init__(self, service: Service, cluster: EmbeddedPostgres) -> None:
        postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
        self._processes = service.process.pid, postmaster
        self._before = [_seconds(pid) for pid in self._processes]

    def each(self, answers: int) -> tuple[float, float]:
        """Milliseconds for each of ``answers``: the service's, the database's."""
        server, database = (
            (_seconds(pid) - before) / answers * 1e3
            for pid, before in zip(self._processes, self._before, strict=True)
        )
        return server, database


def resident(pid: int) -> int:
    """Bytes that a process and its children hold; what they share counts in each."""
    pages = (_words(one, "statm")[1:2] for one in _family(pid))
    return sum(int(page) for found in pages for page in found) * os.sysconf("SC_PAGE_SIZE")


def _seconds(pid: int) -> float:
    """CPU seconds of a process, of its children, and of those that have ended."""
    # after the name in brackets: proc_pid_stat(5), fields 14 to 17
    ticks = (_words(one, "stat")[-52:][13:17] for one in _family(pid))
    return sum(int(tick) for found in ticks for tick in found) / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> list[int]:
    found = [pid]
    with suppress(FileNotFoundError):  # it has ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in _words(pid, f"task/{task.name}/children"):
                found += _family(int(child))
    return found


def _words(pid: int, name: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/{name}").read_text().split()
    except OSError:  # it has ended
        return []
