"""The records that match, a page of them in order, and what a filter is asked about."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import shapely

from models.cql2.geometry import box_parts
from models.crs import StorageCrs
from models.db.entries import Entry
from models.twins import TwinDefinition
from twin.api.ogc.crs import CRS84, find_crs, storage_geometry
from twin.api.ogc.times import Period
from twin.api.records.record import plain
from twin.api.records.search import SEARCHED, Wanted, folded, unusable


def select(
    entries: Sequence[Entry],
    twin: TwinDefinition,
    wanted: Wanted,
    passing: frozenset[str] | None,
) -> tuple[list[Entry], int, str | None]:
    """One page, how many match, and the token of the next page (None: there is none).

    ``passing`` are the ids that the filter lets pass, None where there is no filter. A page begins
    behind the record that the last one ended with, wherever that stands now.
    """
    rows = [(plain(entry, twin), entry) for entry in entries]
    found = [row for row in rows if _matches(*row, twin, wanted)]
    if passing is not None:
        found = [row for row in found if row[0]["id"] in passing]
    found.sort(key=lambda row: (row[0]["name"], row[0]["id"]))
    for name, falling in reversed(wanted.order):
        known = [row for row in found if row[0][name] is not None]
        known.sort(key=lambda row, name=name: row[0][name], reverse=falling)  # type: ignore[misc]
        found = known + [row for row in found if row[0][name] is None]
    start = 0
    if wanted.after is not None:
        places = [i for i, row in enumerate(found) if row[0]["id"] == wanted.after]
        if not places:
            raise unusable()
        start = places[0] + 1
    page = found[start : start + wanted.limit]
    more = start + wanted.limit < len(found)
    token = _token(page[-1][0]["id"], wanted.question) if more else None
    return [entry for _, entry in page], len(found), token


def rows(entries: Sequence[Entry], twin: TwinDefinition, storage: StorageCrs) -> list[Any]:
    """What a filter is asked about, as JSON; ``geometry`` is WKB in the storage CRS."""
    crs = find_crs("filter-crs", CRS84, storage)
    found = []
    for entry in entries:
        shape = outline(entry)
        placed = None if shape is None else storage_geometry(shape, crs, storage, written=False)
        row = {k: v.isoformat() if isinstance(v, dt.datetime) else v
               for k, v in plain(entry, twin).items()}  # fmt: skip
        found.append({**row, "geometry": None if placed is None else shapely.to_wkb(placed, True)})
    return found


def outline(entry: Entry) -> Any:
    """The box in plan in degrees, or None; what is at one place has a point."""
    if entry.box is None:
        return None
    west, south, _, east, north, _ = (value or 0.0 for value in entry.box)
    (found,) = box_parts((west, south, east, north))
    return found


def _matches(row: Mapping[str, Any], entry: Entry, twin: TwinDefinition, wanted: Wanted) -> bool:
    if wanted.types is not None and row["type"] not in wanted.types:
        return False
    if wanted.ids is not None and row["id"] not in wanted.ids:
        return False
    if wanted.external is not None:
        scheme = f"cim-twin/{twin.id}"
        forms = {entry.name, f"{scheme}:{entry.name}", scheme, f"{scheme}:"}
        if not forms.intersection(wanted.external):
            return False
    if wanted.period is not None and not _at(entry, wanted.period):
        return False
    if wanted.box is not None and not _over(entry, wanted.box):
        return False
    if wanted.phrases:
        texts = [row[name] for name in SEARCHED if row[name]] + row["keywords"]
        plain_texts = [folded(text) for text in texts]
        return any(phrase.search(text) for phrase in wanted.phrases for text in plain_texts)
    return True


def _at(entry: Entry, period: Period) -> bool:
    """What began to be true stays so: a dataset has no end."""
    return period.end is None or entry.valid_from <= period.end


def _over(entry: Entry, box: Any) -> bool:
    shape = outline(entry)
    return shape is not None and bool(shapely.intersects(shape, box))


def _token(identity: str, question: str) -> str:
    return base64.urlsafe_b64encode(f"{question}{identity}".encode()).rstrip(b"=").decode()
