"""A real browser on the real server: samples loaded, tiled and served by the ``twin`` program."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from twin.testing import Service

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
def served(request: pytest.FixtureRequest) -> str:
    """Address of a service with both twins; TWIN_BROWSER_URL names one that runs already."""
    running = os.environ.get("TWIN_BROWSER_URL")
    if running:
        return running.rstrip("/")
    service: Service = request.getfixturevalue("service")
    return service.url.rstrip("/")


# not for the whole session: Playwright keeps an event loop running, which others then trip over
@pytest.fixture(scope="module")
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
