from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.grade_policy import GradePolicy
from shared.gradebook.engine import open_gradebook, open_reader
from shared.gradebook.history import history_of, question_scores, student_of
from shared.gradebook.record import record_run
from shared.model import (
    AssignmentKey,
    QuestionScore,
    RunReason,
    Score,
    Verdict,
    new_submission_id,
)
from tests.unit.shared.gradebook_samples import (
    NOON,
    ZIP,
    ended,
    fresh_gradebook,
    graded,
    record,
    sql,
    submitted,
    ungraded,
    write_old_gradebook,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from shared.gradebook.history import RecordedSubmission
    from shared.model import SubmissionId

LAB = AssignmentKey("demo101", "fa26", "lab01")
HW = AssignmentKey("demo101", "fa26", "hw02")


@pytest.fixture
def engine(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    opened = fresh_gradebook(tmp_path, database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def reader(engine: Engine, tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    opened = open_reader(tmp_path, database_url)
    assert opened is not None
    yield opened
    opened.dispose()


def page(
    reader: Engine, student: str = "ada", *, before: SubmissionId | None = None, limit: int = 100
) -> tuple[RecordedSubmission, ...]:
    return history_of(reader, student, unrecorded={}, before=before, limit=limit).submissions


def test_nobody_has_sent_anything_yet(reader: Engine) -> None:
    assert page(reader) == ()
    assert student_of(reader, new_submission_id()) is None


def test_a_submission_is_told_with_the_run_that_counts(engine: Engine, reader: Engine) -> None:
    envelope = submitted("josé", minutes=3)
    run = record(engine, envelope, graded(7.5))
    (found,) = page(reader, "josé")
    assert (found.id, found.student, found.key) == (envelope.id, "josé", LAB)
    assert found.received_at == envelope.received_at
    assert found.sha256 == envelope.payload.sha256
    assert found.result is not None
    assert found.result.run_id == run.run_id
    assert found.result.verdict is Verdict.GRADED
    assert found.result.score == Score(7.5, 10.0)
    assert found.result.student_text == "Your notebook was graded."
    assert found.result.autograder_sha256 == ZIP
    assert found.result.image_id == "sha256:0123"
    assert found.result.finished_at > NOON
    assert student_of(reader, envelope.id) == "josé"


def test_nothing_that_is_for_staff_alone_is_read(engine: Engine, reader: Engine) -> None:
    record(engine, submitted(), ungraded())
    told = repr(page(reader))
    assert "Your notebook took too long." in told
    assert "Killed after" not in told
    record(engine, submitted(), graded(1))
    assert "output_truncated" not in repr(page(reader))


def test_a_run_without_a_score_is_told_by_its_verdict(engine: Engine, reader: Engine) -> None:
    record(engine, submitted(), ungraded(Verdict.CRASHED))
    (found,) = page(reader)
    assert found.result is not None
    assert found.result.verdict is Verdict.CRASHED
    assert found.result.score is None


def test_the_newest_come_first_page_by_page(engine: Engine, reader: Engine) -> None:
    ids = [submitted(minutes=number) for number in range(7)]
    for envelope in ids:
        record(engine, envelope, graded(1))
        record(engine, submitted("grace"), graded(1))
    newest_first = [envelope.id for envelope in reversed(ids)]
    seen: list[SubmissionId] = []
    while rows := page(reader, before=seen[-1] if seen else None, limit=3):
        assert len(rows) <= 3
        seen += [row.id for row in rows]
    assert seen == newest_first


def test_attempts_are_counted_for_each_assignment_by_itself(engine: Engine, reader: Engine) -> None:
    for assignment in ("lab01", "hw02", "lab01", "lab01"):
        record(engine, submitted(assignment=assignment), graded(1))
        record(engine, submitted("grace", assignment=assignment), graded(1))
    record(engine, submitted(section="sp27"), graded(1))
    told = [(row.key.section, row.key.assignment, row.attempt) for row in page(reader)]
    assert told == [
        ("sp27", "lab01", 1),
        ("fa26", "lab01", 3),
        ("fa26", "lab01", 2),
        ("fa26", "hw02", 1),
        ("fa26", "lab01", 1),
    ]
    assert [row.attempt for row in page(reader, limit=2)] == [1, 3]


def test_one_submission_can_be_asked_for(engine: Engine, reader: Engine) -> None:
    envelopes = [submitted(), submitted(), submitted()]
    for envelope in envelopes:
        record(engine, envelope, graded(1))
    wanted = envelopes[1].id
    history = history_of(reader, "ada", unrecorded={}, limit=1, only=wanted)
    assert [(row.id, row.attempt) for row in history.submissions] == [(wanted, 2)]
    assert history_of(reader, "grace", unrecorded={}, limit=1, only=wanted).submissions == ()


def test_for_what_is_not_recorded_it_tells_how_many_came_before(
    engine: Engine, reader: Engine
) -> None:
    first, waiting, last = submitted(), submitted(), submitted()
    for envelope in (first, last, submitted("grace"), submitted(assignment="hw02")):
        record(engine, envelope, graded(1))
    other = new_submission_id()
    history = history_of(
        reader, "ada", unrecorded={waiting.id: LAB, last.id: LAB, other: HW}, limit=10
    )
    assert history.before == {waiting.id: 1, other: 1}


def test_a_regrade_counts_once_it_is_applied(engine: Engine, reader: Engine) -> None:
    envelope = submitted()
    record(engine, envelope, graded(4))
    again = ended(graded(9), RunReason.REGRADE, "r" * 36)
    record_run(engine, envelope, again, GradePolicy())

    def score() -> Score | None:
        (row,) = page(reader)
        assert row.result is not None
        return row.result.score

    assert score() == Score(4, 10)
    sql(
        engine,
        "UPDATE grading_runs SET applied_at = '2030-01-01T00:00:00.000000Z' "
        "WHERE regrade_id IS NOT NULL",
    )
    assert score() == Score(9, 10)


def test_a_submission_whose_only_run_does_not_count_has_no_result(
    engine: Engine, reader: Engine
) -> None:
    again = ended(graded(9), RunReason.REGRADE, "r" * 36)
    record_run(engine, submitted(), again, GradePolicy())
    (row,) = page(reader)
    assert row.result is None


def test_questions_come_in_the_zips_order(engine: Engine, reader: Engine) -> None:
    run = record(engine, submitted(), graded(3))
    assert question_scores(reader, run.run_id) == (
        QuestionScore("q2", 3.0, 10.0),
        QuestionScore("q1", 0.0, 0.0),
    )
    assert question_scores(reader, record(engine, submitted(), ungraded()).run_id) == ()


def test_classic_grades_are_told_without_a_notebook(tmp_path: Path) -> None:
    write_old_gradebook(tmp_path / "gradebook.db", [("ada", 0.5, "1", "lab01", "1600000000.5")])
    open_gradebook(tmp_path).dispose()
    reader = open_reader(tmp_path)
    assert reader is not None
    (row,) = page(reader)
    assert row.sha256 is None
    assert row.result is not None
    assert row.result.autograder_sha256 is None
    assert row.result.score is not None
    assert row.result.score.fraction == 0.5
    reader.dispose()
