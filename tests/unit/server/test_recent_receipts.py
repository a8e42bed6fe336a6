from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer_ingest.server.recent_receipts import (
    KEPT,
    KEPT_AT_MOST,
    RecentReceipt,
    RecentReceipts,
    StudentsReceipts,
)
from gofer_ingest.server.small_files import file_name
from shared.model import AssignmentKey, Sha256, new_submission_id

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 12, 1, 18, tzinfo=UTC)
KEY = AssignmentKey("demo101", "1", "lab01")
HOUR = timedelta(hours=1)


@pytest.fixture
def recent(tmp_path: Path) -> RecentReceipts:
    return RecentReceipts(tmp_path / "index" / "receipts", HOUR)


def a_receipt(at: datetime = NOW, digit: str = "a", key: AssignmentKey = KEY) -> RecentReceipt:
    return RecentReceipt(new_submission_id(), key, Sha256(digit * 64), at)


def note(recent: RecentReceipts, student: str, *receipts: RecentReceipt) -> None:
    for receipt in receipts:
        with recent.locked(student) as given:
            given.note(receipt)


def file_of(tmp_path: Path, student: str) -> Path:
    called = file_name(student)
    return tmp_path / "index" / "receipts" / called[:2] / called


def test_receipts_are_kept_as_they_are_and_listed_newest_first(recent: RecentReceipts) -> None:
    odd = AssignmentKey("Übung", "1/2", 'a"b')
    noted = [a_receipt(), a_receipt(NOW + timedelta(microseconds=1), "b", odd), a_receipt()]
    note(recent, "josé", *noted)
    assert recent.list_of("josé") == tuple(reversed(noted))
    assert recent.list_of("ada") == ()


def test_the_order_is_that_of_giving_whatever_the_clock_said(recent: RecentReceipts) -> None:
    noted = [a_receipt(NOW), a_receipt(NOW - HOUR), a_receipt(NOW + HOUR)]
    note(recent, "ada", *noted)
    assert recent.list_of("ada") == tuple(reversed(noted))


def test_a_file_that_grows_keeps_the_last_ones_and_those_that_a_window_needs(
    recent: RecentReceipts,
) -> None:
    old = [a_receipt(NOW - 2 * HOUR) for _ in range(250)]
    needed = [a_receipt(NOW - HOUR + timedelta(seconds=1)) for _ in range(20)]
    latest = [a_receipt() for _ in range(KEPT)]
    note(recent, "ada", *old, *needed, *latest)
    kept = [*needed, *latest]
    listed = recent.list_of("ada")
    assert listed[: len(kept)] == tuple(reversed(kept))
    assert len(listed) <= 2 * len(kept)


def test_there_is_an_end_to_what_is_kept(recent: RecentReceipts, tmp_path: Path) -> None:
    note(recent, "ada", a_receipt())
    file_of(tmp_path, "ada").write_bytes(a_line() * 2 * KEPT_AT_MOST)
    note(recent, "ada", one_more := a_receipt())
    listed = recent.list_of("ada")
    assert len(listed) == KEPT_AT_MOST
    assert listed[0] == one_more


def a_line(**changes: str) -> bytes:
    row = {
        "id": new_submission_id(),
        "course": "c",
        "section": "s",
        "assignment": "a",
        "sha256": "0" * 64,
        "received_at": NOW.isoformat(),
    }
    return json.dumps(list((row | changes).values())).encode() + b"\n"


@pytest.mark.parametrize(
    "damage",
    [
        b"\n",
        b"{\n",
        b"null\n",
        b"[]\n",
        b"[1, 2, 3, 4, 5, 6]\n",
        b"\x00" * 4096 + b"\n",
        b"[" * 5000 + b"\n",
        b'["' + b"x" * 20 + b"\n",
        a_line(id="x"),
        a_line(sha256="x"),
        a_line(received_at="2026-12-01T18:00"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_damaged_of_a_file_is_left_out_and_logged(
    recent: RecentReceipts,
    tmp_path: Path,
    damage: bytes,
    caplog: pytest.LogCaptureFixture,
    *,
    is_first: bool,
) -> None:
    note(recent, "ada", *(whole := [a_receipt() for _ in range(3)]))
    path = file_of(tmp_path, "ada")
    content = path.read_bytes()
    path.write_bytes(damage + content if is_first else content + damage)
    with caplog.at_level(logging.WARNING):
        assert recent.list_of("ada") == tuple(reversed(whole))
    (record,) = caplog.records
    assert record.__dict__["action"] == "receipts.damaged"
    assert (record.__dict__["damaged"], record.__dict__["understood"]) == (1, 3)
    caplog.clear()
    note(recent, "ada", again := a_receipt())
    caplog.clear()
    assert recent.list_of("ada") == (again, *reversed(whole))
    assert caplog.records == []  # it was mended


@pytest.mark.parametrize("kept_bytes", [0, 1, 100, -2, -1])
def test_a_line_whose_writer_was_killed_is_not_there_and_in_nobodys_way(
    recent: RecentReceipts, tmp_path: Path, kept_bytes: int
) -> None:
    note(recent, "ada", first := a_receipt())
    path = file_of(tmp_path, "ada")
    content = path.read_bytes()
    path.write_bytes(content + content[:kept_bytes])
    assert recent.list_of("ada") == (first,)
    note(recent, "ada", *(more := [a_receipt(), a_receipt()]))
    assert recent.list_of("ada") == (*reversed(more), first)


def test_a_file_that_cannot_be_read_counts_as_empty_and_is_logged(
    recent: RecentReceipts, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    note(recent, "ada", a_receipt())
    path = file_of(tmp_path, "ada")
    path.unlink()
    os.mkfifo(path)
    with caplog.at_level(logging.WARNING):
        assert recent.list_of("ada") == ()
    assert [record.__dict__["action"] for record in caplog.records] == ["receipts.unusable"]
    note(recent, "ada", again := a_receipt())
    assert recent.list_of("ada") == (again,)


def test_an_index_that_was_deleted_is_made_again(recent: RecentReceipts, tmp_path: Path) -> None:
    note(recent, "ada", a_receipt())
    (tmp_path / "index").rename(tmp_path / "gone")
    assert recent.list_of("ada") == ()
    note(recent, "ada", again := a_receipt())
    assert recent.list_of("ada") == (again,)


@given(
    st.lists(st.tuples(st.integers(-1000, 1000), st.sampled_from("abc")), max_size=8),
    st.integers(-1000, 1000),
    st.integers(0, 1000),
)
def test_a_repeat_is_the_last_receipt_for_the_same_bytes_within_the_window(
    given_at: list[tuple[int, str]], now_s: int, within_s: int
) -> None:
    receipts = tuple(a_receipt(NOW + timedelta(seconds=at_s), digit) for at_s, digit in given_at)
    now = NOW + timedelta(seconds=now_s)
    found = StudentsReceipts(None, receipts, HOUR).repeated(
        KEY, Sha256("a" * 64), now=now, within=timedelta(seconds=within_s)
    )
    same = [
        receipt
        for receipt, (at_s, digit) in zip(receipts, given_at, strict=True)
        if digit == "a" and abs(now_s - at_s) < within_s
    ]
    assert found is (same[-1] if same else None)


def test_the_same_bytes_for_another_assignment_are_no_repeat() -> None:
    receipts = (a_receipt(),)
    other = AssignmentKey("demo101", "2", "lab01")
    found = StudentsReceipts(None, receipts, HOUR).repeated(
        other, Sha256("a" * 64), now=NOW, within=HOUR
    )
    assert found is None
