"""What a feature is answered as, as SQL text: properties and geometry, in GeoJSON or plain.

The JSON is written by the database, since its text can then pass to the client unread. Members are
joined one by one: PostgreSQL's own ``row_to_json`` takes half as long again for wide tables.
Numbers are told as exactly as anything here is known: lengths to the millimetre.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from models.db.features_query import expression, plan
from models.features import TABLES

_DEGREES: Final = 4490
#: Declared types whose text is their JSON; that of others needs quotes.
_BARE: Final = ("integer", "smallint", "double precision", "jsonb")
#: What JSON has to escape, as a regular expression.
_ESCAPED: Final = "'[\\x01-\\x1f\"\\\\]'"
#: Names of all datasets by id, found once a statement.
_DATASETS: Final = "(SELECT jsonb_object_agg(d.id, d.name) FROM dataset AS d)"


def told(table: str, name: str, declared: str) -> str:
    """The value of a property as it is told, as SQL: numbers to a thousandth of their unit."""
    if name == "dataset":
        return f"({_DATASETS} ->> t.dataset_id::text)"
    column = expression(table, name)
    if declared == "double precision":
        return f"(round({column} * 1000) / 1000)"
    return column


def properties_json(table: str, fields: Mapping[str, str]) -> str:
    """A JSON object of ``fields`` (property -> declared type) as SQL; nulls are members too.

    Most rows hold no text that JSON has to escape, which is asked once a row.
    """
    if not fields:
        return "'{}'"
    texts = [expression(table, n) for n, declared in fields.items() if declared == "text"]
    texts = [column for column in texts if not column.startswith("(")]
    plain = _joined([_member(table, *field, escape=False) for field in fields.items()])
    if not texts:
        return plain
    escaped = _joined([_member(table, *field, escape=True) for field in fields.items()])
    doubtful = f'concat({", ".join(texts)}) COLLATE "C" ~ {_ESCAPED}'
    return f"CASE WHEN {doubtful} THEN {escaped} ELSE {plain} END"


def _member(table: str, name: str, declared: str, *, escape: bool) -> str:
    """``,"name":value`` as SQL."""
    value, key = told(table, name, declared), f',"{name}":'
    if declared in _BARE:
        text = f"'{key}' || {value}::text"
    elif declared == "timestamptz":  # of a connection whose time zone is UTC
        text = f"'{key}\"' || replace({value}::text, ' ', 'T') || ':00\"'"
    elif declared == "text" and (escape or name == "dataset"):
        text = f"'{key}' || to_json({value})::text"
    else:
        text = f"'{key}\"' || {value} || '\"'"
    return f"coalesce({text}, '{key}null')"


def _joined(members: list[str]) -> str:
    """A JSON object of members, joined in pairs: each is copied a few times, not once for every
    one that follows."""
    while len(members) > 1:
        pairs = zip(members[::2], [*members[1::2], ""], strict=False)
        members = [f"({a} || {b})" if b else a for a, b in pairs]
    return f"'{{' || \"substring\"({members[0]}, 2) || '}}'"


def geometry_in(table: str, storage: int, srid: int, flipped: bool) -> str:
    """The feature's plan in EPSG:``srid`` as SQL, north first where ``flipped``.

    ``srid`` is the storage CRS, 4490 (degrees of the storage CRS's own datum, so that only the
    projection is undone) or one that is projected from degrees, which are taken as WGS84's then.
    """
    shape = plan(table)
    if shape == "t.geom":
        shape = "ST_Force2D(t.geom)"
    if srid != storage:
        shape = f"ST_Transform({shape}, {_DEGREES})"
        if srid != _DEGREES:
            shape = f"ST_Transform(ST_SetSRID({shape}, 4326), {srid})"
    return f"ST_FlipCoordinates({shape})" if flipped else shape


def feature_json(table: str, fields: Mapping[str, str], geometry: str | None, digits: int) -> str:
    """A GeoJSON Feature (RFC 7946) as SQL; ``geometry`` None leaves it null."""
    shape = "'null'"
    if geometry is not None:
        shape = f"coalesce(ST_AsGeoJSON({geometry}, {digits:d}, 0), 'null')"
    return (
        '\'{"type":"Feature","id":"\' || t.id || \'","geometry":\' || '
        f"{shape} || ',\"properties\":' || {properties_json(table, fields)} || '}}'"
    )


def body(table: str) -> str:
    """The stored geometry with its heights as little-endian WKB.

    A polyhedral surface comes as a multipolygon of its faces, whose layout is the same: GEOS reads
    no polyhedral surface.
    """
    wkb = "ST_AsBinary(t.geom, 'NDR')"
    if TABLES[table]["geom"] == "geometry(PolyhedralSurfaceZ)":
        # type 1015 (PolyhedralSurface Z) becomes 1006 (MultiPolygon Z)
        return f"overlay({wkb} placing '\\xee030000'::bytea from 2 for 4)"
    return wkb


def raised_plan(table: str) -> str:
    """The plan with heights, as WKB in the storage CRS: of a box, its outline at its foot."""
    if plan(table) == "t.geom":
        return "ST_AsBinary(t.geom, 'NDR')"
    return f"ST_AsBinary(ST_Force3DZ({plan(table)}, ST_ZMin(t.geom)), 'NDR')"


def plain_columns(table: str, fields: Mapping[str, str], *, as_text: bool) -> list[str]:
    """The columns themselves as SQL, or their texts; JSON and ids are text in both cases."""
    out = []
    for name, declared in fields.items():
        column = told(table, name, declared)
        if declared == "timestamptz" and as_text:
            column = f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        elif as_text or declared in ("jsonb", "uuid"):
            column = f"{column}::text"
        out.append(column)
    return out


def plan_wkb(table: str, storage: int, srid: int) -> str:
    """The plan in EPSG:``srid`` as WKB, east first, as files of any format have it."""
    return f"ST_AsBinary({geometry_in(table, storage, srid, False)}, 'NDR')"
