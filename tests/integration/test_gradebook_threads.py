from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from shared.errors import AlreadyRecorded
from shared.gradebook.engine import open_gradebook, open_reader
from shared.gradebook.queries import classic_rows, counts, grades_of_record
from tests.unit.shared.gradebook_samples import graded, record, sql, submitted

if TYPE_CHECKING:
    from pathlib import Path

    from shared.requests import Envelope

THREADS = 8
RUNS = 200
STUDENTS = 20


@pytest.fixture
def database_url() -> str | None:
    return None


def test_threads_that_record_at_once_lose_nothing_and_readers_see_only_whole_states(
    tmp_path: Path, database_url: str | None
) -> None:
    engine = open_gradebook(tmp_path, database_url)
    reader = open_reader(tmp_path, database_url)
    assert reader is not None
    envelopes = [submitted(f"student{n % STUDENTS}", minutes=n) for n in range(RUNS)]
    is_done = threading.Event()
    seen: list[int] = []

    def read_on() -> None:
        while not is_done.is_set():
            with reader.connect() as connection:
                (halves,) = connection.exec_driver_sql(
                    "SELECT count(*) FROM grading_runs AS r WHERE"
                    " (SELECT count(*) FROM question_scores AS q WHERE q.run_id = r.id) <> 2"
                ).one()
                assert halves == 0
            of_students = [grade.student for grade in grades_of_record(reader)]
            assert len(of_students) == len(set(of_students))
            seen.append(len(list(classic_rows(reader))))

    with ThreadPoolExecutor(THREADS + 1) as threads:
        reading = threads.submit(read_on)
        recorded = [
            threads.submit(record, engine, envelope, graded(number % 11))
            for number, envelope in enumerate(envelopes)
        ]
        for future in recorded:
            future.result(timeout=60)
        is_done.set()
        reading.result(timeout=60)

    assert seen == sorted(seen)
    assert counts(reader).submissions == RUNS
    best = {
        f"student{student}": max(n % 11 for n in range(student, RUNS, STUDENTS))
        for student in range(STUDENTS)
    }
    assert {grade.student: grade.score.points for grade in grades_of_record(reader)} == best
    assert len(sql(engine, "SELECT 1 FROM grades WHERE superseded_at IS NULL")) == STUDENTS
    reader.dispose()
    engine.dispose()


def test_of_two_that_record_one_submission_at_once_one_is_told_so(
    tmp_path: Path, database_url: str | None
) -> None:
    engine = open_gradebook(tmp_path, database_url)
    for _ in range(10):
        envelope = submitted()
        together = threading.Barrier(2)

        def record_it(
            points: int, together: threading.Barrier = together, envelope: Envelope = envelope
        ) -> bool:
            together.wait(timeout=10)
            try:
                record(engine, envelope, graded(points))
            except AlreadyRecorded:
                return False
            return True

        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(record_it, (3, 4))) == [False, True]
    assert counts(engine).submissions == 10
    engine.dispose()
