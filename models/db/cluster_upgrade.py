"""Moving an embedded cluster to a newer PostgreSQL."""

from __future__ import annotations

import shutil

from models.db.backup import backup, restore
from models.db.embedded import DATABASE, EmbeddedPostgres
from models.db.lock import ProcessLock
from models.db.server import choose
from models.errors import DatabaseError


def upgrade_cluster(cluster: EmbeddedPostgres, *, force: bool = False) -> tuple[int, int]:
    """Dump with the old version, restore into a cluster of the newest one; (from, to) versions.

    Both versions must be installed. The old data stay beside the new as ``data-<version>`` until
    somebody removes them; if anything fails they are put back (the failed new ones stay as
    ``data.failed`` until the next failure). Does nothing where the data are
    already of the newest version, unless ``force``. The server runs on return. Raises
    :class:`DatabaseError`.
    """
    with ProcessLock(cluster.home / "upgrade.lock"):
        old = cluster.status().version
        new = choose().major
        if old is None or (old == new and not force):
            cluster.ensure()
            return new, new
        aside, failed = (cluster.data.with_name(n) for n in (f"data-{old}", "data.failed"))
        if aside.exists():
            raise DatabaseError(
                f"{aside} is left from an earlier upgrade. Move it away, then try again.",
                f"{aside} 是以前升级留下的。请移走后重试。",
            )
        cluster.ensure()
        dump = cluster.home / f"pg-{old}.dump"
        try:
            backup(cluster.admin_url(DATABASE), dump, choose(old))
            cluster.stop()
            cluster.data.rename(aside)
            try:
                cluster.ensure()
                restore(cluster.admin_url(DATABASE), dump, choose(new), any_content=True)
            except DatabaseError:
                cluster.stop()
                if cluster.data.exists():
                    shutil.rmtree(failed, ignore_errors=True)
                    cluster.data.rename(failed)
                aside.rename(cluster.data)
                raise
        finally:
            dump.unlink(missing_ok=True)
        return old, new
