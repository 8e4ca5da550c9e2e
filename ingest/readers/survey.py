"""Pipe surveys as surveyors deliver them: point, line and result tables (成果表) in workbooks, CSV,
Access databases, Shapefiles, GeoPackages and DXF drawings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from ingest.errors import RefusedError, refuse
from ingest.isolation import Limits
from ingest.mapping.words import SurveyWords, profiles, survey_words
from ingest.readers import (
    survey_about,
    survey_beside,
    survey_geometry,
    survey_group,
    survey_offset,
)
from ingest.readers.base import ReadOptions
from ingest.readers.survey_area import check_area
from ingest.readers.survey_datum import passport
from ingest.readers.survey_network import derive, join
from ingest.readers.survey_outline import attach
from ingest.readers.survey_rows import read_rows
from ingest.readers.survey_sheets import discover
from ingest.readers.survey_tables import pipe_points, pipe_segments
from ingest.readers.tables import COMPANIONS, LIMITS, read_grids
from ingest.rules.engine import run
from ingest.rules.pack import load_packs
from ingest.rules.totals import by_class
from models.features import DatumPassport, Delivery, SourceFile, Theme
from models.findings import Finding, Place, Severity


class SurveyReader:
    """Reads point tables, line tables and result tables (成果表), judged by their headers.

    Deliveries come in the source CRS with east before north, heights in the source datum. ``key``
    of a point is its number (with the class before it where classes share numbers); segments name
    their points by key. See :mod:`ingest.readers.survey_network` for what is derived.
    """

    name = "survey"

    def group(self, paths: Sequence[Path]) -> list[tuple[Path, ...]]:
        """Tables that belong together; see :func:`ingest.readers.survey_group.groups`."""
        return survey_group.groups(paths, survey_words())

    def read(self, paths: tuple[Path, ...], options: ReadOptions) -> Delivery:
        """Read one group.

        Raises :class:`ingest.errors.RefusedError` for a file that cannot be read (STR-00, STR-08),
        headers that do not do (STR-01), datums and constants (MET-01 to MET-03), coordinates that
        are not in the declared CRS (CRS-01, CRS-02) and columns that contradict the geometry
        (GEO-01). Everything else is a finding of its row; where headers, datums, constants or
        coordinates refuse the whole, the rows' findings are told with it.
        """
        label = " + ".join(path.name for path in paths if path.suffix.lower() not in COMPANIONS)
        words = _words(options.profile, label)
        limits = Limits(options.time_limit, min(options.memory_limit, LIMITS.memory))
        grids = [grid for path in paths for grid in read_grids(path, options.encoding, limits)]
        beside = survey_beside.split(grids, words, options.mapping)
        if not beside.grids:
            raise _only_beside(label)
        sources = discover(beside.grids, words, options.mapping)
        survey = read_rows(sources.tables, words)
        survey.totals = survey_beside.own_totals(beside.totals, survey)
        wrong: list[Finding] = []  # what refuses all of it; its rows are checked all the same
        offset, declared = (0.0, 0.0, 0.0), DatumPassport(None, None)
        with _collecting(wrong):
            offset = survey_offset.declared_offset(label, sources.declared, options)
            survey_offset.apply(survey, offset)
        findings = survey_geometry.place_points(survey)
        survey.points["x_src"] = survey.points["north_x"]
        survey.points["y_src"] = survey.points["east_y"]
        with _collecting(wrong):
            declared = passport(label, sources.declared, survey, options)
        declared = survey_about.complete(declared, survey, sources.declared, offset)
        if declared.horizontal is not None and not wrong:
            with _collecting(wrong):
                survey_offset.check(survey, offset, declared.horizontal, label)
                check_area(survey, declared.horizontal, label)
        if wrong:  # positions mean nothing outside the delivery
            survey.points[["inside", "north_off"]] = True, False
        else:
            survey.horizontal, survey.vertical = declared.horizontal, declared.vertical
        survey.profile, survey.limits = words.profile, words.limits
        resurveys = (*options.context.resurveys, *beside.resurveys)
        survey.context = replace(options.context, resurveys=resurveys)
        findings += survey_geometry.place_lines(survey)
        join(survey)
        with np.errstate(invalid="ignore", over="ignore"):
            derive(survey)
            packs = options.context.packs
            findings += run(load_packs() if packs is None else packs, survey)
        if wrong or sources.wrong:
            raise RefusedError([*sources.wrong, *wrong, *sources.findings, *findings])
        if not survey.alive["point"].any():
            raise RefusedError(_nothing_left(findings, label))
        findings += attach(survey, sources.outlines, offset)
        return Delivery(
            Theme.PIPES,
            _source(paths),
            declared,
            {"pipe_point": pipe_points(survey), "pipe_segment": pipe_segments(survey)},
            findings=(*sources.findings, *findings),
            features_in=len(survey.points) + len(survey.lines),
            totals=by_class(survey, label),
        )


@contextmanager
def _collecting(wrong: list[Finding]) -> Iterator[None]:
    """Findings of a refusal inside the block go to ``wrong`` instead."""
    try:
        yield
    except RefusedError as error:
        wrong += error.findings


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
            "≥ 1",
        )
    ]


def _only_beside(label: str) -> RefusedError:
    return refuse(
        "STR-08",
        label,
        en=f"{label} holds statistics or check measurements and no points or lines. Deliver it "
        "together with the point and line tables.",
        zh=f"{label} 只有统计表或检查表，没有点表和线表。请与点表、线表一并提交。",
        found="统计表、检查表 statistics, check table",
        expected="点表、线表 point and line tables",
    )


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
