"""A real browser on the real server: samples loaded, tiled and served by the ``twin`` program."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

SCREENSHOTS = Path(__file__).parent / "screenshots"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
COMMON = ("--no-sandbox", "--disable-dev-shm-usage", "--use-gl=angle")
#: Mesa's renderer costs a half to a third of SwiftShader; not every machine has it.
BACKENDS = (
    ("--use-angle=gl-egl", "--ignore-gpu-blocklist"),
    ("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
)
WEBGL2 = "Boolean(document.createElement('canvas').getContext('webgl2'))"


@dataclass
class Visit:
    """A page and all that went wrong in it."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def open(self, hash_: str = "") -> None:
        """Load the viewer anew and wait until the tiles of its first view are there."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.url}/?quality=low{hash_}")
        self.wait_ready()

    def wait_ready(self, twin: str | None = None) -> None:
        """Wait for the tiles of ``twin`` (of any twin by default)."""
        wanted = f"twin-app[data-ready={twin}]" if twin else "twin-app[data-ready]"
        self.page.wait_for_selector(wanted, state="attached")

    def ask(self, expression: str) -> Any:
        """What ``window.__twin`` answers; promises are awaited."""
        return self.page.evaluate(f"window.__twin.{expression}")

    def settle(self) -> None:
        """Wait until nothing is being loaded or flown."""
        self.ask("settle()")

    def click(self, found: dict[str, Any]) -> None:
        """Click where ``find`` found a feature, and wait for its full record."""
        self.page.mouse.click(found["x"], found["y"])
        self.page.wait_for_selector(f".attributes .id code:text-is('{found['id']}')")
        self.page.wait_for_selector(".attributes .source, .attributes .warn")
        assert self.page.locator(".attributes .warn").count() == 0, self.faults
        self.settle()

    def row(self, column: str) -> tuple[str, str]:
        """Label and value of a column in the attribute panel."""
        row = self.page.locator(f".attributes tr[data-column={column}]")
        return row.locator("th").inner_text(), row.locator("td").inner_text()

    def picture(self, name: str) -> bytes:
        """A screenshot, kept under tests/browser/screenshots/."""
        self.settle()
        SCREENSHOTS.mkdir(exist_ok=True)
        return self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a service with both twins; TWIN_BROWSER_URL names one that runs already."""
    running = os.environ.get("TWIN_BROWSER_URL")
    if running:
        yield running.rstrip("/")
        return
    home = tmp_path_factory.mktemp("home")
    env = {**os.environ, "TWIN_HOME": str(home), "TWIN_LOG_LEVEL": "WARNING"}
    env.pop("TWIN_DATABASE_URL", None)
    twin = Path(sys.executable).with_name("twin")
    loaded = subprocess.run([twin, "samples"], env=env, capture_output=True, text=True)
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = home / "serve.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [twin, "serve", "--port", str(port)], env=env, stdout=stream, stderr=stream
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/readyz", process, log)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until ``url`` answers 200; fails with the server's log when it ends or takes too long."""
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            with urlopen(url):
                return
        except URLError:
            time.sleep(0.2)
    pytest.fail(f"{url} did not become ready:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a display, on whichever software WebGL 2 works."""
    with sync_playwright() as playwright:
        for backend in BACKENDS:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                headless=True,
                args=[*COMMON, *backend],
                env={**os.environ, "LIBGL_ALWAYS_SOFTWARE": "1"},
            )
            page = browser.new_page()
            if page.evaluate(WEBGL2):
                page.close()
                yield browser
                browser.close()
                return
            browser.close()
        pytest.fail(f"{CHROMIUM} has no WebGL 2 with any of {BACKENDS}")


@pytest.fixture
def visit(browser: Browser, served: str) -> Iterator[Visit]:
    """A page whose errors, banners and requests to other hosts fail the test."""
    context = browser.new_context(
        viewport={"width": 1000, "height": 640}, locale="zh-CN", reduced_motion="reduce"
    )
    page = context.new_page()
    # One frame takes seconds where a loaded machine draws in software.
    page.set_default_timeout(150_000)
    visit = Visit(page, served)

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.faults.append(f"console: {message.text}")

    def request(request: Request) -> None:
        if not request.url.startswith((f"{served}/", "blob:", "data:", "about:")):
            visit.faults.append(f"outside: {request.url}")

    page.on("console", console)
    page.on("request", request)
    page.on("pageerror", lambda error: visit.faults.append(f"error: {error}"))
    yield visit
    if page.url.startswith(served):
        visit.faults += [f"banner: {words['en']}" for words in visit.ask("state()")["problems"]]
    context.close()
    assert visit.faults == []
