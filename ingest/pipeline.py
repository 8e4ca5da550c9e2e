"""From named files to deliveries that the database can take, with everything found on the way.

``open_delivery`` finds who reads which files, ``check`` reads and prepares them all and never stops
at a bad one, ``prepare`` brings one delivery into the storage CRS of a twin. Nothing is written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import RefusedError
from ingest.prepare import prepare
from ingest.readers.base import Reader, ReadOptions
from ingest.readers.registry import readers as all_readers
from ingest.readers.signatures import sniff
from models.crs import STORAGE, StorageCrs
from models.errors import TwinError
from models.features import Delivery
from models.findings import Finding, Place, Severity
from models.twins import TwinDefinition

__all__ = ["CheckResult", "Group", "check", "open_delivery", "prepare"]

Progress = Callable[[str, int, int], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Group:
    """Files that one reader takes together."""

    reader: Reader
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What became of one group of files.

    ``delivery`` is what may be stored, in the storage CRS and with ids when a twin was named, else
    as read; ``None`` when the files were refused. ``features_in`` = ``accepted`` + ``refused``
    (both 0 where nothing could be read).
    """

    paths: tuple[Path, ...]
    reader: str | None
    delivery: Delivery | None
    findings: tuple[Finding, ...]
    features_in: int = 0

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
    """Who reads which of ``paths``, and a finding for each file that nobody reads.

    A file goes to the first reader that takes it; folders stand for the files right inside them.
    """
    left = list(dict.fromkeys(_files(paths)))
    groups: list[Group] = []
    findings = [_missing(path) for path in left if not path.is_file()]
    left = [path for path in left if path.is_file()]
    for reader in all_readers() if readers is None else readers:
        for members in reader.group(left):
            groups.append(Group(reader, members))
            taken = set(members)
            left = [path for path in left if path not in taken]
    findings += [_unknown(path) for path in left]
    order = {path: index for index, path in enumerate(dict.fromkeys(_files(paths)))}
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

    A file that cannot be used gives a result without delivery, and the others go on. ``dataset``
    is the name that ids are made of, by default the file's stem. ``progress`` is called before
    each group with its first file's name, its number from 0 and how many there are.
    """
    groups, unread = open_delivery(paths, readers)
    results = [CheckResult((Path(f.place.file),), None, None, (f,)) for f in unread]
    for number, group in enumerate(groups):
        if progress is not None:
            progress(group.paths[0].name, number, len(groups))
        results.append(_check(group, options, twin, dataset, storage))
    return results


def _check(
    group: Group,
    options: ReadOptions,
    twin: TwinDefinition | None,
    dataset: str | None,
    storage: StorageCrs,
) -> CheckResult:
    name, count = group.paths[0].name, 0
    try:
        delivery = group.reader.read(group.paths, options)
        count = delivery.features_in
        if twin is not None:
            delivery = prepare(delivery, twin, dataset or group.paths[0].stem, storage)
    except RefusedError as error:
        found = error.findings
    except TwinError as error:
        found = (Finding(error.code, Severity.ERROR, Place(name), error.zh, error.en),)
    except OSError as error:
        found = (_unreadable(name, error),)
    except Exception as error:  # noqa: BLE001 a fault of ours with one file must not stop the others
        _log.exception("reading %s failed", name)
        found = (_fault(name, error),)
    else:
        return CheckResult(group.paths, group.reader.name, delivery, delivery.findings, count)
    return CheckResult(group.paths, group.reader.name, None, found, count)


def _files(paths: Sequence[Path]) -> list[Path]:
    return [
        file
        for path in paths
        for file in (sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path])
    ]


def _missing(path: Path) -> Finding:
    return Finding(
        "STR-00",
        Severity.ERROR,
        Place(str(path)),
        f"{path.name}：文件不存在。请检查路径。",
        f"{path.name}: there is no such file. Check the path.",
        "-",
        "file",
    )


def _unknown(path: Path) -> Finding:
    expected = "GeoJSON, GeoPackage, Shapefile, FlatGeobuf, XLSX, XLS, CSV, IFC"
    try:
        kind = sniff(path)
    except OSError as error:
        return _unreadable(path.name, error)
    return Finding(
        "STR-00",
        Severity.ERROR,
        Place(path.name),
        f"{path.name} 为{kind.zh}，没有可读取它的程序。可接受：{expected}。请转换格式后提交。",
        f"{path.name} is {kind.en}, which nothing here reads. Expected {expected}. "
        "Convert it and deliver it again.",
        kind.en,
        expected,
    )


def _fault(name: str, error: Exception) -> Finding:
    kind = type(error).__name__
    return Finding(
        "STR-99",
        Severity.ERROR,
        Place(name),
        f"{name}：读取时程序内部出错（{kind}），未存入任何内容。请将该文件与日志交给维护者。",
        f"{name}: the program itself failed on this file ({kind}); nothing of it is stored. "
        "Give the file and the log to the maintainers.",
        kind,
    )


def _unreadable(name: str, error: OSError) -> Finding:
    return Finding(
        "STR-00",
        Severity.ERROR,
        Place(name),
        f"{name} 无法打开：{error.strerror}。请检查文件与权限。",
        f"{name} cannot be opened: {error.strerror}. Check the file and its permissions.",
        error.strerror,
        "a readable file",
    )
