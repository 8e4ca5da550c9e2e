"""An object store to test against; only tests import this."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import Request, urlopen

from models.testing import free_port


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
