from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.server.door import LARGE_BYTES
from gofer_ingest.server.errors import NotAllowed, TooManyWaiting
from shared.errors import (
    NotANotebook,
    SpoolUnavailable,
    TooLarge,
    TooMany,
    UnknownAssignment,
)
from shared.requests import Source
from tests.unit.server.doors import (
    ADA,
    GRACE,
    KEY,
    OTHER_KEY,
    REPEAT_WINDOW,
    Clock,
    a_notebook,
    index_of,
    make_door,
)

if TYPE_CHECKING:
    from pathlib import Path

    from gofer_ingest.server.door import Door


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    return tmp_path / "volume"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(volume: Path, clock: Clock) -> Door:
    made = make_door(volume, clock)
    made.spool.prepare()
    return made


def test_what_is_accepted_is_in_the_spool_as_the_receipt_says(door: Door, clock: Clock) -> None:
    receipt = door.accept(a_notebook(), ADA)
    assert door.spool.pending() == [receipt.id]
    entry = door.spool.read(receipt.id)
    assert entry.notebook() == a_notebook()
    assert entry.envelope.requested_by == "ada"
    assert entry.envelope.received_at == receipt.received_at == clock.now
    payload = entry.envelope.payload
    assert payload.key == receipt.key == KEY
    assert payload.student == "ada"
    assert payload.source is Source.DEV
    assert payload.sha256 == receipt.sha256 == hashlib.sha256(a_notebook()).hexdigest()
    assert payload.size_bytes == len(a_notebook())


def test_the_receipt_names_the_assignment_and_a_short_id(door: Door) -> None:
    receipt = door.accept(a_notebook(), ADA)
    assert "lab01" in receipt.sentence
    assert receipt.id.endswith(receipt.short_id)
    assert receipt.sentence.endswith(receipt.short_id)
    assert receipt.as_json("/s/1") == {
        "id": receipt.id,
        "sha256": receipt.sha256,
        "received_at": receipt.received_at.isoformat(),
        "status_url": "/s/1",
        "student": "ada",
        "course": "demo101",
        "section": "1",
        "assignment": "lab01",
    }


def test_what_is_rejected_leaves_nothing(door: Door, volume: Path) -> None:
    with pytest.raises(UnknownAssignment):
        door.accept(a_notebook("lab99"), ADA)
    with pytest.raises(NotANotebook):
        door.accept(b"{}", ADA)
    assert not list((volume / "spool/new").iterdir())
    assert not list((volume / "spool/tmp").iterdir())
    assert door.recent.list_of("ada") == ()


# --- the same notebook again --------------------------------------------------------------------


def test_the_same_notebook_again_gets_the_same_receipt_and_is_not_delivered_again(
    door: Door, clock: Clock
) -> None:
    first = door.accept(a_notebook(), ADA)
    clock.move(seconds=REPEAT_WINDOW.total_seconds() - 1)
    assert door.accept(a_notebook(), ADA) == first
    assert door.spool.pending() == [first.id]


def test_the_same_notebook_again_after_its_window_is_a_new_submission(
    door: Door, clock: Clock
) -> None:
    first = door.accept(a_notebook(), ADA)
    clock.now += REPEAT_WINDOW
    second = door.accept(a_notebook(), ADA)
    assert door.spool.pending() == [first.id, second.id]
    assert first.short_id != second.short_id


def test_a_repeat_is_answered_after_the_first_was_graded_or_set_aside(door: Door) -> None:
    first = door.accept(a_notebook(), ADA)
    door.spool.bury(first.id, "the engine was away")
    assert door.accept(a_notebook(), ADA) == first
    door.spool.retry(first.id)
    door.spool.settle(first.id)
    assert door.accept(a_notebook(), ADA) == first
    assert door.spool.pending() == []


def test_a_receipt_of_which_nothing_is_there_is_not_given_again(door: Door, volume: Path) -> None:
    """Such as after a backup of the spool, older than the index, was put back."""
    first = door.accept(a_notebook(), ADA)
    (volume / "spool/new" / first.id).rename(volume / "gone")
    second = door.accept(a_notebook(), ADA)
    assert second.id != first.id
    assert door.spool.pending() == [second.id]


@pytest.mark.parametrize("sent", [b'{"nb": %b}', b"\xef\xbb\xbf%b"])
def test_a_notebook_that_is_not_stored_as_sent_is_a_repeat_of_itself(
    door: Door, sent: bytes
) -> None:
    body = sent % a_notebook()
    assert door.accept(body, ADA).id == door.accept(body, ADA).id


def test_another_students_same_notebook_is_another_submission(door: Door) -> None:
    assert door.accept(a_notebook(), ADA).id != door.accept(a_notebook(), GRACE).id


def test_a_repeat_is_known_to_another_process(door: Door, volume: Path, clock: Clock) -> None:
    other = make_door(volume, clock)
    assert other.accept(a_notebook(), ADA) == door.accept(a_notebook(), ADA)


def test_a_clock_that_was_set_back_a_little_still_knows_a_repeat(door: Door, clock: Clock) -> None:
    first = door.accept(a_notebook(), ADA)
    clock.move(minutes=-5)
    assert door.accept(a_notebook(), ADA) == first


# --- how often ----------------------------------------------------------------------------------


def test_a_full_window_is_told_with_the_wait_and_leaves_nothing(door: Door, clock: Clock) -> None:
    for number in range(3):
        door.accept(a_notebook(text=str(number)), ADA)
        clock.move(minutes=1)
    with pytest.raises(TooMany) as caught:
        door.accept(a_notebook(text="one more"), ADA)
    assert str(caught.value) == (
        "You may submit lab01 3 times in 10 minutes. Try again in 7 minutes."
    )
    assert caught.value.retry_after_s == 420
    assert len(door.spool.pending()) == 3


def test_trying_again_resets_nothing(door: Door, clock: Clock) -> None:
    for number in range(3):
        door.accept(a_notebook(text=str(number)), ADA)
    for wait_s in range(599, 0, -1):
        clock.move(seconds=1)
        with pytest.raises(TooMany) as caught:
            door.accept(a_notebook(text="one more"), ADA)
        assert caught.value.retry_after_s == wait_s
    clock.move(seconds=1)
    door.accept(a_notebook(text="one more"), ADA)


def test_a_repeat_counts_nothing_and_is_answered_when_the_window_is_full(door: Door) -> None:
    for number in range(3):
        receipt = door.accept(a_notebook(text=str(number)), ADA)
        for _ in range(5):
            assert door.accept(a_notebook(text=str(number)), ADA) == receipt
    with pytest.raises(TooMany):
        door.accept(a_notebook(text="one more"), ADA)
    assert door.accept(a_notebook(text="0"), ADA).id == door.recent.list_of("ada")[-1].id


def test_each_student_and_each_assignment_has_a_window_of_its_own(door: Door) -> None:
    for number in range(3):
        door.accept(a_notebook(text=str(number)), ADA)
    door.accept(a_notebook("lab01"), GRACE)
    for number in range(20):
        assert door.accept(a_notebook("hw02", str(number)), ADA).key == OTHER_KEY


def test_a_clock_that_was_set_back_shuts_nobody_out(door: Door, clock: Clock) -> None:
    clock.move(days=400)
    for number in range(3):
        door.accept(a_notebook(text=str(number)), ADA)
    clock.move(days=-400)
    receipts = [door.accept(a_notebook(text=f"again {number}"), ADA) for number in range(3)]
    with pytest.raises(TooMany) as caught:
        door.accept(a_notebook(text="one more"), ADA)
    assert caught.value.retry_after_s == 600
    assert [recent.id for recent in door.recent.list_of("ada")[:3]] == [
        receipt.id for receipt in reversed(receipts)
    ]


# --- room ---------------------------------------------------------------------------------------


def test_a_full_queue_takes_no_more_but_answers_repeats(volume: Path, clock: Clock) -> None:
    door = make_door(volume, clock, max_waiting=2)
    door.spool.prepare()
    receipt = door.accept(a_notebook("hw02", "1"), ADA)
    door.accept(a_notebook("hw02", "2"), ADA)
    with pytest.raises(TooManyWaiting):
        door.accept(a_notebook("hw02", "3"), ADA)
    assert door.accept(a_notebook("hw02", "1"), ADA) == receipt
    assert len(door.spool.pending()) == 2
    assert len(door.recent.list_of("ada")) == 2


# --- an index that cannot be used ---------------------------------------------------------------


def test_an_index_that_cannot_be_made_costs_nobody_a_receipt(
    door: Door, volume: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index_of(volume).parent.write_text("a file in its place")
    with caplog.at_level(logging.WARNING):
        receipt = door.accept(a_notebook(), ADA)
    assert door.spool.read(receipt.id).notebook() == a_notebook()
    assert [record.__dict__["action"] for record in caplog.records] == ["receipts.unusable"]


def test_an_index_that_cannot_be_written_costs_nobody_a_receipt(
    door: Door, volume: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = door.accept(a_notebook(text="first"), ADA)
    (file,) = index_of(volume).glob("*/" + "[0-9a-f]" * 64)
    file.unlink()
    file.mkdir()
    with caplog.at_level(logging.WARNING):
        second = door.accept(a_notebook(text="second"), ADA)
    assert door.spool.pending() == [first.id, second.id]
    unread, unwritten = caplog.records
    assert unread.__dict__["action"] == "receipts.unusable"
    assert unwritten.__dict__["action"] == "receipts.unwritable"
    assert unwritten.__dict__["submission_id"] == second.id


def test_a_volume_that_went_away_is_told_as_such(door: Door, volume: Path) -> None:
    volume.rename(volume.with_name("away"))
    with pytest.raises(SpoolUnavailable):
        door.accept(a_notebook(), ADA)
    assert not volume.exists()


# --- what was signed ----------------------------------------------------------------------------


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b" "])
def test_a_body_that_is_the_signed_one_is_accepted(door: Door, before: bytes) -> None:
    body = before + a_notebook()
    signed = replace(ADA, body_sha256=hashlib.sha256(body).hexdigest())
    receipt = door.accept(body, signed)
    stored = door.spool.read(receipt.id).notebook()
    assert stored == body.removeprefix(b"\xef\xbb\xbf")
    assert receipt.sha256 == hashlib.sha256(stored).hexdigest()


@pytest.mark.parametrize("body", [a_notebook(text="another"), b"no notebook", b""])
def test_a_body_that_is_not_the_signed_one_is_refused(door: Door, body: bytes) -> None:
    signed = replace(ADA, body_sha256=hashlib.sha256(a_notebook()).hexdigest())
    with pytest.raises(NotAllowed, match="not what was signed"):
        door.accept(body, signed)
    assert door.spool.pending() == []


# --- large ones ---------------------------------------------------------------------------------


def test_large_notebooks_are_taken_and_too_many_cells_are_not(door: Door) -> None:
    large = a_notebook("hw02", "x" * LARGE_BYTES)
    for _ in range(2):  # the second shows that the first let go
        assert door.spool.read(door.accept(large, ADA).id).notebook() == large
    cells = [{"cell_type": "raw", "source": "x" * 200}] * 5001
    with pytest.raises(TooLarge, match="5001 cells"):
        door.accept(
            a_notebook().replace(
                b'"cells": [', b'"cells": %b, "x": [' % json.dumps(cells).encode()
            ),
            ADA,
        )
