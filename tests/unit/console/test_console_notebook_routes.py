"""The routes that show and hand out notebooks: by whom they are reached, and with which headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from gofer_console.notebook_html.pages import NotebookPages
from gofer_console.web.local_sign_in import LocalSignIn
from gofer_console.web.notebooks import POLICY, notebook_routes, page_path
from gofer_console.web.security_headers import SecurityHeaders
from gofer_console.web.sign_in import SignedIn
from shared.model import SubmissionId, new_submission_id
from shared.spool import Spool
from tests.support.told import NOTEBOOK, Term

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREFIX: Final = "/services/console/"
ORIGIN: Final = "http://127.0.0.1:8501"


@pytest.fixture
def term(tmp_path: Path) -> Iterator[Term]:
    made = Term(tmp_path)
    yield made
    made.close()


@pytest.fixture
def sign_in() -> LocalSignIn:
    return LocalSignIn(name="ada", prefix=PREFIX, port=8501)


@pytest.fixture
def stranger(term: Term, sign_in: LocalSignIn) -> TestClient:
    """A browser that nobody has signed in."""
    pages = NotebookPages(command=("/nonexistent",))
    app = Starlette(
        routes=notebook_routes(PREFIX, Spool(term.volume), pages),
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(SignedIn, sign_in=sign_in, prefix=PREFIX, hosts=frozenset({"127.0.0.1"})),
        ],
    )
    return TestClient(app, base_url=ORIGIN)


@pytest.fixture
def client(stranger: TestClient, sign_in: LocalSignIn) -> TestClient:
    stranger.get(f"{PREFIX}?{sign_in.query}", follow_redirects=False)
    return stranger


@pytest.mark.parametrize("more", ["", "/download"])
def test_only_who_is_signed_in_gets_a_notebook(term: Term, stranger: TestClient, more: str) -> None:
    answer = stranger.get(page_path(PREFIX, term.submitted()) + more)
    assert answer.status_code == 403
    assert b"cells" not in answer.content


def test_a_notebook_is_shown_wherever_it_lies(term: Term, client: TestClient) -> None:
    waiting, buried, settled = (term.submitted(name) for name in ("ada", "ben", "cleo"))
    term.spool.bury(buried, "No reason.")
    term.graded(settled)
    for submission_id in (waiting, buried, settled):
        answer = client.get(page_path(PREFIX, submission_id))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "<main>" in answer.text


def test_the_page_may_run_and_load_nothing_and_is_kept_by_nobody(
    term: Term, client: TestClient
) -> None:
    headers = client.get(page_path(PREFIX, term.submitted())).headers
    assert headers.get_list("content-security-policy") == [POLICY]
    words = POLICY.split("; ")
    assert words[:2] == ["sandbox", "default-src 'none'"]
    assert "frame-ancestors 'self'" in words
    assert headers.get_list("x-content-type-options") == ["nosniff"]
    assert headers.get_list("referrer-policy") == ["no-referrer"]
    assert headers.get_list("cache-control") == ["private, no-store"]


def test_a_download_is_what_was_handed_in_and_opens_nowhere(term: Term, client: TestClient) -> None:
    submission_id = term.submitted()
    answer = client.get(f"{page_path(PREFIX, submission_id)}/download")
    assert answer.content == NOTEBOOK
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="submission-{submission_id[-8:]}.ipynb"'
    )
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    "name",
    [
        new_submission_id(),
        "x",
        "..%2f..%2fgradebook.db",
        "%00",
        "<script>alert(1)</script>",
        "0" * 4000,
        "019a0000-0000-7000-8000-00000000000G",
    ],
)
@pytest.mark.parametrize("more", ["", "/download"])
def test_there_is_nothing_by_another_name(client: TestClient, name: str, more: str) -> None:
    answer = client.get(f"{PREFIX}nb/{name}{more}")
    assert answer.status_code == 404
    assert "script" not in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


def test_a_notebook_that_was_changed_on_disk_is_not_shown(term: Term, client: TestClient) -> None:
    submission_id = term.submitted()
    entry = term.spool.new_dir / submission_id / "submission.ipynb"
    entry.write_bytes(b"changed")
    answer = client.get(page_path(PREFIX, submission_id))
    assert answer.status_code == 404
    assert "no longer what was handed in" in answer.text


def test_a_volume_that_went_away_is_told(term: Term, client: TestClient) -> None:
    term.spool.new_dir.rename(term.volume / "elsewhere")
    answer = client.get(page_path(PREFIX, SubmissionId(new_submission_id())))
    assert answer.status_code == 503
