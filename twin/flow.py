"""What the commands do with files: check, ingest, and the samples through to tiles."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from ingest import pipeline
from ingest.pipeline import CheckResult
from ingest.readers.base import ReadOptions
from models.crs import StorageCrs
from models.db import findings as stored_findings
from models.db import read
from models.db.connection import Connection, connect
from models.db.publish import PublishResult, publish
from models.errors import TwinError
from models.features import Delivery, Theme
from models.findings import Finding, Place, Severity
from models.twins import TwinDefinition, load_twins
from tiles.build import BuildReport
from twin.console import step
from twin.samples import Sample
from twin.settings import Settings
from twin.tiling import OptionError, migrate, tile


class UpdateError(TwinError):
    """A delivery would end most of a dataset; nothing of it was stored."""

    code = "UPD-01"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one group of files; ``stored`` is None where nothing was to be stored."""

    files: tuple[str, ...]
    theme: str | None
    features_in: int
    accepted: int
    findings: tuple[Finding, ...]
    seconds: float
    dataset: str | None = None
    stored: PublishResult | None = None

    @property
    def errors(self) -> int:
        """Number of findings of severity error."""
        return sum(f.severity is Severity.ERROR for f in self.findings)

    @property
    def clean(self) -> bool:
        """Whether nothing of it was refused."""
        return not self.errors

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the findings themselves."""
        counts = {s.value: sum(f.severity is s for f in self.findings) for s in Severity}
        return {
            "files": list(self.files),
            "theme": self.theme,
            "features_in": self.features_in,
            "accepted": self.accepted,
            "refused": self.features_in - self.accepted,
            "findings": counts,
            "dataset": self.dataset,
            "stored": None if self.stored is None else asdict(self.stored),
            "seconds": round(self.seconds, 3),
        }

    def line(self) -> str:
        """One line for a person."""
        names = ", ".join(self.files[:3]) + (" …" if len(self.files) > 3 else "")
        if not self.accepted:
            return f"✗ {names}: 拒收 refused"
        parts = [
            f"{'✓' if self.clean else '!'} {names}: {self.features_in} 条 read",
            f"{self.accepted} 合格 accepted",
            f"{self.features_in - self.accepted} 拒收 refused",
        ]
        if self.stored is not None:
            new = "新版本 revision" if self.stored.new else "无变化 unchanged, revision"
            parts.append(f"{self.dataset} {new} {self.stored.number}")
        return ", ".join(parts) + f", {self.seconds:.1f} s"


def options(
    crs: str | None,
    vertical: str | None,
    encoding: str | None = None,
    layer: str | None = None,
    profile: str | None = None,
    mapping: Path | None = None,
    time_limit: float = 600.0,
) -> ReadOptions:
    """What the deliverer declares. Raises :class:`OptionError` for an unusable mapping file."""
    names: dict[str, str] | None = None
    if mapping is not None:
        try:
            names = yaml.safe_load(mapping.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise _mapping_error(mapping, str(error)) from error
        if not isinstance(names, dict) or not all(
            isinstance(k, str) and isinstance(v, str) for k, v in names.items()
        ):
            raise _mapping_error(mapping, "不是名称对照表 not a table of names")
    return ReadOptions(crs, vertical, encoding, layer, profile, names, time_limit)


def check(
    files: Sequence[Path], given: ReadOptions, twin: TwinDefinition | None, srid: int
) -> list[Outcome]:
    """Read and check ``files`` without a database."""
    return [outcome for outcome, _ in _checked(files, given, twin, None, srid)]


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
) -> list[Outcome]:
    """Check ``files`` and publish what passes, one revision a dataset.

    Without ``dataset`` every group of files is a dataset named by its first file; with it, all
    files of a theme form that dataset together. Where anything was refused, a row or a whole file
    of a named dataset, features of earlier revisions that are not delivered again stay as they are;
    only a delivery without errors says that what it leaves out is gone. One that would end over
    half of a dataset is refused (UPD-01) unless ``replace_all``: more likely it is other data.
    """
    migrate(settings, url)
    storage = StorageCrs(settings.storage_srid)
    checked = list(_checked(files, given, twin, dataset, settings.storage_srid))
    outcomes: list[Outcome] = []
    batches: dict[tuple[str, str], list[tuple[Outcome, Delivery]]] = {}
    for outcome, delivery in checked:
        if delivery is None or not outcome.accepted:
            outcomes.append(outcome)
        elif theme is not None and delivery.theme is not theme:
            outcomes.append(_other_theme(outcome, delivery.theme, theme))
        else:
            name = dataset or Path(outcome.files[0]).stem
            dated = replace(delivery, valid_from=valid_from or delivery.valid_from)
            batches.setdefault((name, delivery.theme), []).append((outcome, dated))
    # with a dataset named, a file that was refused is a part of it that nobody could read
    whole = dataset is None or not outcomes
    with connect(url) as conn:
        for outcome in outcomes:
            name = dataset or Path(outcome.files[0]).stem
            stored_findings.store(conn, twin.id, name, outcome.findings)
        for (name, _), members in batches.items():
            outcomes += _publish(conn, twin.id, name, members, storage, whole, replace_all)
    return outcomes


def load_samples(
    settings: Settings, url: str, samples: Sequence[Sample], if_empty: bool
) -> tuple[list[Outcome], list[tuple[str, BuildReport]]]:
    """Ingest all sample deliveries and tile their twins; ``if_empty`` skips what is there."""
    migrate(settings, url)
    twins = load_twins(settings.twins_dir)
    with connect(url) as conn:
        held = {t: {d.name for d in read.datasets(conn, t)} for t in twins} if if_empty else {}
    outcomes = []
    for sample in samples:
        if sample.dataset not in held.get(sample.twin, ()):
            given = options(sample.horizontal, sample.vertical)
            outcomes += ingest(
                settings, url, sample.files, given, twins[sample.twin], sample.dataset
            )
    touched = {s.twin for s in samples}
    if if_empty and not outcomes:
        touched = {t for t in touched if not all(_tiled(settings, t, x) for x in Theme)}
    chosen = [twin for twin in twins.values() if twin.id in touched]
    return outcomes, tile(settings, url, chosen) if chosen else []


def _checked(
    files: Sequence[Path],
    given: ReadOptions,
    twin: TwinDefinition | None,
    dataset: str | None,
    srid: int,
) -> list[tuple[Outcome, Delivery | None]]:
    """Outcome and delivery of every group of ``files``."""
    times: list[float] = []

    with step(f"读取检查 read and check {len(files)}") as advance:

        def progress(name: str, number: int, total: int) -> None:
            times.append(time.perf_counter())
            advance(number, total)

        results = pipeline.check(
            files,
            given,
            twin,
            dataset=dataset,
            storage=StorageCrs(srid),
            progress=progress,
        )
        ended = time.perf_counter()
        advance(len(results), len(results))
    spans = [b - a for a, b in pairwise([*times, ended])]
    unread = len(results) - len(spans)
    spans = [0.0] * unread + spans
    return [
        (_outcome(result, seconds), result.delivery)
        for result, seconds in zip(results, spans, strict=True)
    ]


def _outcome(result: CheckResult, seconds: float) -> Outcome:
    theme = result.delivery.theme.value if result.delivery else None
    return Outcome(
        tuple(path.name for path in result.paths),
        theme,
        result.features_in,
        result.accepted,
        result.findings,
        seconds,
    )


def _publish(
    conn: Connection,
    twin: str,
    dataset: str,
    members: list[tuple[Outcome, Delivery]],
    storage: StorageCrs,
    whole: bool,
    replace_all: bool,
) -> list[Outcome]:
    """Publish one dataset; a refusal by the database becomes a finding of every delivery."""
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
            )
            _require_continuity(dataset, result, replace_all)
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


def _tiled(settings: Settings, twin: str, theme: Theme) -> bool:
    return (settings.tiles_dir / twin / theme / "tileset.json.gz").exists()


def _require_continuity(dataset: str, result: PublishResult, replace_all: bool) -> None:
    """Raise where a publication ends more than half of what the dataset held."""
    closed = sum(counts.closed for counts in result.tables.values())
    held = closed + sum(c.changed + c.unchanged for c in result.tables.values())
    if not replace_all and closed > held / 2:
        raise UpdateError(
            f"Dataset '{dataset}' holds {held} features and this delivery leaves out {closed} of "
            "them; nothing was stored. If these are other data, name them with --dataset; if the "
            "delivery does replace the dataset, add --replace.",
            f"数据集“{dataset}”现有 {held} 个要素，本次提交缺少其中 {closed} 个，未存入任何内容。"
            "若是另一批数据，请用 --dataset 另行命名；若确要整体替换，请加 --replace。",
        )


def _other_theme(outcome: Outcome, found: Theme, wanted: Theme) -> Outcome:
    name = outcome.files[0]
    finding = Finding(
        "STR-09",
        Severity.ERROR,
        Place(name),
        f"{name} 的内容为 {found}，而声明的是 {wanted}。请更正 --theme 或提交相应文件。",
        f"{name} holds {found}, but {wanted} was declared. Correct --theme or deliver that.",
        found.value,
        wanted.value,
    )
    return replace(outcome, accepted=0, findings=(*outcome.findings, finding))


def _mapping_error(path: Path, why: str) -> OptionError:
    return OptionError(
        f"The mapping file {path} cannot be used: {why}. "
        "Expected YAML lines of `source column: canonical column`.",
        f"映射文件 {path} 无法使用：{why}。应为 YAML，每行“源列名: 规范列名”。",
    )
