from __future__ import annotations

import shutil
from collections.abc import Callable

from models.db import server
from models.db.cluster_upgrade import upgrade_cluster
from models.db.embedded import EmbeddedPostgres
from models.db.testing import ask, do

Maker = Callable[..., EmbeddedPostgres]


def test_an_upgrade_carries_everything_over(make: Maker) -> None:
    cluster = make()
    url = cluster.ensure()
    do(
        url,
        "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS"
        " SELECT ST_SetSRID(ST_Point(1, 2), 4549) AS g",
    )
    newest = server.choose().major
    assert upgrade_cluster(cluster) == (newest, newest)
    old = cluster.data.with_name(f"data-{newest}")
    assert not old.exists()
    assert upgrade_cluster(cluster, force=True) == (newest, newest)
    assert old.exists()
    assert ask(cluster.url, "SELECT ST_AsText(g) FROM kept") == "POINT(1 2)"
    assert ask(cluster.read_url, "SELECT count(*) FROM kept") == 1
    shutil.rmtree(old)
