"""What the API definition of a twin promises, held against the service by all of schemathesis.

It draws requests that the definition allows and such as it forbids: the former must be accepted,
the latter refused, every answer must be described and none be an error of the server.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.testing import free_port
from tests.twin.ogc.city import TWIN, City
from twin.testing import Program

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
SCHEMATHESIS = Path(sys.executable).with_name("st")


@pytest.fixture(scope="module")
def root(city: City) -> Iterator[str]:
    """The city, served by a process of its own."""
    program = Program(city.home / "drawn", {"TWIN_DATABASE_URL": city.database})
    with program.serving("serve", free_port()) as service:
        yield f"{service.url}/ogc/{TWIN}"


def nothing_is_found(definition: str, folder: Path, *options: str) -> None:
    ended = subprocess.run(
        [
            *(str(SCHEMATHESIS), "run", definition, "--checks", "all", "--no-color"),
            *("--request-timeout", "60", *options),
        ],
        capture_output=True, text=True, timeout=800, cwd=folder,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-6_000:] + ended.stderr[-2_000:]


def test_the_definition_of_a_twin_holds(root: str, tmp_path: Path) -> None:
    nothing_is_found(
        f"{root}/api",
        tmp_path,
        "--phases",
        "coverage,fuzzing",
        "--seed",
        "1",
        "--max-examples",
        "12",
    )
