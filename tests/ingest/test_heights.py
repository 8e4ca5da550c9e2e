"""Rows of pipes without heights are refused one by one, and no others are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import shapely
from hypothesis import given
from hypothesis import strategies as st

from ingest.heights import MAX_TOLD, require
from models.features import DatumPassport, Delivery, SourceFile, Theme
from models.findings import Place, Severity

HEIGHTS = st.lists(st.tuples(*[st.sampled_from([np.nan, 0.0, 3.5])] * 3), max_size=20)


def network(points: list[float], segments: list[tuple[float, ...]]) -> Delivery:
    """Points and segments of three vertices at these heights."""
    at = [shapely.Point(10 * i, 5, z) for i, z in enumerate(points)]
    lines = [shapely.LineString([(5, j, z) for j, z in enumerate(zs)]) for zs in segments]
    tables = {
        name: pd.DataFrame(
            {
                "key": [f"{name[5]}{i}" for i in range(len(shapes))],
                "source_row": range(2, 2 + len(shapes)),
                "source_sheet": "NODES",
                "geom": pd.Series(shapes, dtype=object),
            }
        )
        for name, shapes in (("pipe_point", at), ("pipe_segment", lines))
    }
    source = SourceFile("net.inp", "0" * 64, 1)
    count = len(points) + len(segments)
    return Delivery(
        Theme.PIPES, source, DatumPassport("EPSG:4549", "1985"), tables, features_in=count
    )


@given(st.lists(st.sampled_from([np.nan, 2.0]), max_size=20), HEIGHTS)
def test_every_row_is_kept_whole_or_told(
    points: list[float], segments: list[tuple[float, ...]]
) -> None:
    delivery = network(points, segments)
    made = require(delivery)
    told = {f.place.element for f in made.findings}
    wanted = {f"p{i}" for i, z in enumerate(points) if np.isnan(z)}
    wanted |= {f"s{i}" for i, zs in enumerate(segments) if np.isnan(zs).any()}
    assert told == wanted
    assert len(made.findings) == len(told)
    for name, frame in made.tables.items():
        assert np.isfinite(shapely.get_coordinates(frame["geom"], include_z=True)).all()
        assert {*frame["key"]} | told >= {*delivery.tables[name]["key"]}
    assert sum(map(len, made.tables.values())) + len(told) == delivery.features_in


def test_what_is_told_says_where_and_what_to_do() -> None:
    point, segment = require(network([np.nan], [(1.0, np.nan, 1.0)])).findings
    assert (point.code, segment.code) == ("STR-02", "STR-03")
    assert point.extra["source_position"] == [0.0, 5.0]
    assert segment.extra["source_position"] == [5.0, 0.0]
    for finding, key in ((point, "p0"), (segment, "s0")):
        assert finding.severity is Severity.ERROR
        assert finding.place == Place("net.inp", "NODES", 2, None, key)
        assert finding.en.startswith("net.inp [NODES] line 2: ")
        assert key in finding.en
        assert key in finding.zh
        assert "Deliver" in finding.en
        assert "请以" in finding.zh


def test_of_very_many_the_rest_is_counted() -> None:
    made = require(network([np.nan] * (MAX_TOLD + 7), []))
    assert made.tables["pipe_point"].empty
    assert len(made.findings) == MAX_TOLD + 1
    assert made.findings[-1].found == "7"


def test_other_themes_have_rules_of_their_own() -> None:
    other = replace(network([np.nan], []), theme=Theme.BUILDINGS)
    assert require(other) is other
