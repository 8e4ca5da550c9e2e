"""Finding names and addresses among 200,000: ``python -m tests.benchmarks.places``.

``--full`` takes a million. The service runs as ``twin serve`` with a database cluster of its own
and is asked over HTTP, one question after the other, as it is by somebody who types. The aim on two
cores: 30 ms (95 of 100) for completing what is typed. Nothing is asserted about time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from random import Random
from time import perf_counter
from urllib.parse import quote

import numpy as np

from models.addresses import road_and_rest
from models.crs import storage_to_geodetic
from models.db import places_store
from models.db.connection import connect
from models.pinyin import spoken
from models.places import Place, fold
from tests.benchmarks.addresses import places
from tests.benchmarks.process import machine
from tests.benchmarks.served import (
    head,
    new_database,
    new_home,
    one_by_one,
    percentiles,
    row,
    served,
)

TWIN = "songjiang-hub"
REPEATS = 300


def _initials(text: str) -> str:
    return "".join(spoken(fold(character))[:1] for character in text)


def _from_road(place: Place) -> str:
    return "".join(road_and_rest(fold(place.address or place.name)))


def _slip(text: str, pick: Random) -> str:
    """A letter left out, as happens to people who type."""
    at = pick.randrange(len(text))
    return text[:at] + text[at + 1 :]


#: Title, and what is typed to find a place.
QUESTIONS: tuple[tuple[str, Callable[[Place, Random], str]], ...] = (
    ("one character", lambda p, r: p.name[0]),
    ("the beginning of a name", lambda p, r: p.name[: r.randrange(2, 6)]),
    ("a whole name", lambda p, r: p.name),
    ("letters of pinyin", lambda p, r: spoken(fold(p.name))[: r.randrange(1, 12)]),
    ("initials", lambda p, r: _initials(p.name)[: r.randrange(1, 7)]),
    ("a whole address", lambda p, r: p.address or p.name),
    ("an address from the small to the large",
     lambda p, r: f"{p.name[4:]} {(p.address or p.name)[-9:-5]} 松江区"),
    ("an address in pinyin", lambda p, r: spoken(fold(_from_road(p)))),
    ("the beginning of that", lambda p, r: spoken(fold(_from_road(p)))[: r.randrange(3, 18)]),
    ("initials of an address", lambda p, r: _initials(_from_road(p))[: r.randrange(3, 10)]),
    ("pinyin with a letter missing", lambda p, r: _slip(spoken(fold(p.name)), r)),
    ("a character missing", lambda p, r: _slip(p.name, r)),
    ("characters and pinyin", lambda p, r: p.name[:2] + spoken(fold(p.name[2:4]))),
    ("what is not there", lambda p, r: f"火星{r.randrange(10_000)}基地"),
)  # fmt: skip


def main() -> int:
    """Make the places, serve them, ask, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.places")
    parser.add_argument("--full", action="store_true", help="a million instead of 200,000")
    parser.add_argument("--quick", action="store_true", help="20,000, to see that it works")
    given = parser.parse_args()
    count = 1_000_000 if given.full else 20_000 if given.quick else 200_000
    made = list(places(count))
    with new_home() as (program, cluster):
        url = new_database(cluster)
        started = perf_counter()
        with connect(url) as conn:
            places_store.store(conn, TWIN, "made", "1", made)
            seconds = perf_counter() - started
            conn.execute("VACUUM ANALYZE place")
        sys.stdout.write(f"{machine()}\n\n{count:,} places, stored in {seconds:.0f} s.\n")
        with served(program) as service:
            base = f"{service.url}/twins/{TWIN}/places"
            head("what is typed", "p50 ms", "p95 ms", "answers", "meant one first", "in 10")
            for title, typed in QUESTIONS:
                pick = Random(7)
                meant = [pick.choice(made) for _ in range(REPEATS)]
                texts = [quote(typed(place, pick) or "路") for place in meant]
                _measure(title, meant, [f"{base}?q={text}" for text in texts])
            _measure("what is at a place", meant, [_beside(base, place) for place in meant])
    return 0


def _beside(base: str, place: Place) -> str:
    """The address of what is a metre east of ``place``."""
    lon, lat, _ = storage_to_geodetic([place.east + 1], [place.north], [0.0])
    return f"{base}/reverse?lon={lon[0]:.8f}&lat={lat[0]:.8f}"


def _measure(title: str, meant: list[Place], addresses: list[str]) -> None:
    milliseconds, answers = one_by_one(addresses)
    names = [[one["name"] for one in json.loads(answer)["places"]] for answer in answers]
    found = [(place.name, told) for place, told in zip(meant, names, strict=True)]
    first = np.mean([told[:1] == [name] for name, told in found])
    among = np.mean([name in told for name, told in found])
    many = float(np.mean([len(told) for told in names]))
    row(title, *percentiles(milliseconds[5:]), many, f"{first:.0%}", f"{among:.0%}")


if __name__ == "__main__":
    sys.exit(main())
