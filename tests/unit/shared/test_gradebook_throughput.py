"""How much ended lately, by the hour, found without looking through all runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.grade_policy import GradePolicy
from shared.gradebook.engine import open_reader
from shared.gradebook.record import record_run
from shared.gradebook.throughput import Throughput, throughput_by_hour, throughput_since
from shared.model import utc_now
from tests.unit.shared.gradebook_samples import ended, fresh_gradebook, graded, submitted, ungraded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

HOUR = timedelta(hours=1)


@pytest.fixture
def reader(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    writer = fresh_gradebook(tmp_path, database_url)
    for hours_ago, result in ((0, graded(5)), (0, ungraded()), (2, graded(1)), (30, graded(2))):
        at = utc_now() - hours_ago * HOUR
        run = replace(ended(result), started_at=at, finished_at=at)
        record_run(writer, submitted(f"student {hours_ago} {result.verdict}"), run, GradePolicy())
    writer.dispose()
    opened = open_reader(tmp_path, database_url)
    assert opened is not None
    yield opened
    opened.dispose()


def test_what_ended_is_counted_since_a_moment(reader: Engine) -> None:
    now = utc_now()
    assert throughput_since(reader, now - HOUR / 60) == Throughput(graded=1, without_score=1)
    assert throughput_since(reader, now - 24 * HOUR) == Throughput(graded=2, without_score=1)
    assert throughput_since(reader, now - 1000 * HOUR) == Throughput(graded=3, without_score=1)
    assert throughput_since(reader, now + HOUR) == Throughput(0, 0)


def test_it_is_counted_by_the_hour(reader: Engine) -> None:
    this_hour = utc_now().replace(minute=0, second=0, microsecond=0)
    found = throughput_by_hour(reader, this_hour - 23 * HOUR)
    assert found[this_hour] == Throughput(graded=1, without_score=1)
    assert found[this_hour - 2 * HOUR] == Throughput(graded=1, without_score=0)
    assert list(found) == sorted(found)
    assert len(found) == 2
