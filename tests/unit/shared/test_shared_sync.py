"""Sharing an fsync: nobody returns before one that began after they came, and few are done."""

from __future__ import annotations

import errno
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from shared.spool.shared_sync import SharedSync
from tests.support.processes import wait_until
from tests.unit.shared.spool_system_calls import intercepted

if TYPE_CHECKING:
    from functools import partial
    from pathlib import Path

CROWD = 6
DEADLINE_S = 20


class SlowDisk:
    """Counts fsyncs; the first waits until it is let go, and one of them may fail."""

    def __init__(self, *, fails: int = 0) -> None:
        self.let_go = threading.Event()
        self.begun = 0
        self.finished = 0
        self._fails = fails

    def around(self, name: str, call: partial[Any]) -> Any:
        if name != "fsync":
            return call()
        self.begun += 1
        number = self.begun
        if number == 1:
            assert self.let_go.wait(DEADLINE_S)
        if number == self._fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.finished = number
        return call()


def waiting_within_sync() -> int:
    """How many threads have come to share an fsync, or are about to do the one that is shared."""
    count = 0
    for frame in sys._current_frames().values():
        names = set()
        at: Any = frame
        while at is not None:
            names.add(at.f_code.co_name)
            at = at.f_back
        count += "sync" in names and bool(names & {"result", "_do"})
    return count


def crowd(folder: Path, disk: SlowDisk) -> list[BaseException | None]:
    """Come one first and the others while its fsync is under way; return what each was told."""
    shared = SharedSync(folder)
    with intercepted(disk.around), ThreadPoolExecutor(1 + CROWD) as threads:
        told = [threads.submit(shared.sync)]
        wait_until(lambda: disk.begun == 1)
        told += [threads.submit(shared.sync) for _ in range(CROWD)]
        wait_until(lambda: waiting_within_sync() == 1 + CROWD)
        assert not any(each.done() for each in told)
        disk.let_go.set()
        return [each.exception(DEADLINE_S) for each in told]


def test_all_who_come_while_an_fsync_is_under_way_share_the_next(tmp_path: Path) -> None:
    disk = SlowDisk()
    assert crowd(tmp_path, disk) == [None] * (1 + CROWD)
    assert disk.begun == 2, "one began too early for those who came later, and one does for them"


def test_a_failure_is_told_to_everyone_it_was_for_and_to_nobody_else(tmp_path: Path) -> None:
    first, *others = crowd(tmp_path, SlowDisk(fails=2))
    assert first is None
    assert [getattr(error, "errno", None) for error in others] == [errno.EIO] * CROWD
    first, *others = crowd(tmp_path, SlowDisk(fails=1))
    assert isinstance(first, OSError)
    assert others == [None] * CROWD


def test_whoever_comes_after_a_failure_gets_an_fsync_of_their_own(tmp_path: Path) -> None:
    disk = SlowDisk(fails=1)
    disk.let_go.set()
    shared = SharedSync(tmp_path)
    with intercepted(disk.around):
        with pytest.raises(OSError, match="Input/output error"):
            shared.sync()
        shared.sync()
    assert disk.finished == 2


def test_in_a_crowd_nobody_returns_before_an_fsync_that_began_after_they_came(
    tmp_path: Path,
) -> None:
    come: set[tuple[int, int]] = set()
    durable: set[tuple[int, int]] = set()
    fsyncs = 0

    def around(name: str, call: partial[Any]) -> Any:
        nonlocal fsyncs
        if name != "fsync":
            return call()
        fsyncs += 1
        there = frozenset(come)
        given = call()
        durable.update(there)
        return given

    shared = SharedSync(tmp_path)

    def come_again_and_again(who: int) -> int:
        late = 0
        for time in range(40):
            come.add((who, time))
            shared.sync()
            late += (who, time) not in durable
        return late

    with intercepted(around), ThreadPoolExecutor(CROWD) as threads:
        assert sum(threads.map(come_again_and_again, range(CROWD))) == 0
    assert 0 < fsyncs <= 40 * CROWD
