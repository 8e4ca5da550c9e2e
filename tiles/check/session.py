"""What one check holds while it goes: files with their account, findings and totals."""

from __future__ import annotations

from typing import Any

from tiles.check.features import Ledger
from tiles.check.files import Files
from tiles.check.report import Collector, Limits, Summary
from tiles.check.waste import Span


class Session:
    """Reads files and keeps count: each file once, and apart those that the far view fetches."""

    def __init__(self, files: Files, limits: Limits) -> None:
        self.files = files
        self.limits = limits
        self.findings = Collector(limits.findings)
        self.summary = Summary()
        self.ledger = Ledger()
        self.reached: set[str] = set()
        self.far: set[str] = set()
        self.buffers: dict[str, tuple[int, list[Span]]] = {}

    def read(self, name: str, near: bool, limit: int) -> bytes:
        """A file decoded; ``near`` tells that the far view fetches it. Raises as Files.read."""
        data = self.files.read(name, limit)
        self.reach(name, near)
        return data

    def reach(self, name: str, near: bool) -> None:
        """Count a file."""
        if near:
            self.far.add(name)
        if name not in self.reached:
            self.reached.add(name)
            self.summary.files += 1
            self.summary.bytes += self.files.size(name)

    def use(self, name: str, size: int, spans: list[Span]) -> None:
        """Count what a content uses of a buffer in a file of its own, of ``size`` bytes decoded."""
        self.buffers.setdefault(name, (size, []))[1].extend(spans)

    def hold(self, *entities: Any) -> None:
        """Note the classes of tiles, contents and others that have metadata of their own."""
        for one in entities:
            metadata = one.get("metadata") if isinstance(one, dict) else None
            if isinstance(metadata, dict):
                self.ledger.held.add(str(metadata.get("class")))

    def note(self, where: str, code: str, found: object, expected: object) -> None:
        """Note a finding."""
        self.findings.add(code, where, found, expected)
