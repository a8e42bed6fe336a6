from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gofer_ingest.server import queue_view
from gofer_ingest.server.queue_view import Queue, QueueView
from shared.errors import SpoolUnavailable
from shared.model import new_submission_id, utc_now
from shared.queue_snapshot import QueueSnapshot
from shared.spool import Spool
from tests.support.told import Term

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def term(tmp_path: Path) -> Iterator[Term]:
    made = Term(tmp_path / "volume")
    yield made
    made.close()


def test_those_that_came_before_are_ahead_unless_they_run() -> None:
    ids = tuple(new_submission_id() for _ in range(5))
    now = utc_now()
    snapshot = QueueSnapshot(written_at=now, concurrency=2, running=ids[:2])
    queue = Queue(ids, snapshot)
    assert [queue.ahead_of(one, now) for one in ids] == [0, 0, 0, 1, 2]
    assert queue.ahead_of(new_submission_id(), now) == 3
    assert Queue(ids, None).ahead_of(ids[3], now) == 3


def test_what_was_running_and_is_settled_by_now_is_not_taken_off_twice() -> None:
    settled, waiting, last = (new_submission_id() for _ in range(3))
    now = utc_now()
    snapshot = QueueSnapshot(written_at=now, concurrency=2, running=(settled,))
    assert Queue((waiting, last), snapshot).ahead_of(last, now) == 1


def test_the_spool_is_listed_once_a_second_at_most(
    term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_view, "KEPT_FOR_S", 3600.0)
    view = QueueView(term.volume, term.spool)
    first = term.submitted()
    assert view.look().pending == (first,)
    term.submitted()
    assert view.look().pending == (first,)
    monkeypatch.setattr(queue_view, "KEPT_FOR_S", -1.0)
    assert len(view.look().pending) == 2


def test_the_snapshot_is_read_beside_it(term: Term) -> None:
    assert QueueView(term.volume, term.spool).look().snapshot is None
    term.announced()
    assert QueueView(term.volume, term.spool).look().snapshot is not None


def test_a_spool_that_is_away_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SpoolUnavailable):
        QueueView(tmp_path, Spool(tmp_path)).look()
