from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.server import gradebook_reader, publishing, queue_view
from gofer_ingest.server.enquiries import Enquiries, GivenGrade
from gofer_ingest.server.errors import UnknownSubmission
from gofer_ingest.server.gradebook_reader import GradebookReader
from gofer_ingest.server.identity import Person
from gofer_ingest.server.publishing import Publishing
from gofer_ingest.server.queue_view import QueueView
from gofer_ingest.server.status import Hold, State
from gofer_ingest.server.status_words import as_json
from shared.catalogue import Assignment, Catalogue
from shared.errors import GradebookError
from shared.gradebook.history import GradeTold
from shared.model import (
    AssignmentKey,
    Limits,
    PublishRule,
    QuestionScore,
    QuestionSpec,
    Score,
    SubmissionId,
    Verdict,
    new_submission_id,
)
from shared.requests import Source
from tests.support.told import FLAG, HW02, LAB01, LOG, STAFF_TEXT, Term

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from gofer_ingest.server.status import Status

ADA = Person("ada", Source.DEV)
GRACE = Person("grace", Source.DEV)
STAFF = Person("tess", Source.DEV, is_staff=True)
LATER = AssignmentKey("demo101", "1", "project1")
GONE = AssignmentKey("demo101", "1", "lab99")


def an_assignment(key: AssignmentKey, publish: str, folder: Path) -> Assignment:
    return Assignment(
        key=key,
        autograder_zip=folder / "not-there.zip",
        solution=None,
        image=None,
        limits=Limits(),
        lms_id=None,
        publish=PublishRule.parse(publish),
    )


class Hall:
    """The enquiries, and the term that it tells of."""

    def __init__(self, folder: Path) -> None:
        self.term = Term(folder / "volume")
        keys = {LAB01: "immediately", HW02: "manual", LATER: "2999-01-01T00:00:00Z"}
        gradebook = GradebookReader(self.term.volume, None)
        catalogue = Catalogue(an_assignment(key, rule, folder) for key, rule in keys.items())
        self.enquiries = Enquiries(
            publishing=Publishing(catalogue, gradebook),
            spool=self.term.spool,
            queue=QueueView(self.term.volume, self.term.spool),
            gradebook=gradebook,
            receipts=self.term.receipts,
        )

    def submitted(self, student: str = "ada", key: AssignmentKey = LAB01) -> SubmissionId:
        return self.term.submitted(student, key)

    def told(self, submission_id: SubmissionId, person: Person = ADA) -> Status:
        return self.enquiries.status_of(submission_id, person)

    def listed(
        self, student: str = "ada", before: SubmissionId | None = None, limit: int = 100
    ) -> list[SubmissionId]:
        page = self.enquiries.list_of(student, before=before, limit=limit)
        return [status.submitted.id for status in page.statuses]

    def lose_the_gradebook(self) -> None:
        """Damage it, as a bad disk would."""
        self.term.close()
        for file in self.term.volume.glob("gradebook.db*"):
            file.write_bytes(b"no database" * 100)
        self.enquiries.gradebook.close()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_view, "KEPT_FOR_S", -1.0)
    monkeypatch.setattr(publishing, "KEPT_FOR_S", -1.0)
    monkeypatch.setattr(gradebook_reader, "AGAIN_AFTER_S", 0.0)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    made = Hall(tmp_path)
    yield made
    made.enquiries.gradebook.close()
    made.term.close()


# --- one submission -------------------------------------------------------------------------------


def test_a_submission_is_told_from_receipt_to_score(hall: Hall) -> None:
    others = [hall.submitted("grace") for _ in range(3)]
    mine = hall.submitted()
    assert hall.told(mine).hold is Hold.PAUSED
    hall.term.announced(others[0])
    waiting = hall.told(mine)
    assert (waiting.state, waiting.position, waiting.expected_wait_s) == (State.WAITING, 3, 45.0)
    hall.term.announced(mine)
    assert hall.told(mine).state is State.RUNNING
    hall.term.graded(mine)
    graded = hall.told(mine)
    assert (graded.state, graded.verdict) == (State.RECORDED, Verdict.GRADED)
    assert graded.score == Score(7.5, 10.0)
    assert graded.submitted.id == mine
    assert graded.submitted.attempt == 1


def test_the_grade_of_record_is_told_with_what_made_it(hall: Hall) -> None:
    mine = hall.submitted()
    hall.term.graded(mine)
    grade = hall.told(mine).grade
    assert grade is not None
    assert (grade.score, grade.submission_id, grade.is_override) == (Score(7.5, 10), mine, False)
    hall.term.override("ada", LAB01, "Well argued.")
    told = hall.told(mine)
    assert told.score == Score(7.5, 10)  # what this submission earned stays told
    assert told.grade == GradeTold(Score(9, 10), is_override=True, comment="Well argued.")


def test_no_grade_is_told_before_scores_are_published(hall: Hall) -> None:
    for key in (HW02, LATER):
        mine = hall.submitted(key=key)
        hall.term.graded(mine)
        assert hall.told(mine).grade is None


def test_questions_with_hidden_tests_are_told_as_one(hall: Hall) -> None:
    mine = hall.submitted()
    hall.term.graded(mine)
    told = hall.told(mine).questions
    assert told is not None
    assert told.shown == (QuestionScore("q1", 2.0, 2.0), QuestionScore("q3", 4.0, 4.0))
    assert told.hidden == Score(1.5, 4.0)


@pytest.mark.parametrize("person", [ADA, STAFF])
def test_what_is_for_staff_and_what_was_printed_is_told_nobody(hall: Hall, person: Person) -> None:
    graded, failed = hall.submitted(), hall.submitted()
    hall.term.graded(graded)
    hall.term.failed(failed)
    for submission_id in (graded, failed):
        status = hall.told(submission_id, person)
        told = repr(status) + str(as_json(status, "/"))
        for secret in (STAFF_TEXT, LOG, FLAG, "q2_secret", "q4_secret"):
            assert secret not in told


@pytest.mark.parametrize("person", [ADA, STAFF])
def test_of_a_run_that_is_held_nobody_is_told_a_score_until_staff_accept_it(
    hall: Hall, person: Person
) -> None:
    mine = hall.submitted()
    hall.term.graded(mine, flag="tampered")
    status = hall.told(mine, person)
    assert status.is_held
    assert (status.verdict, status.score, status.questions) == (None, None, None)
    assert hall.enquiries.list_of("ada", before=None, limit=5).statuses == (status,)
    told = repr(status) + str(as_json(status, "/"))
    assert not re.search(r"(?<!\d)7\.5(?!\d)", told)  # a time may end in 27.5…
    for secret in ("tampered", STAFF_TEXT, "q1"):
        assert secret not in told
    hall.term.accepted(mine)
    accepted = hall.told(mine, person)
    assert not accepted.is_held
    assert accepted.score == Score(7.5, 10.0)
    assert accepted.questions is not None


@pytest.mark.parametrize("key", [HW02, LATER, GONE])
def test_what_is_not_published_is_told_nobody(hall: Hall, key: AssignmentKey) -> None:
    mine = hall.submitted(key=key)
    hall.term.graded(mine)
    for person in (ADA, STAFF):
        status = hall.told(mine, person)
        assert (status.state, status.is_published) == (State.RECORDED, False)
        assert (status.verdict, status.score, status.questions) == (None, None, None)
    (listed,) = hall.enquiries.list_of("ada", before=None, limit=5).statuses
    assert listed == hall.told(mine)


@pytest.mark.parametrize("key", [HW02, LATER])
def test_staff_publish_by_hand_and_take_it_back(hall: Hall, key: AssignmentKey) -> None:
    mine = hall.submitted(key=key)
    hall.term.graded(mine)
    hall.term.published(key, "immediately")
    assert (hall.told(mine).is_published, hall.told(mine).score) == (True, Score(7.5, 10.0))
    hall.term.published(key, None)
    assert (hall.told(mine).is_published, hall.told(mine).score) == (False, None)


def test_staff_withhold_what_the_course_config_shows(hall: Hall) -> None:
    mine = hall.submitted()
    hall.term.graded(mine)
    hall.term.published(LAB01, "manual")
    told = hall.told(mine)
    assert (told.is_published, told.verdict, told.score) == (False, None, None)
    gone = hall.submitted(key=GONE)
    hall.term.graded(gone)
    hall.term.published(GONE, "immediately")
    assert not hall.told(gone).is_published


def test_a_result_is_not_told_while_nobody_knows_whether_it_is_withheld(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = hall.submitted()
    hall.term.graded(mine)

    def unreadable(_: Engine) -> dict[AssignmentKey, PublishRule]:
        raise GradebookError("The gradebook could not be read.")

    monkeypatch.setattr(publishing, "published_by_hand", unreadable)
    told = hall.told(mine)
    assert (told.is_published, told.score) == (False, None)


def test_one_that_was_set_aside_says_nothing_of_the_reason(hall: Hall) -> None:
    mine = hall.submitted()
    hall.term.spool.bury(mine, "the engine was away")
    status = hall.told(mine)
    assert status.state is State.SET_ASIDE
    assert "engine" not in str(as_json(status, "/"))
    hall.term.spool.retry(mine)
    assert hall.told(mine).state is State.WAITING


def test_another_students_submission_looks_like_none(hall: Hall) -> None:
    waiting, graded, buried = (hall.submitted() for _ in range(3))
    hall.term.graded(graded)
    hall.term.spool.bury(buried, "x")
    errors = set()
    for submission_id in (waiting, graded, buried, new_submission_id(), SubmissionId("../x")):
        with pytest.raises(UnknownSubmission) as error:
            hall.told(submission_id, GRACE)
        errors.add(str(error.value))
    assert len(errors) == 1


def test_staff_may_look_at_any_and_see_what_the_student_sees(hall: Hall) -> None:
    mine = hall.submitted()
    hall.term.graded(mine)
    assert hall.told(mine, STAFF) == hall.told(mine)
    assert hall.told(mine, STAFF).submitted.student == "ada"


def test_a_recorded_entry_that_was_not_moved_yet_is_told_as_recorded(hall: Hall) -> None:
    mine = hall.submitted()
    hall.term.graded(mine)
    archived = hall.term.volume / "submissions" / mine[-2:] / mine
    archived.rename(hall.term.spool.new_dir / mine)
    assert hall.told(mine).score == Score(7.5, 10.0)


def test_one_whose_spec_is_lost_is_told_without_questions(hall: Hall) -> None:
    mine = hall.submitted()
    hall.term.graded(mine)
    with hall.term.gradebook.begin() as connection:
        connection.exec_driver_sql("UPDATE autograders SET spec = '{}'")
    status = hall.told(mine)
    assert status.score == Score(7.5, 10.0)
    assert status.questions is None


def test_no_question_is_told_by_itself_where_all_have_hidden_tests(hall: Hall) -> None:
    mine = hall.submitted()
    questions = (QuestionSpec("q1", 2.0, hidden=True), QuestionSpec("q2", 3.0, hidden=True))
    hall.term.graded(mine, (1.0, 2.0), questions)
    told = hall.told(mine).questions
    assert told is not None
    assert told.shown == ()
    assert told.hidden == Score(3.0, 5.0)


# --- what is down ---------------------------------------------------------------------------------


def test_before_there_is_a_gradebook_the_spool_tells(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    hall.term.close()
    for file in hall.term.volume.glob("gradebook.db*"):
        file.unlink()
    mine = hall.submitted()
    assert hall.told(mine).state is State.WAITING
    page = hall.enquiries.list_of("ada", before=None, limit=5)
    assert page.is_complete
    assert [status.submitted.attempt for status in page.statuses] == [1]


def test_while_the_gradebook_is_out_of_reach_the_spool_tells(hall: Hall) -> None:
    waiting, graded, buried = (hall.submitted() for _ in range(3))
    hall.term.graded(graded)
    hall.term.spool.bury(buried, "x")
    hall.lose_the_gradebook()
    assert hall.told(waiting).state is State.WAITING
    assert hall.told(buried).state is State.SET_ASIDE
    status = hall.told(graded)
    assert (status.state, status.verdict, status.is_open) == (State.RECORDED, None, True)
    page = hall.enquiries.list_of("ada", before=None, limit=5)
    assert not page.is_complete
    assert [one.state for one in page.statuses] == [
        State.SET_ASIDE,
        State.RECORDED,
        State.WAITING,
    ]
    assert {one.submitted.attempt for one in page.statuses} == {None}
    with pytest.raises(UnknownSubmission):
        hall.told(waiting, GRACE)


def test_what_the_archive_lost_is_told_by_the_gradebook(hall: Hall) -> None:
    mine = hall.submitted()
    hall.term.graded(mine)
    (hall.term.volume / "submissions" / mine[-2:] / mine / "envelope.json").unlink()
    assert hall.told(mine).score == Score(7.5, 10.0)
    with pytest.raises(UnknownSubmission):
        hall.told(mine, GRACE)


def test_an_entry_whose_envelope_is_damaged_is_nobodys(hall: Hall) -> None:
    mine = hall.submitted()
    (hall.term.spool.new_dir / mine / "envelope.json").write_bytes(b"{}")
    with pytest.raises(UnknownSubmission):
        hall.told(mine)


# --- the list -------------------------------------------------------------------------------------


def test_the_list_holds_what_waits_and_what_is_recorded_newest_first(hall: Hall) -> None:
    mine = [hall.submitted() for _ in range(6)]
    hall.submitted("grace")
    for submission_id in (mine[0], mine[1], mine[4]):
        hall.term.graded(submission_id)
    hall.term.spool.bury(mine[2], "x")
    assert hall.listed() == mine[::-1]
    page = hall.enquiries.list_of("ada", before=None, limit=100)
    assert [status.submitted.attempt for status in page.statuses] == [6, 5, 4, 3, 2, 1]
    assert not page.has_more
    assert page.is_complete


def test_the_list_comes_page_by_page_without_a_gap(hall: Hall) -> None:
    mine = [hall.submitted() for _ in range(7)]
    for submission_id in mine[::2]:
        hall.term.graded(submission_id)
    seen: list[SubmissionId] = []
    has_more = True
    while has_more:
        page = hall.enquiries.list_of("ada", before=seen[-1] if seen else None, limit=3)
        seen += [status.submitted.id for status in page.statuses]
        has_more = page.has_more
    assert seen == mine[::-1]
    assert hall.listed(before=mine[0]) == []


def test_attempts_are_counted_for_each_assignment(hall: Hall) -> None:
    first, _, third = hall.submitted(), hall.submitted(key=HW02), hall.submitted()
    hall.term.graded(third)
    assert hall.told(first).submitted.attempt == 1
    assert hall.told(third).submitted.attempt == 2


def test_recorded_submissions_that_no_receipt_is_kept_of_are_listed(hall: Hall) -> None:
    batch = hall.term.submitted(is_noted=False)
    assert hall.listed() == []
    hall.term.graded(batch)
    assert hall.listed() == [batch]


def test_a_receipt_without_its_entry_is_not_listed(hall: Hall) -> None:
    mine = hall.submitted()
    (hall.term.spool.new_dir / mine).rename(hall.term.volume / "elsewhere")
    assert hall.listed() == []


def test_the_list_tells_what_the_single_submission_tells(hall: Hall) -> None:
    mine = hall.submitted()
    hall.term.failed(mine)
    (listed,) = hall.enquiries.list_of("ada", before=None, limit=5).statuses
    assert listed == hall.told(mine)
    assert listed.student_text == "Your notebook did not finish in the time it has."


def test_grades_without_a_submission_are_told_once_they_are_published(hall: Hall) -> None:
    for key in (LAB01, HW02, LATER, GONE):
        hall.term.override("ada", key, "Well argued.")
    page = hall.enquiries.list_of("ada", before=None, limit=5)
    set_by_staff = GradeTold(Score(9, 10), is_override=True, comment="Well argued.")
    assert page.given == (GivenGrade(LAB01, set_by_staff),)
    assert hall.enquiries.list_of("bob", before=None, limit=5).given == ()
    mine = hall.submitted(key=LAB01)
    assert hall.enquiries.list_of("ada", before=mine, limit=5).given == ()
    hall.term.graded(mine)
    assert hall.enquiries.list_of("ada", before=None, limit=5).given == ()
    assert hall.told(mine).grade == set_by_staff


def test_nobody_elses_are_listed(hall: Hall) -> None:
    hall.term.graded(hall.submitted("grace"))
    hall.submitted("grace")
    assert hall.listed("ada") == []
