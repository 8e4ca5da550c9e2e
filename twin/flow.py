"""What the commands do with files: check, ingest, and the samples through to tiles.

Only what stores and tiles imports the database and the tilers: a check waits for neither.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingest import pipeline, unread
from ingest.archives import opened
from ingest.mapping import save_mapping
from ingest.pipeline import CheckResult
from ingest.readers.base import ReadOptions
from ingest.readers.survey_mapping import proposed
from ingest.rules.context import CheckContext
from ingest.rules.waivers import unused
from models.crs import StorageCrs
from models.errors import TwinError
from models.features import Delivery, Theme
from models.findings import Finding, Place, Severity
from models.terrain import open_terrain
from models.twins import TwinDefinition, load_twins
from twin import kept_files, report, terrain
from twin.console import counted, step
from twin.options import Terms
from twin.outcome import Outcome
from twin.runtime import migrate
from twin.samples import Sample
from twin.settings import Settings

if TYPE_CHECKING:
    from models.db.connection import Connection
    from tiles.build import BuildReport

#: Share of a dataset that a delivery may end without being asked to.
MAY_END: Final = 0.5
_NO_TERMS: Final = Terms()


def check(
    files: Sequence[Path], given: ReadOptions, twin: TwinDefinition | None, srid: int
) -> list[Outcome]:
    """Read and check ``files`` without a database."""
    with pipeline.opened(files) as held:
        kept = kept_files.take(held, given, twin, StorageCrs(srid))
        checked = _checked(kept, given, twin, None, srid)
    return [*kept.outcomes, *(outcome for outcome, _ in checked)]


def ingest(
    settings: Settings,
    url: str,
    files: Sequence[Path],
    given: ReadOptions,
    twin: TwinDefinition,
    dataset: str | None,
    theme: Theme | None = None,
    valid_from: date | None = None,
    replace_all: bool = False,
    organisation: str | None = None,
    agreed: Sequence[str] = (),
    terms: Terms = _NO_TERMS,
) -> list[Outcome]:
    """Check ``files`` and publish what passes, one revision a dataset.

    Without ``dataset`` every group of files is a dataset of its own, named by
    :func:`ingest.naming.dataset_name`; with it, all files of a theme form that dataset together.
    Where anything was refused, a row or a whole file of a named dataset, features of earlier
    revisions that are not delivered again stay as they are; only a delivery without errors says
    that what it leaves out is gone. One that would end over half of a dataset is refused (UPD-01)
    unless ``replace_all``: more likely it is other data. So is one that changes or ends features of
    an organisation or owner for whom it does not speak and who is not among the ``agreed``
    (:func:`models.db.owners.require_consent`).
    A GeoTIFF of heights becomes the twin's terrain, in the home folder; the other files are checked
    against it, and buildings without a base height stand on it. LAS and LAZ files become point
    clouds of the twin there, OBJ and glTF files its textured meshes. What was handed over, under
    which ``terms``, and what became of it is recorded; the files themselves are kept, unless
    nothing of them was accepted (:mod:`twin.deliveries`).
    """
    from models.db import findings as stored_findings
    from models.db.connection import connect
    from twin import deliveries

    handing = deliveries.Handing.of(settings, twin, files, terms)
    migrate(settings, url)
    storage = StorageCrs(settings.storage_srid)
    with pipeline.opened(files) as held:
        kept = kept_files.take(held, given, twin, storage, settings.home, replace_all)
        ground = open_terrain(settings.home, twin.id, storage)
        given = replace(given, context=replace(given.context, terrain=ground))
        checked = _checked(kept, given, twin, dataset, settings.storage_srid)
    outcomes: list[Outcome] = []
    batches: dict[tuple[str, str], list[tuple[Outcome, Delivery]]] = {}
    for outcome, delivery in checked:
        if delivery is None or not outcome.accepted:
            outcomes.append(outcome)
        elif theme is not None and delivery.theme is not theme:
            outcomes.append(_other_theme(outcome, delivery.theme, theme))
        else:
            name = outcome.dataset or Path(outcome.files[0]).stem
            dated = replace(delivery, valid_from=valid_from or delivery.valid_from)
            batches.setdefault((name, delivery.theme), []).append((outcome, dated))
    # with a dataset named, a file that was refused is a part of it that nobody could read
    whole = dataset is None or not outcomes
    if batches or any(outcome.accepted for outcome in kept.outcomes):
        handing.keep()
    with connect(url) as conn:
        for outcome in (*kept.outcomes, *outcomes):
            name = dataset or outcome.dataset or Path(outcome.files[0]).stem
            stored_findings.store(conn, twin.id, name, outcome.findings)
        for (name, _), members in batches.items():
            outcomes += _publish(
                conn,
                twin.id,
                name,
                members,
                storage,
                whole,
                organisation=organisation,
                may_end=None if replace_all else MAY_END,
                agreed=None if replace_all else agreed,
            )
        told = [*kept.outcomes, *outcomes]
        handing.record(conn, told, given, dataset, organisation, valid_from)
    return told


def about_waivers(
    path: Path | None, wrong: Sequence[Finding], outcomes: Sequence[Outcome], context: CheckContext
) -> list[Outcome]:
    """An outcome for the file of waivers: those that are not in force, and those that no finding
    of ``outcomes`` needed."""
    if path is None:
        return []
    found = [finding for outcome in outcomes for finding in outcome.findings]
    findings = (*wrong, *unused(found, context.waivers, context.packs))
    return [Outcome((path.name,), None, 0, 0, findings, 0.0)] if findings else []


def keep_mapping(path: Path, files: Sequence[Path], given: ReadOptions) -> None:
    """Write the columns of the survey tables in ``files`` and what they are taken for to ``path``.

    Raises :class:`models.errors.TwinError` where that cannot be done.
    """
    with opened(files) as (delivered, _):
        mapping = proposed(delivered, given)
    try:
        save_mapping(path, mapping)
    except OSError as error:
        raise report.ReportError(
            f"The mapping cannot be written to {path}: {error.strerror}. Choose another place.",
            f"列名映射无法写入 {path}（{error.strerror}）。请另选位置。",
        ) from error


def load_samples(
    settings: Settings, url: str, samples: Sequence[Sample], if_empty: bool
) -> tuple[list[Outcome], list[tuple[str, BuildReport]]]:
    """Ingest all sample deliveries and tile their twins, terrain too; ``if_empty`` skips what is
    there."""
    from twin import derived
    from twin.terrain import tile_terrain
    from twin.tiling import tile

    migrate(settings, url)
    twins = load_twins(settings.twins_dir)
    held = _held(settings, url, twins) if if_empty else {}
    outcomes = []
    for sample in samples:
        if sample.dataset not in held.get(sample.twin, ()):
            given = ReadOptions(sample.horizontal, sample.vertical)
            outcomes += ingest(
                settings, url, sample.files, given, twins[sample.twin], sample.dataset
            )
    touched = {s.twin for s in samples}
    if if_empty and not outcomes:
        touched = {t for t in touched if not all(_tiled(settings, t, x) for x in Theme)}
    chosen = [twin for twin in twins.values() if twin.id in touched]
    derived.renew(url, chosen)
    tile_terrain(settings, url, chosen)
    return outcomes, tile(settings, url, chosen) if chosen else []


def _checked(
    kept: kept_files.Kept,
    given: ReadOptions,
    twin: TwinDefinition | None,
    dataset: str | None,
    srid: int,
) -> list[tuple[Outcome, Delivery | None]]:
    """Outcome and delivery of every group of files of the rest; an error where neither of it nor of
    what was ``kept`` anything could be read."""
    held = kept.rest
    times: list[float] = []

    if not held.files and not held.refused:
        return []
    told = counted(len(held.files), "文件", "file")
    with step(f"读取检查 read and check {told}") as advance:

        def progress(name: str, number: int, total: int) -> None:
            times.append(time.perf_counter())
            advance(number, total)

        results = pipeline.check_held(
            held,
            given,
            twin,
            dataset=dataset,
            storage=StorageCrs(srid),
            progress=progress,
        )
        ended = time.perf_counter()
        advance(len(results), len(results))
    spans = [b - a for a, b in pairwise([*times, ended])]
    if not kept.outcomes and _none_read(results):
        nothing = unread.nothing_read(held.named)
        results.append(CheckResult(held.named, None, None, (nothing,)))
    spans = [0.0] * (len(results) - len(spans)) + spans
    return [
        (_outcome(result, seconds), result.delivery)
        for result, seconds in zip(results, spans, strict=True)
    ]


def _none_read(results: Sequence[CheckResult]) -> bool:
    """Whether no reader took a file of ``results``, nor any error says so already."""
    severities = {finding.severity for result in results for finding in result.findings}
    return Severity.ERROR not in severities and all(result.reader is None for result in results)


def _outcome(result: CheckResult, seconds: float) -> Outcome:
    theme = result.delivery.theme.value if result.delivery else None
    return Outcome(
        tuple(path.name for path in result.paths),
        theme,
        result.features_in,
        result.accepted,
        result.findings,
        seconds,
        result.dataset,
        totals=result.delivery.totals if result.delivery else (),
        handed=result.origins,
        passport=result.delivery.passport if result.delivery else None,
    )


def _publish(
    conn: Connection,
    twin: str,
    dataset: str,
    members: list[tuple[Outcome, Delivery]],
    storage: StorageCrs,
    whole: bool,
    **limits: Any,
) -> list[Outcome]:
    """Publish one dataset within the ``limits`` of :func:`models.db.publish.publish`; a refusal by
    the database becomes a finding of every delivery."""
    from models.db import findings as stored_findings
    from models.db.publish import publish

    started = time.perf_counter()
    complete = whole and all(o.clean and o.accepted == o.features_in for o, _ in members)
    names = ", ".join(name for outcome, _ in members for name in outcome.files)
    try:
        with step(f"入库 store {dataset}"), conn.transaction():
            result = publish(
                conn,
                twin=twin,
                dataset=dataset,
                deliveries=[delivery for _, delivery in members],
                storage=storage,
                complete=complete,
                **limits,
            )
            found = [f for outcome, _ in members for f in outcome.findings]
            stored_findings.store(conn, twin, dataset, found, revision_id=result.revision_id)
    except TwinError as error:
        finding = Finding(error.code, Severity.ERROR, Place(names), error.zh, error.en)
        return [
            replace(outcome, accepted=0, findings=(*outcome.findings, finding))
            for outcome, _ in members
        ]
    spent = (time.perf_counter() - started) / len(members)
    return [
        replace(outcome, dataset=dataset, stored=result, seconds=outcome.seconds + spent)
        for outcome, _ in members
    ]


def _held(settings: Settings, url: str, twins: Iterable[str]) -> dict[str, set[str]]:
    """Names of each twin's datasets, and ``terrain`` where it has one."""
    from models.db import read
    from models.db.connection import connect

    with connect(url) as conn:
        held = {twin: {d.name for d in read.datasets(conn, twin)} for twin in twins}
    for twin, names in held.items():
        if open_terrain(settings.home, twin) is not None:
            names.add(terrain.THEME)
    return held


def _tiled(settings: Settings, twin: str, theme: Theme) -> bool:
    return (settings.tiles_dir / twin / theme / "tileset.json.gz").exists()


def _other_theme(outcome: Outcome, found: Theme, wanted: Theme) -> Outcome:
    name = outcome.files[0]
    finding = Finding(
        "STR-09",
        Severity.ERROR,
        Place(name),
        f"{name} 的内容为 {found}，而声明的是 {wanted}。请更正 --theme 或提交相应文件。",
        f"{name} holds {found}, but {wanted} was declared. Correct --theme, or deliver a file of "
        "that theme.",
        found.value,
        wanted.value,
    )
    return replace(outcome, accepted=0, findings=(*outcome.findings, finding))
