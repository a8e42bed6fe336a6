from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from shared.errors import AlreadyRecorded, GradebookError
from shared.grade_policy import GradePolicy
from shared.gradebook.queries import (
    find_autograder,
    grades_of_record,
    run_of_submission,
    runs_of,
)
from shared.gradebook.record import is_recorded, record_autograder, record_run
from shared.model import (
    AttemptsPolicy,
    AutograderSpec,
    QuestionScore,
    QuestionSpec,
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
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

BEST, LATEST, FIRST = (
    GradePolicy(attempts=attempts)
    for attempts in (AttemptsPolicy.BEST, AttemptsPolicy.LATEST, AttemptsPolicy.FIRST)
)


@pytest.fixture
def engine(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    opened = fresh_gradebook(tmp_path, database_url)
    yield opened
    opened.dispose()


def grade(engine: Engine) -> float | None:
    scores = [found.score.points for found in grades_of_record(engine)]
    assert len(scores) <= 1
    return scores[0] if scores else None


def history(engine: Engine) -> list[tuple[float, bool]]:
    """Every grade there ever was, and whether it is of record."""
    rows = sql(engine, "SELECT score, superseded_at IS NULL FROM grades ORDER BY id")
    return [(score, bool(current)) for score, current in rows]


def test_what_was_recorded_is_read_back(engine: Engine) -> None:
    envelope = submitted("josé")
    assert not is_recorded(engine, envelope.id)
    run = record(engine, envelope, graded(7))
    assert is_recorded(engine, envelope.id)
    found = run_of_submission(engine, envelope.id)
    assert found is not None
    assert runs_of(engine, envelope.id) == (found,)
    assert found.run_id == run.run_id
    assert found.submission_id == envelope.id
    assert (found.reason, found.regrade_id) == (RunReason.INITIAL, None)
    assert found.applied_at is not None
    assert (found.verdict, found.score, found.points_possible) == (Verdict.GRADED, 7.0, 10.0)
    assert found.questions == (QuestionScore("q2", 7.0, 10.0), QuestionScore("q1", 0.0, 0.0))
    assert found.flags == ("cell_timeout", "output_truncated")
    assert (found.started_at, found.finished_at) == (run.started_at, run.finished_at)
    assert (found.student_text, found.log_tail) == ("Your notebook was graded.", "done\n")
    assert (found.wall_s, found.peak_memory_bytes) == (1.5, 1 << 28)
    assert (found.autograder_sha256, found.image_id) == (ZIP, "sha256:0123")
    assert (found.otter_version, found.sandbox, found.tries) == ("7.0.0", "process", 1)
    (row,) = sql(
        engine,
        "SELECT student, course, section, assignment, sha256, size_bytes, source, requested_by,"
        " received_epoch FROM submissions",
    )
    assert row[:4] == ("josé", "demo101", "fa26", "lab01")
    assert row[4:8] == ("b" * 64, 1234, "dev", "josé")
    assert row[8] == str(NOON.timestamp())
    (of_record,) = grades_of_record(engine)
    assert (of_record.run_id, of_record.submission_id) == (run.run_id, envelope.id)
    assert (of_record.student, of_record.key) == ("josé", envelope.payload.key)
    assert (of_record.score, of_record.received_at) == (Score(7, 10), NOON)


def test_a_submission_of_which_nothing_is_known_has_no_run(engine: Engine) -> None:
    assert run_of_submission(engine, new_submission_id()) is None
    assert runs_of(engine, new_submission_id()) == ()


def test_a_run_without_a_score_makes_no_grade(engine: Engine) -> None:
    envelope = submitted()
    record(engine, envelope, ungraded(Verdict.OUT_OF_MEMORY))
    assert is_recorded(engine, envelope.id)
    found = run_of_submission(engine, envelope.id)
    assert found is not None
    assert (found.verdict, found.score, found.questions) == (Verdict.OUT_OF_MEMORY, None, ())
    assert found.peak_memory_bytes is None
    assert grade(engine) is None


def test_nor_does_it_take_one_away(engine: Engine) -> None:
    record(engine, submitted(minutes=0), graded(5), LATEST)
    record(engine, submitted(minutes=1), ungraded(), LATEST)
    assert history(engine) == [(5.0, True)]


def test_a_better_run_supersedes_the_grade_and_a_worse_one_does_not(engine: Engine) -> None:
    for minutes, points in enumerate((5, 3, 8, 8, 7)):
        record(engine, submitted(minutes=minutes), graded(points))
    assert history(engine) == [(5.0, False), (8.0, True)]


@pytest.mark.parametrize(("policy", "expected"), [(BEST, 8.0), (LATEST, 6.0), (FIRST, 2.0)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_of_recording_does_not_change_the_grade(
    engine: Engine, policy: GradePolicy, expected: float, order: tuple[int, ...]
) -> None:
    points = (2, 8, 6)
    for attempt in order:
        record(engine, submitted(minutes=attempt), graded(points[attempt]), policy)
    assert grade(engine) == expected


def test_each_student_and_assignment_has_a_grade_of_its_own(engine: Engine) -> None:
    record(engine, submitted("ada"), graded(5))
    record(engine, submitted("eve"), graded(6))
    record(engine, submitted("ada", assignment="hw02"), graded(7))
    record(engine, submitted("ada", section="sp27"), graded(8))
    record(engine, submitted("ada", course="other"), graded(9))
    assert [found.score.points for found in grades_of_record(engine)] == [7, 5, 6, 8, 9]


def test_a_second_recording_is_refused_and_changes_nothing(engine: Engine) -> None:
    envelope = submitted()
    record(engine, envelope, graded(5))
    with pytest.raises(AlreadyRecorded):
        record(engine, envelope, graded(10))
    assert history(engine) == [(5.0, True)]
    assert sql(engine, "SELECT count(*) FROM question_scores") == [(2,)]


def test_a_run_is_not_recorded_for_another_submission_as_well(engine: Engine) -> None:
    run = record(engine, submitted(), graded(5))
    with pytest.raises(AlreadyRecorded):
        record_run(engine, submitted(), run, BEST)
    assert sql(engine, "SELECT count(*) FROM submissions") == [(1,)]


def test_a_regrade_changes_no_grade_until_it_is_applied(engine: Engine) -> None:
    envelope = submitted()
    record(engine, envelope, graded(5))
    run = ended(graded(9), RunReason.REGRADE, "regrade-1")
    record_run(engine, envelope, run, BEST)
    with pytest.raises(AlreadyRecorded):
        record_run(engine, envelope, replace(run, run_id=ended(graded(1)).run_id), BEST)
    assert grade(engine) == 5.0
    assert [found.applied_at is None for found in runs_of(engine, envelope.id)] == [False, True]
    counted = run_of_submission(engine, envelope.id)
    assert counted is not None
    assert counted.score == 5.0


def test_a_regrade_alone_does_not_make_a_submission_recorded(engine: Engine) -> None:
    envelope = submitted()
    record_run(engine, envelope, ended(graded(9), RunReason.REGRADE, "regrade-1"), BEST)
    assert not is_recorded(engine, envelope.id)
    record(engine, envelope, graded(4))
    assert grade(engine) == 4.0


def test_only_a_regrade_names_one() -> None:
    for reason, regrade_id in ((RunReason.INITIAL, "r"), (RunReason.REGRADE, None)):
        with pytest.raises(ValueError, match="belongs to a regrade"):
            ended(graded(1), reason, regrade_id)


def test_what_the_rules_refuse_leaves_nothing_behind(engine: Engine) -> None:
    envelope = submitted()
    impossible = replace(graded(5), questions=(QuestionScore("q", 2, 1),))
    with pytest.raises(GradebookError, match="by its own rules") as refused:
        record(engine, envelope, impossible)
    assert not isinstance(refused.value, AlreadyRecorded)
    assert sql(engine, "SELECT count(*) FROM submissions") == [(0,)]
    record(engine, envelope, graded(5))


def test_text_from_a_notebook_never_keeps_a_run_from_being_recorded(engine: Engine) -> None:
    envelope = submitted()
    record(engine, envelope, replace(graded(5), log_tail="\udcff\0 '; DROP TABLE grades; --"))
    found = run_of_submission(engine, envelope.id)
    assert found is not None
    assert found.log_tail == "\ufffd\ufffd '; DROP TABLE grades; --"


@pytest.mark.sqlite
def test_a_gradebook_that_stays_locked_is_told_in_plain_words(
    engine: Engine, tmp_path: Path
) -> None:
    @event.listens_for(engine, "connect")
    def impatient(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA busy_timeout = 20")

    engine.dispose()
    envelope = submitted()
    with closing(sqlite3.connect(tmp_path / "gradebook.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(GradebookError, match="another program keeps it locked"):
            record(engine, envelope, graded(5))
        assert not is_recorded(engine, envelope.id)  # reading needs no lock
        other.execute("ROLLBACK")
    record(engine, envelope, graded(5))
    assert is_recorded(engine, envelope.id)


@pytest.mark.sqlite
def test_a_full_disk_is_told_in_plain_words_and_quotes_no_row(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def small(connection: sqlite3.Connection, _: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    engine.dispose()
    with pytest.raises(GradebookError, match="the disk is full") as full:
        record(engine, submitted(), replace(graded(5), log_tail="secret" * 10_000))
    assert "secret" not in f"{full.value} {full.value.__cause__}"
    assert sql(engine, "SELECT count(*) FROM submissions") == [(0,)]


SPEC = AutograderSpec(
    sha256=ZIP,
    questions=(QuestionSpec("q1", 2.5, hidden=True), QuestionSpec("q2", 0.0, hidden=False)),
    points_possible=2.5,
    score_threshold=0.8,
    plugins=("otter.plugins.builtin.RateLimiting",),
    requirements=("numpy",),
    problems=("tests/q3.py cannot be read",),
    otter_version="7.0.0",
)


def test_an_inspected_zip_is_found_by_its_digest_and_image(engine: Engine) -> None:
    assert find_autograder(engine, ZIP, "image-1") is None
    record_autograder(engine, SPEC, "image-1")
    assert find_autograder(engine, ZIP, "image-1") == SPEC
    assert find_autograder(engine, ZIP, "image-2") is None
    ((problems,),) = sql(engine, "SELECT problems FROM autograders")
    assert json.loads(problems) == ["tests/q3.py cannot be read"]


def test_a_zip_inspected_again_is_as_it_was_found_last(engine: Engine) -> None:
    record_autograder(engine, SPEC, "image-1")
    mended = replace(SPEC, problems=(), missing=("scipy",))
    record_autograder(engine, mended, "image-1")
    assert find_autograder(engine, ZIP, "image-1") == mended


def test_a_spec_of_another_form_is_as_good_as_none(engine: Engine) -> None:
    record_autograder(engine, SPEC, "image-1")
    sql(engine, """UPDATE autograders SET spec = '{"sha256": "x"}'""")
    assert find_autograder(engine, ZIP, "image-1") is None
