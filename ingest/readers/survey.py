"""Pipe surveys as surveyors deliver them: point and line tables in XLSX, XLS and CSV."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ingest.errors import RefusedError, refuse
from ingest.isolation import Limits
from ingest.mapping.header import find_table
from ingest.mapping.words import SurveyWords, profiles, survey_words
from ingest.readers.base import ReadOptions
from ingest.readers.survey_datum import check_area, passport
from ingest.readers.survey_network import derive, join
from ingest.readers.survey_rows import read_rows
from ingest.readers.survey_sheets import bare_name, discover, is_metadata
from ingest.readers.survey_tables import pipe_points, pipe_segments
from ingest.readers.tables import LIMITS, SUFFIXES, content, peek_grids, read_grids
from ingest.rules.engine import run
from ingest.rules.pack import load_pack
from models.features import Delivery, SourceFile, Theme
from models.findings import Finding, Place, Severity

PACK: Final = "pipe-survey"


class SurveyReader:
    """Reads point tables, line tables and result tables (成果表), judged by their headers.

    Deliveries come in the source CRS with east before north, heights in the source datum. ``key``
    of a point is its number (with the class before it where classes share numbers); segments name
    their points by key. See :mod:`ingest.readers.survey_network` for what is derived.
    """

    name = "survey"

    def group(self, paths: Sequence[Path]) -> list[tuple[Path, ...]]:
        """Tables that belong together: a file with points and lines alone; a point and a line file
        of the same name but for 点/线; else what is left over in a folder, together. A file of
        datum declarations goes with every group of its folder."""
        words = survey_words()
        by_folder: dict[Path, dict[str, list[Path]]] = {}
        groups: list[tuple[Path, ...]] = []
        for path in paths:
            role = self._role(path, words)
            if role is not None:
                by_folder.setdefault(path.parent, {}).setdefault(role, []).append(path)
        for roles in by_folder.values():
            metadata = roles.get("metadata", [])
            own: list[tuple[Path, ...]] = [
                (p,) for p in [*roles.get("both", []), *roles.get("unknown", [])]
            ]
            own += _pairs(roles.get("point", []), roles.get("line", []), words)
            groups += [(*group, *metadata) for group in own]
            if not own:
                groups += [(path,) for path in metadata]
        return groups

    def read(self, paths: tuple[Path, ...], options: ReadOptions) -> Delivery:
        """Read one group.

        Raises :class:`ingest.errors.RefusedError` for a file that cannot be read (STR-00, STR-08),
        headers that do not do (STR-01), datums (MET-01, MET-02) and coordinates that are not in
        the declared CRS (CRS-01, CRS-02). Everything else is a finding of its row.
        """
        label = " + ".join(path.name for path in paths)
        words = _words(options.profile, label)
        limits = Limits(options.time_limit, min(options.memory_limit, LIMITS.memory))
        grids = [grid for path in paths for grid in read_grids(path, options.encoding, limits)]
        sources = discover(grids, words, options.mapping)
        survey = read_rows(sources.tables, words)
        survey.points["x_src"] = survey.points["north_x"]
        survey.points["y_src"] = survey.points["east_y"]
        declared = passport(label, sources.declared, survey, options)
        if declared.horizontal is not None:
            survey.points["inside"] = check_area(survey, declared.horizontal, label)
        join(survey)
        with np.errstate(invalid="ignore", over="ignore"):
            derive(survey)
            findings = run(load_pack(PACK), survey)
        if not survey.alive["point"].any():
            raise RefusedError(_nothing_left(findings, label))
        return Delivery(
            Theme.PIPES,
            _source(paths),
            declared,
            {"pipe_point": pipe_points(survey), "pipe_segment": pipe_segments(survey)},
            findings=(*sources.findings, *findings),
            features_in=len(survey.points) + len(survey.lines),
        )

    def _role(self, path: Path, words: SurveyWords) -> str | None:
        """``point``, ``line``, ``both``, ``metadata``, ``unknown`` (a table that is not a survey or
        cannot be read, which :meth:`read` says), or ``None`` for what is no table at all."""
        if not path.is_file():
            return None
        if path.suffix.lower() not in SUFFIXES:
            return "unknown" if content(path) in {"xlsx", "xls"} else None
        roles = set()
        grids = peek_grids(path)
        for grid in grids:
            if table := find_table(grid.cells, words):
                roles.add(table.role)
        if path.suffix.lower() == ".txt" and not roles:
            return None
        if "result" in roles or roles == {"point", "line"}:
            return "both"
        if roles:
            return roles.pop()
        return "metadata" if grids and all(is_metadata(g, words) for g in grids) else "unknown"


def _nothing_left(findings: Sequence[Finding], label: str) -> list[Finding]:
    """Why no point can be used: the errors of the rows, or that there is no row."""
    errors = [f for f in findings if f.severity is Severity.ERROR]
    return errors or [
        Finding(
            "STR-08",
            Severity.ERROR,
            Place(label),
            f"{label} 的点表只有表头，没有数据行。请补充数据后提交。",
            f"The point table of {label} has a header but no rows. Fill it and deliver it again.",
            "0",
        )
    ]


def _pairs(points: list[Path], lines: list[Path], words: SurveyWords) -> list[tuple[Path, ...]]:
    if len(points) <= 1 or len(lines) <= 1:
        return [(*points, *lines)] if points or lines else []
    out: list[tuple[Path, ...]] = []
    rest_points, rest_lines = list(points), list(lines)
    for point in points:
        name = bare_name(point.stem, words)
        twins = [line for line in rest_lines if bare_name(line.stem, words) == name]
        same = [p for p in points if bare_name(p.stem, words) == name]
        if len(twins) == 1 and len(same) == 1:
            out.append((point, twins[0]))
            rest_points.remove(point)
            rest_lines.remove(twins[0])
    if rest_points or rest_lines:
        out.append((*rest_points, *rest_lines))
    return out


def _words(profile: str | None, label: str) -> SurveyWords:
    name = profile or "default"
    if name not in profiles():
        known = ", ".join(profiles())
        raise refuse(
            "STR-01",
            label,
            en=f"There is no profile {name}; known ones are {known}. Choose one of them.",
            zh=f"没有名为 {name} 的方案，可用：{known}。请改用其中之一。",
            found=name,
            expected=known,
        )
    return survey_words(name)


def _source(paths: tuple[Path, ...]) -> SourceFile:
    """The group as one source: names joined, sizes added, hash of the files' hashes."""
    files = [SourceFile.of(path) for path in paths]
    if len(files) == 1:
        return files[0]
    digest = hashlib.sha256("\n".join(f.sha256 for f in files).encode()).hexdigest()
    return SourceFile(" + ".join(f.name for f in files), digest, sum(f.size for f in files))
