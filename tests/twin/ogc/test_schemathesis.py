"""What the API definitions promise, held against the service by all of schemathesis.

It draws requests that a definition allows and such as it forbids: the former must be accepted, the
latter refused, every answer must be described and none be an error of the server.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.testing import free_port
from tests.twin.ogc.city import TWIN, City
from twin.testing import Program, Service

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]
SCHEMATHESIS = Path(sys.executable).with_name("st")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


@pytest.fixture(scope="module")
def small(city: City) -> Iterator[str]:
    """The city, served by a process of its own."""
    program = Program(city.home / "drawn", {"TWIN_DATABASE_URL": city.database})
    with program.serving("serve", free_port()) as service:
        yield service.url


def nothing_is_found(definition: str, folder: Path, examples: int, *options: str) -> None:
    ended = subprocess.run(
        [
            *(str(SCHEMATHESIS), *options, "run", definition, "--checks", "all", "--no-color"),
            *("--request-timeout", "60", "--seed", "1", "--max-examples", str(examples)),
            *("--phases", "coverage,fuzzing"),
        ],
        capture_output=True, text=True, timeout=1_700, cwd=folder,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-6_000:] + ended.stderr[-2_000:]


def test_the_definition_of_a_twin_holds(small: str, tmp_path: Path) -> None:
    nothing_is_found(f"{small}/ogc/{TWIN}/api", tmp_path, 12)


def test_the_definition_of_the_service_holds(small: str, tmp_path: Path) -> None:
    nothing_is_found(f"{small}/api", tmp_path, 3, "--config-file", str(CONFIGURATION))


def test_it_holds_for_whoever_knows_nothing_of_us(service: Service, tmp_path: Path) -> None:
    """Without a word of ours most requests are to twins that are not there."""
    nothing_is_found(f"{service.url}/api", tmp_path, 3)
