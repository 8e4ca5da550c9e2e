"""What a publication writes about itself: dataset, revision, files and moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from models.crs import StorageCrs
from models.db.connection import Connection
from models.db.errors import PublishError
from models.db.statements import statement
from models.errors import UnknownTwinError
from models.features import Delivery


@dataclass(frozen=True, slots=True)
class Moments:
    """Record time, the valid period [start, end), and the newest revision (id None: none yet).

    ``end`` is text, since ``infinity`` has no Python value; ``known`` tells whether an earlier
    revision has the same start.
    """

    recorded: datetime
    start: datetime
    end: str
    last_id: int | None
    last: int
    known: bool


def require_storage(conn: Connection, storage: StorageCrs) -> None:
    """Raise :class:`PublishError` unless the database stores what the delivery is in."""
    row = conn.execute("SELECT value FROM storage WHERE name = 'srid'").fetchone()
    if row is None or int(row[0]) != storage.srid:
        raise PublishError(
            f"The database stores EPSG:{row and row[0]}, the delivery was prepared for "
            f"EPSG:{storage.srid}. Prepare it for the database's storage CRS.",
            f"数据库存储坐标系为 EPSG:{row and row[0]},而数据按 EPSG:{storage.srid} 准备。"
            "请按数据库的存储坐标系处理。",
        )


def require_dataset(
    conn: Connection, twin: str, dataset: str, delivery: Delivery, organisation: str | None
) -> int:
    """The id of the dataset, made where it is new."""
    if conn.execute("SELECT 1 FROM twin WHERE id = %s", (twin,)).fetchone() is None:
        raise UnknownTwinError(
            f"There is no twin {twin} in the database. Add its definition and run `twin db upgrade`"
            ", or correct the name.",
            f"数据库中没有孪生 {twin}。请添加其定义并运行 `twin db upgrade`,或更正名称。",
        )
    known = conn.execute(
        "SELECT id, theme FROM dataset WHERE twin_id = %s AND name = %s", (twin, dataset)
    ).fetchone()
    if known is None:
        p = delivery.passport
        _require_passport(delivery)
        known = conn.execute(
            "INSERT INTO dataset (twin_id, name, theme, horizontal, vertical, epoch, method,"
            " accuracy) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id, theme",
            (
                *(twin, dataset, delivery.theme.value),
                *(p.horizontal, p.vertical, p.epoch, p.method, p.accuracy),
            ),
        ).fetchone()
        assert known is not None
    if known[1] != delivery.theme:
        raise PublishError(
            f"Dataset {dataset} of {twin} holds {known[1]}, the delivery holds {delivery.theme}. "
            "Name another dataset.",
            f"{twin} 的数据集 {dataset} 的主题是 {known[1]},而提交的是 {delivery.theme}。"
            "请使用其他数据集名称。",
        )
    return int(known[0])


def _require_passport(delivery: Delivery) -> None:
    if delivery.passport.horizontal is None or delivery.passport.vertical is None:
        raise PublishError(
            f"{delivery.source.name} declares no horizontal CRS or no vertical datum, so it cannot "
            "be stored. Declare both (--crs, --vertical).",
            f"{delivery.source.name} 未声明平面坐标系或高程基准,不能入库。"
            "请同时声明两者(--crs、--vertical)。",
        )


def moments(conn: Connection, dataset_id: int, declared: datetime | None) -> Moments:
    """Record time, the valid period, and the newest revision.

    The clock is read after the lock was taken and never goes back, so that record times of a twin
    follow the order of its publications.
    """
    found = conn.execute(
        statement("publish_moments"), {"dataset": dataset_id, "declared": declared}
    ).fetchone()
    assert found is not None
    return Moments(*found)


def add_revision(
    conn: Connection,
    dataset_id: int,
    number: int,
    moment: Moments,
    counts: Mapping[str, Mapping[str, int]],
    complete: bool,
) -> int:
    """Add a revision; its id. ``counts`` are numbers of features by table and kind of change."""
    row = conn.execute(
        "INSERT INTO revision (dataset_id, number, valid_from, recorded, complete, counts)"
        " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
        (dataset_id, number, moment.start, moment.recorded, complete, Jsonb(dict(counts))),
    ).fetchone()
    assert row is not None
    return int(row[0])


def add_source_files(conn: Connection, revision: int, deliveries: Sequence[Delivery]) -> list[int]:
    """Remember the delivered files with their passports; ids in the deliveries' order."""
    ids = []
    for delivery in deliveries:
        _require_passport(delivery)
        p, s = delivery.passport, delivery.source
        row = conn.execute(
            "INSERT INTO source_file (revision_id, name, sha256, size, features_in, horizontal,"
            " vertical, epoch, method, accuracy)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
            (
                *(revision, s.name, s.sha256, s.size, delivery.features_in),
                *(p.horizontal, p.vertical, p.epoch, p.method, p.accuracy),
            ),
        ).fetchone()
        assert row is not None
        ids.append(int(row[0]))
    return ids


def remember_passport(
    conn: Connection, dataset_id: int, delivery: Delivery, organisation: str | None
) -> None:
    """The dataset shows the passport of its newest revision's first file; files keep their own."""
    p = delivery.passport
    conn.execute(
        "UPDATE dataset SET horizontal = %s, vertical = %s, epoch = %s, method = %s,"
        " accuracy = %s WHERE id = %s",
        (p.horizontal, p.vertical, p.epoch, p.method, p.accuracy, dataset_id),
    )
    if organisation is not None:
        conn.execute(statement("publish_organisation"), {"name": organisation, "id": dataset_id})
