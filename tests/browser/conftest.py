"""A real Chromium, driven by Playwright, and a watch over what its pages do.

Without Chromium these tests are skipped, or fail where `GOFER_REQUIRE_BROWSER=1` says that there
must be one. It is the system's own (Debian's package `chromium`), never one that is downloaded.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

ARGUMENTS: Final = (
    "--no-sandbox",  # root has none, and only pages of our own are opened
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
)
DEADLINE_MS: Final = 20_000
PHONE: Final = {"width": 360, "height": 740}
DESKTOP: Final = {"width": 1280, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder."""
    for item in items:
        if "/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser. For one module: Playwright's event loop would be in the way of later tests."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("GOFER_REQUIRE_BROWSER") == "1":
            pytest.fail("GOFER_REQUIRE_BROWSER=1, and there is no chromium on the PATH")
        pytest.skip("there is no chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Watch:
    """What a page did that somebody may have to hear of.

    Attributes:
        errors: what its console says in red, violations of its Content-Security-Policy included,
            and exceptions that nobody caught.
        urls: of all that it asked for, in order.
    """

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.urls: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _on_request(self, request: Request) -> None:
        self.urls.append(request.url)

    def elsewhere(self, origin: str) -> list[str]:
        """Return what was asked for outside an origin, such as `http://127.0.0.1:10101`."""
        inside = (f"{origin}/", "blob:", "data:")
        return [url for url in self.urls if not url.startswith(inside)]


class OpenPage(Protocol):
    """Opens a page in a context of its own: nobody else's cookies, storage or cache."""

    def __call__(self, **options: Any) -> Page:
        """Open a blank page; the options are those of Playwright's `new_context`."""


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Open pages that are closed at the end of the test."""
    with ExitStack() as stack:

        def opened(**options: Any) -> Page:
            context = chromium.new_context(**{"viewport": DESKTOP, **options})
            stack.callback(context.close)
            context.set_default_timeout(DEADLINE_MS)
            return context.new_page()

        yield opened
