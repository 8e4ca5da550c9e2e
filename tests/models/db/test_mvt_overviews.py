from __future__ import annotations

from models.db import mvt_overviews
from models.db.connection import Connection
from models.db.publish import publish
from models.features import Theme
from models.testing import buildings, delivery, pipes


def stored(conn: Connection) -> dict[tuple[str, str], tuple[int, int]]:
    """(layer, tile matrix set) → features of the overview, its number."""
    rows = conn.execute("SELECT layer, tms, features, id FROM mvt_overview")
    return {(layer, tms): (features, number) for layer, tms, features, number in rows}


def test_overviews_follow_revisions(conn: Connection) -> None:
    made = delivery(Theme.PIPES, pipes(40))
    publish(conn, twin="test", dataset="net", deliveries=[made])
    assert mvt_overviews.renew(conn, "test") == 4
    first = stored(conn)
    assert {k: v[0] for k, v in first.items()} == {
        ("pipe_point", "WebMercatorQuad"): 41,
        ("pipe_point", "EPSG4549Quad"): 41,
        ("pipe_segment", "WebMercatorQuad"): 40,
        ("pipe_segment", "EPSG4549Quad"): 40,
    }
    assert mvt_overviews.renew(conn, "test") == 0

    publish(conn, twin="test", dataset="net", deliveries=[delivery(Theme.PIPES, pipes(30))])
    assert mvt_overviews.renew(conn, "test") == 4
    second = stored(conn)
    assert second["pipe_segment", "EPSG4549Quad"][0] == 30
    rows = conn.execute("SELECT DISTINCT r.number FROM mvt_overview AS o JOIN revision AS r"
                        " ON r.id = o.revision_id").fetchall()  # fmt: skip
    assert rows == [(2,)]


def test_what_was_drawn_before_goes(conn: Connection) -> None:
    for heights in ({"a": 10.0, "b": 12.0}, {"a": 11.0}):
        made = delivery(Theme.BUILDINGS, {"building": buildings(heights)})
        publish(conn, twin="test", dataset="made", deliveries=[made])
        mvt_overviews.renew(conn, "test")
    rows = conn.execute(
        "SELECT DISTINCT o.layer, d.count, d.size FROM mvt_drawn AS d"
        " JOIN mvt_overview AS o ON o.id = d.overview_id"
    ).fetchall()
    assert rows == [("building", 1, 11.0)]


def test_a_dataset_of_nothing_has_an_overview_of_nothing(conn: Connection) -> None:
    made = delivery(Theme.BUILDINGS, {"building": buildings({})})
    publish(conn, twin="test", dataset="made", deliveries=[made])
    mvt_overviews.renew(conn, "test")
    rows = conn.execute("SELECT features, extent FROM mvt_overview").fetchall()
    assert set(map(repr, rows)) == {"(0, None)"}
