"""Checks of one decoded content: sizes, features, and real geometry within its volumes."""

from __future__ import annotations

from functools import partial
from typing import Any

from tiles.check.content import UP, decode
from tiles.check.decoded import Decoded
from tiles.check.files import OutsideError, resolve
from tiles.check.session import Session
from tiles.check.tile import INSIDE, Visit, metres
from tiles.check.volumes import Volume, tolerance
from tiles.content import F64


def check_drawn(
    session: Session, visit: Visit, name: str, data: bytes, inner: Volume | None, has_children: bool
) -> None:
    """Decode content ``name`` of a tile and check what it draws; ``inner`` is its own volume."""
    where = f"{visit.where} ({name})"
    note = partial(session.note, where)
    limits, summary = session.limits, session.summary

    cost = visit.cost
    cost.contents.append(name)
    cost.files.add(name)

    def fetch(uri: str) -> bytes:
        beside = resolve(name, uri)
        data = session.read(beside, visit.near, limits.content_bytes)
        cost.files.add(beside)
        return data

    found = decode(data, visit.tileset.up, fetch, limits)
    for problem in found.problems:
        note(*problem)
    for kind in found.kinds:
        summary.kinds[kind] = summary.kinds.get(kind, 0) + 1
    if found.undecoded:
        note("TSC-09", ", ".join(sorted(set(found.undecoded))), "plain, quantised, meshopt, Draco")
    for uri in found.images:
        _image(session, name, uri, visit, note)
    for uri, size, spans in found.beside:
        session.use(resolve(name, uri), size, spans)
    summary.triangles += found.triangles
    summary.points += found.dots
    summary.draw_calls += found.draw_calls
    cost.triangles += found.triangles
    cost.draw_calls += found.draw_calls
    kept = visit.refine == "ADD" or not has_children
    visit.replaced |= not kept
    for keys in found.features:
        session.ledger.add(where, keys, kept=kept, tile=visit.number, replaces=visit.replaces)
    if found.rows or found.undecoded or not found.features:
        session.ledger.unnamed(visit.replaces)
    if kept:
        session.ledger.rows += found.rows
        session.ledger.classes.update(found.classes)
    session.ledger.held |= found.held
    _check_place(session, visit, found, inner, data, fetch, note)


def check_cost(session: Session, visit: Visit) -> None:
    """What a tile takes to send and to draw, over all its contents and the files they name."""
    cost, limits = visit.cost, session.limits
    size = sum(map(session.files.size, cost.files))
    session.summary.largest_tile_bytes = max(session.summary.largest_tile_bytes, size)
    where = f"{visit.where} ({', '.join(cost.contents)})"
    for code, found, most, unit in (
        ("TSC-31", size, limits.tile_bytes, " bytes"),
        ("TSC-32", cost.triangles, limits.triangles, ""),
        ("TSC-33", cost.draw_calls, limits.draw_calls, ""),
    ):
        if found > most:
            session.note(where, code, f"{found}{unit}", f"{most}{unit}")


def _check_place(
    session: Session,
    visit: Visit,
    found: Decoded,
    inner: Volume | None,
    data: bytes,
    fetch: Any,
    note: Any,
) -> None:
    """Real geometry against the volumes that have to hold it."""
    if visit.matrix is None or visit.volume is None or not found.points:
        return
    excess, allowed = _excess(found, visit.matrix, visit.volume), tolerance(visit.volume)
    if excess > allowed:
        other = _fitting_axis(session, visit, data, fetch)
        if other is not None:
            note("TSC-54", visit.tileset.up, other)
            return
        note("TSC-11", metres(excess), metres(allowed))
    volumes = [("TSC-17", volume) for volume in visit.outer]
    for code, volume in [*volumes, *([("TSC-12", inner)] if inner is not None else [])]:
        excess, allowed = _excess(found, visit.matrix, volume), tolerance(volume)
        if excess > allowed:
            note(code, metres(excess), metres(allowed))


def _fitting_axis(session: Session, visit: Visit, data: bytes, fetch: Any) -> str | None:
    """Another up axis with which the geometry lies within its volume."""
    assert visit.matrix is not None and visit.volume is not None
    for up in UP:
        if up != visit.tileset.up:
            found = decode(data, up, fetch, session.limits)
            if found.points and _excess(found, visit.matrix, visit.volume) <= tolerance(
                visit.volume
            ):
                return up
    return None


def _image(session: Session, base: str, uri: str, visit: Visit, note: Any) -> None:
    try:
        name = resolve(base, uri)
    except OutsideError:
        note("TSC-03", uri, INSIDE)
        return
    if not session.files.size(name):
        note("TSC-01", uri, "the file of every image")
    visit.cost.files.add(name)
    session.reach(name, visit.near)


def _excess(found: Decoded, matrix: F64, volume: Volume) -> float:
    """Metres that a content's geometry reaches outside ``volume``."""
    return max(
        float(volume.outside(points @ matrix[:3, :3].T + matrix[:3, 3]).max())
        for points in found.points
    )
