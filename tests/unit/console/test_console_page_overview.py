"""The overview: numbers as they are, what needs somebody at the top, all of it as text."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from shared.grade_policy import GradePolicy
from shared.gradebook.record import record_run
from shared.model import utc_now
from shared.queue_snapshot import AssignmentOutlook, PassbackOutlook, QueueSnapshot, write_snapshot
from shared.spool import Spool
from tests.support.console_pages import furnish, open_page, settings_of
from tests.unit.shared.gradebook_samples import ended, fresh_gradebook, graded, submitted, ungraded

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

EVIL: Final = "![x](http://evil.example/x) <b>lab</b> :red[x]"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path)
    made.prepare()
    return made


def said_by_the_grader(volume: Path, **said: object) -> None:
    known = {"written_at": utc_now(), "concurrency": 4, "typical_s": 1.25, **said}
    write_snapshot(volume, QueueSnapshot.model_validate(known))


def opened(volume: Path) -> AppTest:
    furnish(settings_of(volume))
    page = open_page("overview")
    assert not page.exception
    return page


def numbers(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def words(page: AppTest) -> str:
    """All that is Markdown on the page."""
    elements = [*page.markdown, *page.caption, *page.warning, *page.error, *page.title]
    return "\n".join(str(element.value) for element in elements)


def bury(spool: Spool, assignment: str, reason: str) -> None:
    notebook = b"{}"
    sent = submitted("ada", assignment=assignment)
    digest = hashlib.sha256(notebook).hexdigest()
    payload = sent.payload.model_copy(update={"sha256": digest, "size_bytes": len(notebook)})
    envelope = sent.model_copy(update={"payload": payload})
    spool.deliver(envelope, notebook)
    spool.bury(envelope.id, reason)


def test_the_numbers_are_those_of_spool_grader_and_gradebook(tmp_path: Path, spool: Spool) -> None:
    writer = fresh_gradebook(tmp_path)
    for student, result in (("ada", graded(5)), ("ben", graded(7)), ("cy", ungraded())):
        run = replace(ended(result), started_at=utc_now(), finished_at=utc_now())
        record_run(writer, submitted(student), run, GradePolicy())
    writer.dispose()
    said_by_the_grader(tmp_path)
    page = opened(tmp_path)
    assert numbers(page) == {
        "Waiting": "0",
        "Being graded": "0",
        "Graded in the last hour": "2",
        "Could not be graded": "0",
    }
    assert "1 ended without a score" in words(page)
    assert "Up to 4 at a time, 1.2 s each" in words(page)
    assert "The grader is not running" not in words(page)


def test_what_needs_somebody_is_at_the_top(tmp_path: Path, spool: Spool) -> None:
    said_by_the_grader(
        tmp_path,
        paused="engine",
        passback=PassbackOutlook(queued=2, failed=1, troubled=(EVIL,)),
        assignments=(
            AssignmentOutlook(course=EVIL, section="1", assignment=EVIL, is_blocked=True),
        ),
    )
    page = opened(tmp_path)
    errors = [error.value for error in page.error]
    assert any("Grading is paused. The engine" in error for error in errors)
    assert any("1 assignment is blocked" in error for error in errors)
    assert "2 on their way, 1 refused." in words(page)
    assert "evil" not in words(page)


def test_failures_are_shown_as_text(tmp_path: Path, spool: Spool) -> None:
    bury(spool, EVIL, f"The zip {EVIL} cannot be read.")
    said_by_the_grader(tmp_path)
    page = opened(tmp_path)
    assert numbers(page)["Could not be graded"] == "1"
    (table,) = page.dataframe
    assert table.value["Assignment"].tolist() == [EVIL]
    assert "evil" not in words(page)


def test_a_gradebook_that_cannot_be_read_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "gradebook.db").write_bytes(b"no database at all " * 100)
    furnish(settings_of(tmp_path))
    page = open_page("overview")
    assert not page.exception
    assert any("gradebook" in text.value.lower() for text in page.text)
