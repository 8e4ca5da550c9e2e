"""What a check says: findings, and what the tileset costs to send and to draw."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from models.findings import Finding, Place, Severity
from tiles.check.codes import CODES
from tiles.check.phrases import chinese


@dataclass(frozen=True, slots=True)
class Limits:
    """Advice for tiles (first group) and bounds of the check itself (second group).

    Bytes of tiles are those at rest, as they are sent; bounds are of decoded bytes. ``seconds`` is
    wall clock. ``screen_height`` in pixels, ``screen_error`` (pixels) and ``field_of_view``
    (degrees, vertical) describe the camera of the far view, in which the whole tileset is seen.
    """

    tile_bytes: int = 500_000
    triangles: int = 50_000
    draw_calls: int = 4
    far_requests: int = 20
    far_bytes: int = 2_000_000

    tiles: int = 2_000_000
    depth: int = 128
    json_bytes: int = 100_000_000
    content_bytes: int = 500_000_000
    content_points: int = 50_000_000
    seconds: float = 3600.0
    findings: int = 100

    screen_height: int = 1080
    screen_error: float = 16.0
    field_of_view: float = 60.0


@dataclass(slots=True)
class Summary:
    """Totals. ``bytes`` at rest over every file reached, each once; ``features`` distinct ids (or
    rows, where a table has no ids); ``depth`` levels of tiles; ``far_*`` what a client fetches to
    see the whole."""

    tiles: int = 0
    contents: int = 0
    tilesets: int = 0
    files: int = 0
    bytes: int = 0
    triangles: int = 0
    points: int = 0
    features: int = 0
    draw_calls: int = 0
    depth: int = 0
    far_requests: int = 0
    far_bytes: int = 0
    largest_tile_bytes: int = 0
    kinds: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """Result of :func:`tiles.check.check_tileset`.

    ``findings`` holds the first of every code, up to the limit; ``totals`` counts all of them.
    """

    findings: tuple[Finding, ...]
    totals: dict[str, int]
    summary: Summary

    @property
    def clean(self) -> bool:
        """Whether there is neither an error nor a warning."""
        return not any(CODES[code].severity is not Severity.INFO for code in self.totals)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "clean": self.clean,
            "summary": asdict(self.summary),
            "totals": self.totals,
            "findings": [finding.as_dict() for finding in self.findings],
        }


class Collector:
    """Takes findings while a tileset is walked; keeps a bounded number of each code."""

    def __init__(self, limit: int) -> None:
        self.totals: Counter[str] = Counter()
        self._limit = limit
        self._kept: list[Finding] = []

    def add(self, code: str, where: str, found: object, expected: object) -> None:
        """Note a finding of ``code`` at ``where`` (file and path of the tile)."""
        self.totals[code] += 1
        if self.totals[code] > self._limit:
            return
        file, _, path = where.partition("#")
        kind, words = CODES[code], {"where": where, "found": found, "expected": expected}
        told = {"where": where, "found": chinese(found), "expected": chinese(expected)}
        self._kept.append(
            Finding(
                code,
                kind.severity,
                Place(file, element=path or None),
                kind.zh.format(**told),
                kind.en.format(**words),
                str(found),
                str(expected),
            )
        )

    def findings(self) -> tuple[Finding, ...]:
        """What was kept, gravest first, else in order of finding."""
        order = list(Severity)
        return tuple(sorted(self._kept, key=lambda finding: order.index(finding.severity)))
