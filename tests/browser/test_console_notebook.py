"""A hostile notebook in a real browser, in the frame of the real console."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from shared.model import Sha256, new_submission_id, utc_now
from shared.requests import Envelope, Source, SubmitPayload
from tests.browser.conftest import Watch
from tests.support.console_process import ConsoleProcess
from tests.support.hostile_notebook import RUN, hostile_notebook
from tests.support.told import LAB01, Term

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from shared.model import SubmissionId
    from tests.browser.conftest import OpenPage


class Elsewhere(ThreadingHTTPServer):
    """A server that a notebook would have the browser ask; it notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Noting)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}/"


class _Noting(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - its name in the library

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def term(tmp_path: Path) -> Iterator[Term]:
    made = Term(tmp_path / "volume")
    yield made
    made.close()


def handed_in(term: Term, notebook: bytes) -> SubmissionId:
    envelope = Envelope(
        id=new_submission_id(),
        action="submit",
        payload=SubmitPayload(
            student="mallory",
            course=LAB01.course,
            section=LAB01.section,
            assignment=LAB01.assignment,
            sha256=Sha256(hashlib.sha256(notebook).hexdigest()),
            size_bytes=len(notebook),
            source=Source.DEV,
        ),
        requested_by="mallory",
        received_at=utc_now(),
    )
    term.spool.deliver(envelope, notebook)
    return envelope.id


def framed(page: Page, console: ConsoleProcess, path: str) -> None:
    """Show a page of the console's origin in the frame in which Streamlit puts an address."""
    page.goto(f"{console.direct_url}_stcore/health")
    page.evaluate(
        """(path) => new Promise((resolve) => {
            document.title = 'console';
            const frame = document.createElement('iframe');
            frame.sandbox = 'allow-forms allow-modals allow-popups allow-same-origin allow-scripts '
                + 'allow-popups-to-escape-sandbox allow-downloads';
            frame.onload = resolve;
            frame.src = path;
            frame.style = 'width: 900px; height: 600px';
            document.body.append(frame);
        })""",
        path,
    )


def test_nothing_of_a_hostile_notebook_runs_or_loads(
    term: Term, elsewhere: Elsewhere, open_page: OpenPage
) -> None:
    submission_id = handed_in(term, hostile_notebook(elsewhere.url))
    with ConsoleProcess(term.volume) as console:
        page = open_page()
        page.goto(console.link)
        watch = Watch(page)
        framed(page, console, f"{console.direct_url}nb/{submission_id}")
        frame = page.frames[1]
        assert frame.locator("section").count() > 50
        for number in range(frame.get_by_text("click").count()):
            frame.get_by_text("click").nth(number).click(force=True)
        assert page.title() == "console"
        assert page.frames[1].url == f"{console.direct_url}nb/{submission_id}"
        assert len(page.frames) == 2
        assert len(page.context.pages) == 1
        assert elsewhere.asked == []
        assert watch.elsewhere(console.direct_url.removesuffix("/")) == []


def test_the_policy_alone_holds_where_nothing_was_cleaned(
    term: Term, elsewhere: Elsewhere, open_page: OpenPage
) -> None:
    submission_id = handed_in(term, b'{"cells": [], "metadata": {}}')
    raw = f"<script>{RUN}</script><img src='{elsewhere.url}i.png'><img src=x onerror=\"{RUN}\">"
    with ConsoleProcess(term.volume) as console:
        page = open_page()
        page.goto(console.link)
        path = f"{console.direct_url}nb/{submission_id}"

        is_sandboxed = True

        def with_raw_html(route: Any) -> None:
            answer = route.fetch()
            body = answer.text().replace("<main>", f"<main>{raw}")
            headers = answer.headers
            if not is_sandboxed:
                del headers["content-security-policy"]
            route.fulfill(response=answer, body=body, headers=headers)

        page.route(path, with_raw_html)
        watch = Watch(page)
        framed(page, console, path)
        assert page.frames[1].locator("img").count() == 2
        assert page.title() == "console"
        assert elsewhere.asked == []
        watch.urls.clear()
        is_sandboxed = False
        framed(page, console, path)
        assert page.title() == "RUN"
        assert watch.elsewhere(console.direct_url.removesuffix("/")) == [f"{elsewhere.url}i.png"]


def test_a_notebook_is_readable_and_its_formulas_are_drawn(term: Term, open_page: OpenPage) -> None:
    notebook = (
        b'{"cells": [{"cell_type": "markdown", "source": "# Title\\n\\n$$\\\\frac{a}{b}$$"}]}'
    )
    submission_id = handed_in(term, notebook)
    with ConsoleProcess(term.volume) as console:
        page = open_page(color_scheme="dark")
        page.goto(console.link)
        framed(page, console, f"{console.direct_url}nb/{submission_id}")
        frame = page.frames[1]
        assert frame.locator("h1").inner_text() == "Title"
        fraction = frame.locator("mfrac").bounding_box()
        letter = frame.locator("mfrac mi").first.bounding_box()
        assert fraction is not None
        assert letter is not None
        assert fraction["height"] > 1.5 * letter["height"]
        colour = frame.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        assert colour == "rgb(255, 255, 255)"
