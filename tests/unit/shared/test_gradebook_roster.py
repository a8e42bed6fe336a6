from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import DBAPIError

from shared.gradebook.roster import Known, import_rows, known_of, known_people
from shared.gradebook.transactions import reading
from shared.model import AssignmentKey, new_submission_id, utc_now
from shared.requests import RosterImportPayload, RosterRow, StaffRequest
from tests.unit.shared.gradebook_samples import fresh_gradebook, sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from shared.model import SubmissionId

KEY = AssignmentKey("demo101", "fa26", "lab01")


@pytest.fixture
def engine(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    opened = fresh_gradebook(tmp_path, database_url)
    yield opened
    opened.dispose()


def take(engine: Engine, *rows: RosterRow, request_id: SubmissionId | None = None) -> None:
    payload = RosterImportPayload(file="roster.csv", rows=rows)
    request = StaffRequest(
        id=request_id or new_submission_id(),
        action="roster_import",
        payload=payload,
        requested_by="ta",
        received_at=utc_now(),
    )
    import_rows(engine, request, payload, "Taken.")


def known(engine: Engine, student: str = "ada", key: AssignmentKey = KEY) -> Known:
    with reading(engine, "test") as connection:
        return known_of(connection, student, key)


def test_of_who_is_not_in_it_nothing_is_known(engine: Engine) -> None:
    take(engine, RosterRow(student="bob", user_id="2"))
    assert known(engine) == Known()


def test_a_later_import_says_more_and_what_it_leaves_out_stays(engine: Engine) -> None:
    take(engine, RosterRow(student="ada", user_id="1", name="Ada"))
    take(engine, RosterRow(student="ada", user_id_lti11="0fa1"), RosterRow(student="bob", name="B"))
    take(engine, RosterRow(student="ada", user_id="9"))
    assert known(engine) == Known(user_id="9", user_id_lti11="0fa1", name="Ada")


def test_of_two_imports_the_one_asked_for_last_holds(engine: Engine) -> None:
    first = new_submission_id()
    take(engine, RosterRow(student="ada", user_id="2", name="Ada"))
    take(engine, RosterRow(student="ada", user_id="1"), request_id=first)  # the disk was full
    assert known(engine) == Known(user_id="2", name="Ada")
    assert known_people(engine, "demo101", ["ada"]) == {"ada": Known(user_id="2", name="Ada")}


def test_what_is_said_of_an_assignment_goes_before_a_course_and_that_before_the_student(
    engine: Engine,
) -> None:
    take(
        engine,
        RosterRow(
            student="ada",
            assignment="lab01",
            lis_result_sourcedid="s",
            lis_outcome_service_url="https://lms.example.edu/o",
        ),
    )
    take(engine, RosterRow(student="ada", course="demo101", user_id="in the course"))
    take(engine, RosterRow(student="ada", user_id="anywhere"))
    assert known(engine) == Known(
        user_id="in the course", sourcedid="s", service_url="https://lms.example.edu/o"
    )
    elsewhere = AssignmentKey("other", "fa26", "lab02")
    assert known(engine, key=elsewhere) == Known(user_id="anywhere")


def test_people_of_a_course_are_told_all_that_is_said_of_them(engine: Engine) -> None:
    take(
        engine,
        RosterRow(student="ada", name="Ada", login="al1", id_number="S7", lms_user_id="42"),
        RosterRow(student="ada", course="other", name="Somebody else"),
        RosterRow(student="ben", course="demo101", email="ben@x.edu", section="L3"),
        RosterRow(student="eve", course="other", name="Eve"),
    )
    take(engine, RosterRow(student="ada", assignment="lab01", name="By a launch", email="a@x.edu"))
    assert known_people(engine, "demo101", ["ada", "ben", "eve", "nobody"]) == {
        "ada": Known(name="Ada", email="a@x.edu", login="al1", id_number="S7", lms_user_id="42"),
        "ben": Known(email="ben@x.edu", section="L3"),
    }


@pytest.mark.parametrize("change", ["UPDATE roster SET user_id = '2'", "DELETE FROM roster"])
def test_its_rows_are_only_added(engine: Engine, change: str) -> None:
    take(engine, RosterRow(student="ada", user_id="1"))
    with pytest.raises(DBAPIError, match="only added"):
        sql(engine, change)
    assert known(engine).user_id == "1"
