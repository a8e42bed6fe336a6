"""The page Audit: who did what, filtered and paged in SQL, the filters in the URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gofer_console.views import paging
from shared.gradebook.staff_requests import Outcome, record_request
from shared.model import new_submission_id, utc_now
from shared.requests import RetryPayload, StaffRequest
from tests.support.console_pages import open_page
from tests.support.console_term import ConsoleTerm
from tests.support.told import LAB01

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamlit.testing.v1 import AppTest


@pytest.fixture
def term(tmp_path: Path) -> Iterator[ConsoleTerm]:
    """Ada was graded, and staff published lab01."""
    made = ConsoleTerm(tmp_path)
    made.graded(made.submitted("ada"))
    made.published(LAB01, "immediately")
    yield made
    made.close()


def cells(page: AppTest, column: str) -> list[Any]:
    assert not page.exception
    return list(page.dataframe[0].value[column])


def test_requests_and_changes_are_listed_newest_first(term: ConsoleTerm) -> None:
    page = open_page("audit")
    assert cells(page, "What") == ["Publish results", "Grade changed"]
    assert cells(page, "Who") == ["tess", "ada"]
    assert cells(page, "About")[1].startswith("ada, demo101/1/lab01: no grade")
    assert [list(labels) for labels in cells(page, "Outcome")] == [["Done"], []]
    assert cells(page, "About")[0] == "demo101/1/lab01: at once"


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ({"show": "Requests"}, ["Publish results"]),
        ({"show": "Grade changes"}, ["Grade changed"]),
        ({"q": "IMMEDIATELY"}, ["Publish results"]),
        ({"by": "tess"}, ["Publish results"]),
        ({"when": "Last day"}, ["Publish results", "Grade changed"]),
        ({"show": "Nothing", "by": "nobody", "when": "then", "page": "0x1"}, None),
    ],
)
def test_the_url_filters_and_what_it_cannot_mean_is_passed_over(
    term: ConsoleTerm, query: dict[str, str], what: list[str] | None
) -> None:
    assert cells(open_page("audit", query), "What") == (
        what or ["Publish results", "Grade changed"]
    )


def test_nothing_that_fits_is_said(term: ConsoleTerm) -> None:
    page = open_page("audit", {"q": "zzz"})
    assert not page.exception
    assert not page.dataframe
    assert any("Nothing fits" in one.value for one in page.markdown)


def test_pages_turn(term: ConsoleTerm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "ROWS", 1)
    assert cells(open_page("audit", {"page": "2"}), "What") == ["Grade changed"]
    assert cells(open_page("audit", {"page": "99"}), "What") == ["Grade changed"]


def test_what_waits_is_shown_above(term: ConsoleTerm) -> None:
    payload = RetryPayload(entry=new_submission_id())
    term.spool.deliver(
        StaffRequest(
            id=new_submission_id(),
            action="retry",
            payload=payload,
            requested_by="tess",
            received_at=utc_now(),
            reason="Engine is back",
        )
    )
    page = open_page("audit")
    assert [one.label for one in page.expander] == ["Waiting for the grader: 1"]
    assert list(page.dataframe[0].value["Why"]) == ["Engine is back"]


def test_a_request_that_gofer_stumbled_over_shows_as_failed(term: ConsoleTerm) -> None:
    request = StaffRequest(
        id=new_submission_id(),
        action="retry",
        payload=RetryPayload(entry=new_submission_id()),
        requested_by="tess",
        received_at=utc_now(),
        reason="Engine is back",
    )
    record_request(term.gradebook, request, Outcome.FAILED, "Gofer itself failed.")
    page = open_page("audit", {"show": "Requests"})
    assert list(cells(page, "Outcome")[0]) == ["Failed"]
