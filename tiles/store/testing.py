"""An object store to test against, and what lies in a folder; only tests import this."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import Request, urlopen

from models.testing import free_port
from tiles.store.directory import DirectoryStore


def files(store: DirectoryStore, killed: int = 0) -> dict[str, bytes]:
    """All files of a store as they lie there, by name, but what ``killed`` processes at most were
    writing (:func:`models.files.write_whole`), which the store deletes a day later."""
    found = {path.name: path.read_bytes() for path in store.path.iterdir()}
    half = [name for name in found if name.startswith(".new-")]
    assert len(half) <= killed
    return {name: data for name, data in found.items() if name not in half}


@contextmanager
def object_store(bucket: str) -> Iterator[str]:
    """The address of a server that speaks S3 and has an empty ``bucket``, for the block."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                with urlopen(Request(f"{address}/{bucket}", method="PUT"), timeout=5):  # noqa: S310
                    break
            except (URLError, ConnectionError):
                if time.monotonic() > until or process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def told(address: str) -> dict[str, str]:
    """The environment that tells clients of it, as users do."""
    return {
        "AWS_ENDPOINT": address,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "made",
        "AWS_SECRET_ACCESS_KEY": "made",
        "AWS_ALLOW_HTTP": "true",
    }
