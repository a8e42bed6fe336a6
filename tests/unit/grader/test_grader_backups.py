"""The daily backup is made when it is due, and its failure is told and holds nothing up."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.backups import Backups
from shared.gradebook.backups import backups_in
from shared.model import utc_now
from tests.support.processes import wait_until
from tests.unit.shared.gradebook_samples import fresh_gradebook

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fresh_gradebook(tmp_path).dispose()
    return tmp_path / "backups"


def earlier(folder: Path, made_at: datetime) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"gradebook-{made_at:%Y%m%dT%H%M%S}Z.db"
    path.touch()
    return path


def test_one_a_day_is_made_and_the_newest_are_kept(folder: Path) -> None:
    old = [earlier(folder, utc_now() - timedelta(days=days)) for days in (1.1, 2, 3)]
    backups = Backups(folder.parent, None, folder, 3)
    backups.look()
    made = [path for _, path in backups_in(folder)]
    assert made[1:] == old[:2]
    assert backups.made_at is not None
    assert utc_now() - backups.made_at < timedelta(minutes=1)
    backups.look()
    assert [path for _, path in backups_in(folder)] == made


def test_one_from_the_future_puts_off_nothing(folder: Path) -> None:
    earlier(folder, utc_now() + timedelta(days=400))
    Backups(folder.parent, None, folder, 3).look()
    assert len(backups_in(folder)) == 2


def test_a_failure_is_told_each_time_and_ends_nothing(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("in the way")
    backups = Backups(folder.parent, None, folder, 3)
    with caplog.at_level(logging.ERROR):
        backups.look()
        backups.look()
    told = [(record.levelname, record.__dict__["action"]) for record in caplog.records]
    assert told == [("ERROR", "backup_failed")] * 2
    folder.unlink()
    backups.look()
    assert len(backups_in(folder)) == 1


def test_it_is_made_beside_the_work(folder: Path) -> None:
    backups = Backups(folder.parent, None, folder, 3)
    with backups.making():
        wait_until(lambda: backups.made_at is not None)
    assert len(backups_in(folder)) == 1


@pytest.mark.parametrize("url", [None, "postgresql://someone@somewhere/gradebook"])
def test_none_is_made_where_none_is_wanted(folder: Path, url: str | None) -> None:
    backups = Backups(folder.parent, url, None if url is None else folder, 3)
    with backups.making():
        backups.look()
    assert not folder.exists()
