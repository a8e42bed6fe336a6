"""The page Submission: what it tells of one, and what can be asked for there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from gofer_console.web.person import Role
from shared.model import FLAG_TAMPERED, SubmissionId, Verdict, new_submission_id
from shared.requests import (
    AcceptFlaggedPayload,
    ExtendPayload,
    OverridePayload,
    RegradeStartPayload,
)
from tests.support.console_pages import open_page
from tests.support.console_term import ConsoleTerm
from tests.support.told import HW02, LAB01, LOG, STAFF_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

HOSTILE = "![x](http://evil.example/a.png) <script>alert(1)</script> :smile: $x$"


@pytest.fixture
def term(tmp_path: Path) -> Iterator[ConsoleTerm]:
    made = ConsoleTerm(tmp_path)
    yield made
    made.close()


def opened(submission_id: str) -> AppTest:
    page = open_page("submission", {"id": submission_id})
    assert not page.exception
    return page


def texts(page: AppTest) -> list[str]:
    return [text.value for text in page.text]


def badges(page: AppTest) -> str:
    return " ".join(markdown.value for markdown in page.markdown)


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def table(page: AppTest, column: str) -> Any:
    (found,) = (one.value for one in page.dataframe if column in one.value.columns)
    return found


def key_of(submission_id: str, action: str) -> str:
    return f"{action}_{submission_id[-8:]}"


def press(page: AppTest, key: str, *, turn: int = 0, why: str = "Because.") -> AppTest:
    page.text_input(key=f"{key}_why_{turn}").set_value(why)
    return page.button(key=f"{key}_submit_{turn}").click().run()


def test_a_graded_one_is_told_whole(term: ConsoleTerm) -> None:
    submission_id = term.submitted("ada", hours_ago=2)
    term.graded(submission_id)
    page = opened(submission_id)
    said = texts(page)
    assert "ada" in said
    assert str(LAB01) in said
    assert "7.5 of 10" in said
    assert any("2 hours ago" in text for text in said)
    assert "Your notebook was graded." in said
    assert STAFF_TEXT in said
    assert "Graded" in badges(page)
    assert "Makes the grade" in badges(page)
    assert "Output cut" in badges(page)
    assert any("Europe/Berlin" in caption.value for caption in page.caption)
    assert LOG in [code.value for code in page.code]
    questions = table(page, "Question")
    assert list(questions["Question"]) == [
        "q1",
        "q2_secret · hidden",
        "q3",
        "q4_secret · hidden",
    ]
    assert list(questions["Points"]) == [2.0, 1.5, 4.0, 0.0]
    (run,) = table(page, "Zip").to_dict("records")
    assert run["Counts"] == "Yes"
    assert run["Why"] == "Handed in"
    assert run["By"] == "ada"
    assert run["Zip"] == "a" * 12
    assert run["Image"] == "0123"


def test_attempts_say_which_one_makes_the_grade(term: ConsoleTerm) -> None:
    first, second, third = (term.submitted("ada", hours_ago=3 - one) for one in range(3))
    term.graded(first)
    term.graded(second, (0.0, 0.0, 0.0, 0.0))
    term.failed(third, Verdict.TIMED_OUT)
    found = table(opened(second), "Attempt")
    assert list(found["Attempt"]) == [3, 2, 1]
    assert list(found["Shown"]) == ["", "This one", ""]
    assert list(found["Standing"]) == [
        ["No score"],
        ["Not the grade"],
        ["Makes the grade"],
    ]
    assert list(found["Ended"]) == [["Timed out"], ["Graded"], ["Graded"]]


def test_selecting_an_attempt_opens_it(term: ConsoleTerm) -> None:
    first, second = term.submitted("ada", hours_ago=1), term.submitted("ada")
    term.graded(first)
    term.graded(second)
    page = opened(second)
    (key,) = (one.key for one in page.dataframe if "Attempt" in one.value.columns)
    assert key is not None
    page.session_state[key] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    page.run()
    assert not page.exception
    assert page.query_params["id"] in (first, [first])


def test_previous_and_next_go_by_student_and_to_the_submission_that_counts(
    term: ConsoleTerm,
) -> None:
    best, worse = term.submitted("ada", hours_ago=5), term.submitted("ada", hours_ago=4)
    term.graded(best)
    term.graded(worse, (0.0, 0.0, 0.0, 0.0))
    middle = term.submitted("ben", hours_ago=3)
    term.graded(middle)
    last = term.submitted("cleo", hours_ago=2)
    term.failed(last)
    other = term.submitted("bob", HW02)
    term.graded(other)
    page = opened(middle)
    page.button(key="go_P").click().run()
    assert page.query_params["id"] in (best, [best])
    assert page.button(key="go_P").disabled
    page.button(key="go_N").click().run()
    page.button(key="go_N").click().run()
    assert page.query_params["id"] in (last, [last])
    assert page.button(key="go_N").disabled
    assert not page.exception


def test_one_that_waits_and_one_that_was_set_aside_are_told(term: ConsoleTerm) -> None:
    waiting = term.submitted("ada")
    assert "Waiting" in badges(opened(waiting))
    term.at_work(running=(waiting,))
    assert "Running" in badges(opened(waiting))
    term.spool.bury(waiting, f"The engine was away. {HOSTILE}")
    page = opened(waiting)
    assert "Could not be graded" in badges(page)
    assert any("The engine was away." in text for text in texts(page))


@pytest.mark.parametrize(
    "asked",
    ["", HOSTILE, "-" * 36, new_submission_id(), "\x00" * 5000],
)
def test_an_address_of_nothing_is_named_and_no_error(term: ConsoleTerm, asked: str) -> None:
    term.graded(term.submitted())
    page = opened(asked)
    assert any("Nothing was received" in one.value for one in page.caption) == bool(asked.strip())
    assert not [button for button in page.button if button.label == "Override"]


def test_hostile_names_and_texts_are_never_markdown(term: ConsoleTerm) -> None:
    submission_id = term.submitted(HOSTILE)
    term.failed(submission_id, text=HOSTILE)
    other = term.submitted(f"{HOSTILE}2")
    term.graded(other, flag=HOSTILE)
    for one in (submission_id, other):
        page = opened(one)
        assert any(HOSTILE in text for text in texts(page))
        parts = (*page.markdown, *page.caption, *page.subheader, *page.title, *page.warning)
        assert not [part.value for part in parts if "evil" in part.value or "<script" in part.value]
        assert not [label for label in labels(page) if "evil" in label]


def test_a_reader_sees_no_buttons_that_change_anything(tmp_path: Path) -> None:
    term = ConsoleTerm(tmp_path, role=Role.READER)
    submission_id = term.submitted()
    term.graded(submission_id, flag=FLAG_TAMPERED)
    page = opened(submission_id)
    term.close()
    assert set(labels(page)) <= {"Previous student", "Next student"}


def test_an_override_is_asked_for_once_and_shown_as_waiting(term: ConsoleTerm) -> None:
    submission_id = term.submitted("ada")
    term.graded(submission_id)
    page = opened(submission_id)
    key = key_of(submission_id, "override")
    page.number_input(key=f"{key}_score_0").set_value(9.5)
    page.text_area(key=f"{key}_comment_0").set_value(" Well argued. ")
    press(page, key)
    assert not page.exception
    (request,) = term.requests()
    assert request.payload == OverridePayload(
        student="ada",
        course=LAB01.course,
        section=LAB01.section,
        assignment=LAB01.assignment,
        score=9.5,
        points_possible=10.0,
        comment="Well argued.",
    )
    assert request.reason == "Because."
    assert request.requested_by == "ta1"
    again = opened(submission_id)
    assert any("Override a grade: ada" in text for text in texts(again))
    again.number_input(key=f"{key}_score_0").set_value(9.5)
    again.text_area(key=f"{key}_comment_0").set_value("Well argued.")
    press(again, key)
    assert len(term.requests()) == 1
    term.carried_out()
    assert not any("Asked for by" in text for text in texts(opened(submission_id)))


def test_an_override_without_points_asks_for_nothing(term: ConsoleTerm) -> None:
    submission_id = term.submitted()
    term.graded(submission_id)
    page = press(opened(submission_id), key_of(submission_id, "override"))
    assert not page.exception
    assert term.requests() == []
    assert "Say how many points count." in texts(page)


def test_an_extension_is_in_the_courses_time_zone_and_needs_a_reason(term: ConsoleTerm) -> None:
    submission_id = term.submitted("ada")
    term.graded(submission_id)
    page = opened(submission_id)
    key = key_of(submission_id, "extend")
    until = page.datetime_input(key=f"{key}_until_0")
    assert until.label == "New due date, in Europe/Berlin"
    assert until.value == datetime(2026, 9, 2, 18, 0)  # noqa: DTZ001 - a day after it is due, there
    press(page, key, why=" ")
    assert term.requests() == []
    until = page.datetime_input(key=f"{key}_until_0")
    until.set_value(datetime(2026, 12, 24, 18, 30))  # noqa: DTZ001 - as people type it
    press(page, key, why="Ill.")
    (request,) = term.requests()
    assert isinstance(request.payload, ExtendPayload)
    (extension,) = request.payload.extensions
    assert extension.student == "ada"
    assert extension.until == datetime(2026, 12, 24, 17, 30, tzinfo=UTC)


def test_a_regrade_is_of_this_student_alone(term: ConsoleTerm) -> None:
    submission_id = term.submitted("ada")
    term.graded(submission_id)
    press(opened(submission_id), key_of(submission_id, "regrade"))
    (request,) = term.requests()
    assert request.payload == RegradeStartPayload(
        course=LAB01.course,
        section=LAB01.section,
        assignment=LAB01.assignment,
        students=("ada",),
    )


def test_a_held_run_can_be_accepted_and_no_other(term: ConsoleTerm) -> None:
    held, other = term.submitted("ada"), term.submitted("ben")
    term.graded(held, flag=FLAG_TAMPERED)
    term.graded(other)
    assert "Accept the run" not in labels(opened(other))
    page = opened(held)
    assert "Held for staff" in badges(page)
    assert "Tampered" in badges(page)
    press(page, key_of(held, "accept"))
    (request,) = term.requests()
    assert isinstance(request.payload, AcceptFlaggedPayload)
    term.carried_out()
    term.accepted(held)
    page = opened(held)
    assert "Accept the run" not in labels(page)
    assert "Makes the grade" in badges(page)


def test_one_the_gradebook_alone_knows_has_no_notebook(term: ConsoleTerm) -> None:
    submission_id = term.submitted()
    term.graded(submission_id)
    folder = term.volume / "submissions" / submission_id[-2:] / submission_id
    folder.rename(term.volume / "taken-away")
    page = opened(SubmissionId(submission_id))
    assert "The notebook is not here" in badges(page)
    assert "7.5 of 10" in texts(page)


def test_a_catalogue_that_cannot_be_read_hides_nothing_that_is_on_record(
    term: ConsoleTerm,
) -> None:
    submission_id = term.submitted("ada")
    term.graded(submission_id)
    config = term.room.settings.course_config_path
    assert config is not None
    config.write_text("[courses", "utf-8")
    page = opened(submission_id)
    assert "7.5 of 10" in texts(page)
    assert "Makes the grade" in badges(page)


def test_a_course_config_that_cannot_be_used_leaves_the_rest_of_the_page(
    term: ConsoleTerm,
) -> None:
    submission_id = term.submitted("ada")
    term.graded(submission_id)
    (term.volume.parent / "courses.toml").write_text("[courses", "utf-8")
    page = opened(submission_id)
    assert "**The course config cannot be used**" in badges(page)
    assert STAFF_TEXT in texts(page)
    assert len(table(page, "Attempt")) == 1
    assert "Override" in labels(page)
    assert "Regrade" not in labels(page)
    assert not any("Nothing is due" in text for text in texts(page))
