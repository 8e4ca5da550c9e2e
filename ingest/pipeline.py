"""From named files to deliveries that the database can take, with everything found on the way.

``open_delivery`` finds who reads which files, ``check`` unpacks archives, reads and prepares all
files and never stops at a bad one, ``prepare`` brings one delivery into the storage CRS of a
twin. Nothing is written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ingest import archives, faults, heights, misnamed, outside, unread
from ingest.doubled import refuse_doubled
from ingest.errors import RefusedError, refuse
from ingest.manifest import Manifest, is_manifest, nearest, read_manifest
from ingest.naming import dataset_name
from ingest.prepare import placed, prepare
from ingest.readers.base import Reader, ReadOptions
from ingest.readers.registry import readers as all_readers
from ingest.rules.across import Handed, check_across
from models.crs import STORAGE, StorageCrs
from models.errors import TwinError
from models.features import Delivery, Theme
from models.findings import Finding, Place, Severity
from models.twins import TwinDefinition

__all__ = [
    "CheckResult",
    "Group",
    "Held",
    "check",
    "check_held",
    "open_delivery",
    "opened",
    "prepare",
]

Progress = Callable[[str, int, int], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Group:
    """Files that one reader takes together."""

    reader: Reader
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery while it is open: its ``files``, what was ``named`` (files, folders, archives),
    findings on archives that were ``refused``, and the archive that each file came out of."""

    files: tuple[Path, ...]
    named: tuple[Path, ...]
    refused: tuple[Finding, ...]
    origins: Mapping[Path, Path]

    def origin(self, path: Path) -> Path:
        """The file as it was handed over: an archive, or itself."""
        return self.origins.get(path, path)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What became of one group of files.

    ``delivery`` is what may be stored, in the storage CRS and with ids when a twin was named, else
    as read; ``None`` when the files were refused. ``features_in`` = ``accepted`` + ``refused``
    (both 0 where nothing could be read). ``manifest`` is what the delivery says of itself,
    ``dataset`` the name that it goes by. Paths of files out of an archive no longer exist;
    ``origins`` are the files as they were handed over.
    """

    paths: tuple[Path, ...]
    reader: str | None
    delivery: Delivery | None
    findings: tuple[Finding, ...]
    features_in: int = 0
    manifest: Manifest | None = None
    dataset: str | None = None
    origins: tuple[Path, ...] = ()

    @property
    def accepted(self) -> int:
        """Rows that may be stored."""
        return 0 if self.delivery is None else sum(map(len, self.delivery.tables.values()))

    @property
    def refused(self) -> int:
        """Rows that may not."""
        return self.features_in - self.accepted


def open_delivery(
    paths: Sequence[Path], readers: Sequence[Reader] | None = None
) -> tuple[list[Group], list[Finding]]:
    """Who reads which of ``paths``, and findings on files that nobody reads.

    A file goes to the first reader that takes it; folders stand for all files in and below them.
    Photographs and papers that lie in a folder are counted in an info finding, by kind. A file that
    describes the delivery is read with the others; alone it is told as if it were one of them.
    """
    return _opened(_files(paths), paths, readers)


def _opened(
    files: Sequence[Path], named: Sequence[Path], readers: Sequence[Reader] | None
) -> tuple[list[Group], list[Finding]]:
    left = list(dict.fromkeys(files))
    order = {path: index for index, path in enumerate(left)}
    groups: list[Group] = []
    findings = [faults.missing(path) for path in left if not path.is_file()]
    left = [path for path in left if path.is_file()]
    for reader in all_readers() if readers is None else readers:
        for members in reader.group(left):
            groups.append(Group(reader, members))
            taken = set(members)
            left = [path for path in left if path not in taken]
    data = [g for g in groups if len(g.paths) > 1 or not is_manifest(g.paths[0])]
    groups = data or groups
    findings += unread.tell(left, named)
    groups.sort(key=lambda group: order.get(group.paths[0], 0))
    return groups, findings


def check(
    paths: Sequence[Path],
    options: ReadOptions,
    twin: TwinDefinition | None = None,
    *,
    dataset: str | None = None,
    storage: StorageCrs = STORAGE,
    readers: Sequence[Reader] | None = None,
    progress: Progress | None = None,
) -> list[CheckResult]:
    """Read every file of ``paths`` and, where ``twin`` is given, prepare it for that twin.

    A file that cannot be used gives a result without delivery, and the others go on. Folders and
    ZIP archives stand for the files in them; what a manifest or metadata table declares holds for
    every file in its folder and below that does not say so itself. ``dataset`` is the name that ids
    are made of, by default :func:`ingest.naming.dataset_name`. ``progress`` is called before each
    group with its first file's name, its number from 0 and how many there are. Pipes of several
    groups are checked against each other at the end (:mod:`ingest.rules.across`), which refuses
    nothing.
    """
    with opened(paths) as held:
        return check_held(
            held,
            options,
            twin,
            dataset=dataset,
            storage=storage,
            readers=readers,
            progress=progress,
        )


@contextmanager
def opened(paths: Sequence[Path]) -> Iterator[Held]:
    """The files of ``paths``, folders and archives opened while the block runs."""
    origins: dict[Path, Path] = {}
    with archives.opened(paths, origins=origins) as (files, refused):
        yield Held(tuple(files), tuple(paths), tuple(refused), origins)


def check_held(
    held: Held,
    options: ReadOptions,
    twin: TwinDefinition | None = None,
    *,
    dataset: str | None = None,
    storage: StorageCrs = STORAGE,
    readers: Sequence[Reader] | None = None,
    progress: Progress | None = None,
) -> list[CheckResult]:
    """:func:`check` for a delivery that is open already."""
    groups, unread_files = _opened(held.files, held.named, readers)
    manifests, unclear = _manifests(held.files, storage)
    results = [
        CheckResult((Path(f.place.file),), None, None, (f,))
        for f in (*held.refused, *unread_files, *unclear)
    ]
    for number, group in enumerate(groups):
        if progress is not None:
            progress(group.paths[0].name, number, len(groups))
        manifest = nearest(group.paths[0], manifests)
        result = _check(group, options, twin, dataset, storage, manifest)
        used = (*group.paths, *(() if manifest is None else (manifest.path,)))
        handed = tuple(dict.fromkeys(held.origin(path) for path in used))
        results.append(replace(result, origins=handed))
    return _across(_single(results), options, twin is not None, storage)


def read_design(path: Path, options: ReadOptions) -> Delivery:
    """The pipes of an approved design, as read, for
    :attr:`ingest.rules.context.CheckContext.design`.

    Raises :class:`ingest.errors.RefusedError` for what holds no pipes.
    """
    groups, unread_files = open_delivery([path])
    for group in groups:
        delivery = group.reader.read(group.paths, options)
        if delivery.theme is Theme.PIPES:
            return delivery
    raise (
        RefusedError(unread_files)
        if unread_files
        else refuse(
            "STR-01",
            path.name,
            en=f"{path.name} holds no pipes, which a design to compare with must. "
            "Deliver the design as point and line tables.",
            zh=f"{path.name} 中没有管线，无法作为设计成果比对。请以点表和线表提交设计。",
            found="-",
            expected="pipes",
        )
    )


def _manifests(files: Sequence[Path], storage: StorageCrs) -> tuple[list[Manifest], list[Finding]]:
    """The descriptions of the delivery, and why some of them cannot be used."""
    manifests: list[Manifest] = []
    findings: list[Finding] = []
    for path in files:
        try:
            if is_manifest(path):
                manifests.append(read_manifest(path, storage))
        except RefusedError as error:
            findings += error.findings
    return manifests, findings


def _check(
    group: Group,
    options: ReadOptions,
    twin: TwinDefinition | None,
    dataset: str | None,
    storage: StorageCrs,
    manifest: Manifest | None,
) -> CheckResult:
    name, count, named = group.paths[0].name, 0, dataset or dataset_name(group.paths)
    try:
        delivery = _read(group, options, manifest)
        count = delivery.features_in
        delivery = heights.require(delivery)
        beyond = outside.tell(delivery, _within(options, manifest).context.area, storage)
        if twin is not None:
            delivery = prepare(delivery, twin, named, storage, options.context.terrain)
        else:
            delivery = placed(delivery, storage)
        told = (*delivery.findings, *beyond, *misnamed.tell(group.paths))
        delivery = replace(delivery, findings=told)
    except RefusedError as error:
        found = error.findings
    except TwinError as error:
        found = (Finding(error.code, Severity.ERROR, Place(name), error.zh, error.en),)
    except OSError as error:
        found = (unread.unreadable(name, error),)
    except Exception as error:  # noqa: BLE001 a fault of ours with one file must not stop the others
        _log.exception("reading %s failed", name)
        found = (faults.of_file(name, error),)
    else:
        reader = group.reader.name
        return CheckResult(group.paths, reader, delivery, delivery.findings, count, manifest, named)
    return CheckResult(group.paths, group.reader.name, None, found, count, manifest, named)


def _single(results: list[CheckResult]) -> list[CheckResult]:
    """The results without buildings that more than one file of a dataset has."""
    out = list(results)
    shared: dict[str | None, dict[int, Delivery]] = {}
    for index, result in enumerate(results):
        if result.delivery is not None and result.delivery.theme is Theme.BUILDINGS:
            shared.setdefault(result.dataset, {})[index] = result.delivery
    for members in shared.values():
        if len(members) > 1:
            told = refuse_doubled(list(members.values()))
            for index, delivery in zip(members, told, strict=True):
                out[index] = replace(out[index], delivery=delivery, findings=delivery.findings)
    return out


def _across(
    results: list[CheckResult], options: ReadOptions, prepared: bool, storage: StorageCrs
) -> list[CheckResult]:
    """The results with what is found between their pipes."""
    pipes = {
        index: Handed(result.paths, result.delivery, prepared)
        for index, result in enumerate(results)
        if result.delivery is not None and result.delivery.theme is Theme.PIPES
    }
    if len(pipes) < 2:
        return results
    try:
        told = check_across(list(pipes.values()), options.context, storage, options.profile)
    except Exception as error:  # noqa: BLE001 a fault of ours must not cost what every file has passed
        _log.exception("checking the files against each other failed")
        told = [[faults.between_files(one.paths[0].name, error)] for one in pipes.values()]
    out = list(results)
    for (index, one), own in zip(pipes.items(), told, strict=True):
        findings = (*results[index].findings, *own)
        delivery = replace(one.delivery, findings=findings)
        out[index] = replace(results[index], delivery=delivery, findings=findings)
    return out


def _read(group: Group, options: ReadOptions, manifest: Manifest | None) -> Delivery:
    """Read a group; where it lacks a datum, once more with what the manifest declares."""
    if manifest is None or manifest.path in group.paths:
        return group.reader.read(group.paths, _within(options, manifest))
    attempts = manifest.attempts(_within(options, manifest))
    for attempt in attempts[:-1]:
        try:
            return group.reader.read(group.paths, attempt)
        except RefusedError as error:
            if not any(finding.code == "MET-01" for finding in error.findings):
                raise
    return group.reader.read(group.paths, attempts[-1])


def _within(options: ReadOptions, manifest: Manifest | None) -> ReadOptions:
    """``options`` with the area of the delivery, which its points are checked against."""
    if manifest is None or manifest.area is None or options.context.area is not None:
        return options
    return replace(options, context=replace(options.context, area=manifest.area))


def _files(paths: Sequence[Path]) -> list[Path]:
    return [
        file
        for path in paths
        for file in (sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path])
    ]
