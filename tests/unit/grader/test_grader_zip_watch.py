"""A zip that changes on disk is told to staff, with how many grades it touches; nothing else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gofer_ingest.grader.zip_watch import ZipWatch, watching_zips
from shared.catalogue import Catalogue
from shared.errors import GradebookError
from tests.support.processes import wait_until
from tests.unit.grader.grading_room import KEY

if TYPE_CHECKING:
    import pytest

    from tests.unit.grader.grading_room import Room


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, int]]:
    """The assignments that were told of, and how many grades of each."""
    return [
        (vars(record)["assignment"], vars(record)["grades"])
        for record in caplog.records
        if getattr(record, "action", "") == "zip_changed"
    ]


def watch(room: Room) -> ZipWatch:
    return ZipWatch(room.gradebook, Catalogue([room.assignment]))


def test_a_change_is_told_once_and_regrades_nothing(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.work_until_settled(room.submitted(), room.submitted())
    watching = watch(room)
    watching.look()
    assert told(caplog) == []
    room.zip_path.write_bytes(b"zip 2, mended")
    for _ in range(3):
        watching.look()
    assert told(caplog) == [(str(KEY), 2)]
    assert len(room.sandbox.jobs) == 2
    room.zip_path.write_bytes(b"zip 3, mended again")
    watching.look()
    assert told(caplog) == [(str(KEY), 2)] * 2


def test_a_file_that_is_written_anew_with_the_same_bytes_is_no_change(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.work_until_settled(room.submitted())
    watching = watch(room)
    watching.look()
    other = room.zip_path.with_name("copy.zip")
    other.write_bytes(room.zip_path.read_bytes())
    other.replace(room.zip_path)
    watching.look()
    assert told(caplog) == []


def test_a_change_while_the_grader_was_down_is_told_at_its_start(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.work_until_settled(room.submitted())
    room.zip_path.write_bytes(b"zip 2, mended")
    caplog.set_level(logging.WARNING)
    with watching_zips(room.gradebook, Catalogue([room.assignment]), every_s=60):
        wait_until(lambda: told(caplog) == [(str(KEY), 1)])


def test_a_zip_that_is_away_is_told_of_once_it_is_back(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.work_until_settled(room.submitted())
    room.zip_path.unlink()
    watching = watch(room)
    watching.look()
    room.zip_path.write_bytes(b"zip 2")
    watching.look()
    assert told(caplog) == [(str(KEY), 1)]


def test_a_gradebook_that_is_away_only_delays_it(
    room: Room, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.work_until_settled(room.submitted())
    room.zip_path.write_bytes(b"zip 2")
    real, left = ZipWatch.look, [GradebookError("Locked.")] * 2

    def locked(watching: ZipWatch) -> None:
        if left:
            raise left.pop()
        real(watching)

    monkeypatch.setattr(ZipWatch, "look", locked)
    with watching_zips(room.gradebook, Catalogue([room.assignment]), every_s=0.01):
        wait_until(lambda: told(caplog) == [(str(KEY), 1)])
