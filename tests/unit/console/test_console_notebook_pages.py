"""Pages come from a process of their own; whatever happens to it, there is a page."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from gofer_console.notebook_html import limits
from gofer_console.notebook_html.pages import NotebookPages
from gofer_console.notebook_html.worker import READY, frame

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTEBOOK = json.dumps({"cells": [{"cell_type": "markdown", "source": "# A title $x^2$"}]}).encode()
SAY_READY = f"import sys; sys.stdout.buffer.write({frame(READY)!r}); sys.stdout.flush(); "


@pytest.fixture(scope="module")
def pages() -> Iterator[NotebookPages]:
    made = NotebookPages()
    yield made
    made.close()


def test_a_notebook_is_drawn(pages: NotebookPages) -> None:
    page = pages.page(NOTEBOOK).decode()
    assert "<h1>A title <math" in page


def test_the_worker_that_was_ended_is_started_again(pages: NotebookPages) -> None:
    pages.close()
    assert b"<h2>Another" in pages.page(NOTEBOOK.replace(b"# A", b"## Another"))


def test_a_notebook_beyond_all_size_is_not_even_drawn(pages: NotebookPages) -> None:
    page = pages.page(b" " * (limits.INPUT_BYTES + 1)).decode()
    assert "too much to show" in page


@pytest.mark.parametrize(
    "program",
    [
        "",
        "import sys; sys.exit(1)",
        SAY_READY,
        SAY_READY + "sys.stdin.buffer.read()",
        SAY_READY + "sys.stdout.buffer.write(b'short'); sys.stdout.flush()",
        SAY_READY + "\nwhile True: pass",
    ],
    ids=["ends", "fails", "ends later", "reads for ever", "says half", "never answers"],
)
def test_the_text_alone_is_shown_where_the_worker_fails(
    program: str, caplog: pytest.LogCaptureFixture
) -> None:
    pages = NotebookPages(patience_s=0.5, command=(sys.executable, "-c", program))
    page = pages.page(NOTEBOOK).decode()
    pages.close()
    assert "# A title $x^2$" in page
    assert "its text alone is shown" in page
    assert "console.notebook_plain" in [getattr(one, "action", "") for one in caplog.records]


def test_a_worker_that_cannot_be_started_is_no_error() -> None:
    pages = NotebookPages(command=("/nonexistent",))
    assert b"its text alone" in pages.page(NOTEBOOK)


def test_a_page_is_made_once() -> None:
    pages = NotebookPages()
    first = pages.page(NOTEBOOK)
    pages.close()
    pages._command = ("/nonexistent",)
    assert pages.page(NOTEBOOK) == first


def test_only_so_much_is_kept() -> None:
    pages = NotebookPages(command=("/nonexistent",))
    pages.page(NOTEBOOK)
    for number in range(30):
        cells = [{"cell_type": "code", "source": f"{number} {'x' * 90_000}"}] * 20
        pages.page(json.dumps({"cells": cells}).encode())
    assert pages._kept_bytes() <= 24 << 20
    assert len(pages._kept) < 31
