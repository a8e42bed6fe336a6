from __future__ import annotations

import json
import logging
import os
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.errors import (
    DamagedEntry,
    DuplicateEntry,
    SpoolUnavailable,
    UnknownEntry,
)
from shared.model import SubmissionId, new_submission_id, utc_now
from shared.requests import DiscardPayload, StaffRequest
from shared.spool import Place, Spool
from shared.spool.entry import ENVELOPE_MAX_BYTES
from tests.unit.shared.spool_entries import (
    AT_ONCE,
    NOTEBOOK,
    Delivery,
    delivered,
    is_whole,
    leftovers,
    names_in,
    new_delivery,
    prepared_spool,
    whereabouts,
)
from tests.unit.shared.spool_system_calls import intercepted

if TYPE_CHECKING:
    from collections.abc import Callable
    from functools import partial
    from pathlib import Path


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def spool(volume: Path) -> Spool:
    return prepared_spool(volume)


# --- prepare --------------------------------------------------------------------------------------


def test_preparing_makes_the_folders_and_leaves_nothing_else(spool: Spool, volume: Path) -> None:
    made = sorted(str(path.relative_to(volume)) for path in volume.rglob("*"))
    assert made == ["spool", "spool/failed", "spool/new", "spool/tmp", "submissions"]
    assert spool.new_dir == volume / "spool" / "new"


def test_preparing_again_keeps_what_is_there(spool: Spool, volume: Path) -> None:
    delivery = delivered(spool)
    prepared_spool(volume)
    assert spool.pending() == [delivery.id]


def test_preparing_fails_where_a_file_stands_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("")
    with pytest.raises(SpoolUnavailable, match="prepare"):
        Spool(tmp_path).prepare()


def test_a_check_finds_a_spool_that_can_be_used_and_leaves_nothing(
    spool: Spool, volume: Path
) -> None:
    before = sorted(volume.rglob("*"))
    spool.check()
    assert sorted(volume.rglob("*")) == before


def test_a_check_does_not_make_what_went_away(spool: Spool, volume: Path) -> None:
    volume.rename(volume.with_name("away"))
    with pytest.raises(SpoolUnavailable):
        spool.check()
    assert not volume.exists()


def test_a_census_counts_the_entries_where_they_lie(spool: Spool, volume: Path) -> None:
    empty = spool.census()
    assert (empty.waiting, empty.failed, empty.being_written) == (0, 0, 0)
    assert empty.oldest_received_at is None
    assert empty.free_bytes > 0
    before = utc_now()
    deliveries = [delivered(spool) for _ in range(4)]
    spool.bury(deliveries[0].id, "why")
    spool.settle(deliveries[3].id)
    (volume / "spool" / "tmp" / "left").mkdir()
    census = spool.census()
    assert (census.waiting, census.failed, census.being_written) == (2, 1, 1)
    assert census.oldest_received_at is not None
    # to the millisecond, which is what an id knows
    assert before - timedelta(milliseconds=1) <= census.oldest_received_at <= utc_now()


def test_a_census_takes_a_damaged_id_of_a_time_that_never_comes(spool: Spool) -> None:
    (spool.new_dir / "ffffffff-ffff-7fff-bfff-ffffffffffff").mkdir()
    census = spool.census()
    assert census.waiting == 1
    assert census.oldest_received_at == datetime(9999, 12, 31, tzinfo=UTC)


def test_a_missing_volume_is_not_an_empty_spool(volume: Path) -> None:
    spool, delivery = Spool(volume), new_delivery()
    looks: list[Callable[[], object]] = [
        spool.pending,
        spool.failed,
        spool.census,
        spool.check,
        lambda: spool.deliver(delivery.envelope, delivery.notebook),
        lambda: spool.read(delivery.id),
        lambda: spool.find(delivery.id),
        lambda: spool.envelope_of(delivery.id),
        lambda: spool.settle(delivery.id),
        lambda: spool.bury(delivery.id, "why"),
        lambda: spool.retry(delivery.id),
        lambda: spool.sweep_tmp(AT_ONCE),
    ]
    for look in looks:
        with pytest.raises(SpoolUnavailable):
            look()


# --- deliver and pending --------------------------------------------------------------------------


def test_a_delivered_entry_is_pending_whole_and_readable(spool: Spool, volume: Path) -> None:
    delivery = delivered(spool)
    assert spool.pending() == [delivery.id]
    entry = spool.read(delivery.id)
    assert entry.envelope == delivery.envelope
    assert entry.notebook() == NOTEBOOK
    assert entry.directory == spool.new_dir / delivery.id
    assert names_in(entry.directory) == ["envelope.json", "submission.ipynb"]
    assert leftovers(volume) == []


def test_others_may_not_read_an_entry(spool: Spool) -> None:
    directory = spool.read(delivered(spool).id).directory
    for path in (directory, *directory.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o027 == 0


@pytest.mark.parametrize("then", ["nothing", "bury", "settle"])
def test_an_id_is_delivered_once_wherever_the_entry_went(
    spool: Spool, volume: Path, then: str
) -> None:
    delivery = delivered(spool)
    if then == "bury":
        spool.bury(delivery.id, "why")
    if then == "settle":
        spool.settle(delivery.id)
    with pytest.raises(DuplicateEntry):
        spool.deliver(delivery.envelope, delivery.notebook)
    assert leftovers(volume) == []
    assert len(whereabouts(volume, delivery.id)) == 1


def test_an_envelope_has_to_fit_its_notebook(spool: Spool, volume: Path) -> None:
    delivery = new_delivery()
    for notebook in (None, NOTEBOOK + b" ", NOTEBOOK[::-1]):
        with pytest.raises(ValueError, match="notebook"):
            spool.deliver(delivery.envelope, notebook)
    assert spool.pending() == []
    assert leftovers(volume) == []


def test_an_envelope_too_large_to_be_read_is_not_delivered(spool: Spool) -> None:
    delivery = new_delivery()
    envelope = delivery.envelope.model_copy(update={"reason": "x" * ENVELOPE_MAX_BYTES})
    with pytest.raises(ValueError, match=f"{ENVELOPE_MAX_BYTES} bytes"):
        spool.deliver(envelope, delivery.notebook)


@pytest.mark.parametrize("forged", ["../../escape", "", ".", "x" * 36])
def test_an_envelope_made_past_its_checks_is_not_delivered(spool: Spool, forged: str) -> None:
    delivery = new_delivery()
    envelope = delivery.envelope.model_copy(update={"id": forged})
    with pytest.raises(ValueError, match="id"):
        spool.deliver(envelope, delivery.notebook)


def test_pending_entries_come_oldest_first(spool: Spool) -> None:
    deliveries = [new_delivery() for _ in range(20)]
    for delivery in reversed(deliveries):
        spool.deliver(delivery.envelope, delivery.notebook)
    assert spool.pending() == [delivery.id for delivery in deliveries]


def test_twenty_thousand_entries_are_listed_without_opening_one(spool: Spool, volume: Path) -> None:
    ids = [new_submission_id() for _ in range(20_000)]
    one_file = volume / "file"  # only names count, and links to one file are made faster
    one_file.write_text("")
    for submission_id in reversed(ids):
        (spool.new_dir / submission_id).hardlink_to(one_file)
    made = []

    def around(name: str, call: partial[Any]) -> Any:
        made.append(name)
        return call()

    with intercepted(around):
        assert spool.pending() == ids
    assert made == ["listdir"]


def test_odd_names_are_ignored_and_logged_once_each(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    delivery = delivered(spool)
    odd = [str(new_submission_id()).upper(), ".DS_Store", "notes", f"{new_submission_id()}\n"]
    for name in odd:
        (spool.new_dir / name).mkdir()
    (spool.new_dir / os.fsdecode(b"\xff\xfe")).mkdir()
    with caplog.at_level(logging.WARNING):
        assert spool.pending() == [delivery.id]
        assert spool.pending() == [delivery.id]
    logged = [record.__dict__["entry_name"] for record in caplog.records]
    assert sorted(logged) == sorted(map(ascii, [*odd, "\udcff\udcfe"]))


# --- read and tries -------------------------------------------------------------------------------


def test_a_notebook_whose_entry_was_moved_meanwhile_is_unknown(spool: Spool) -> None:
    entry = spool.read(delivered(spool).id)
    spool.settle(entry.envelope.id)
    with pytest.raises(UnknownEntry):
        entry.notebook()


@pytest.mark.parametrize("text", ["", ".", "..", "../../etc", "a/b", "\0", "\udcff", "x" * 5000])
def test_a_text_that_is_no_id_never_reaches_the_disk(spool: Spool, text: str) -> None:
    odd = SubmissionId(text)
    assert spool.find(odd) is None
    assert spool.failure_of(odd) is None
    lookups: list[Callable[[], object]] = [
        lambda: spool.read(odd),
        lambda: spool.begin_try(odd),
        lambda: spool.tries(odd),
        lambda: spool.settle(odd),
        lambda: spool.bury(odd, "why"),
        lambda: spool.retry(odd),
        lambda: spool.envelope_of(odd),
    ]
    for look in lookups:
        with pytest.raises(UnknownEntry):
            look()


def test_tries_are_counted_and_survive_a_restart(spool: Spool, volume: Path) -> None:
    delivery = delivered(spool)
    assert spool.tries(delivery.id) == 0
    assert [spool.begin_try(delivery.id) for _ in range(3)] == [1, 2, 3]
    assert Spool(volume).tries(delivery.id) == 3
    assert spool.read(delivery.id).notebook() == NOTEBOOK


def test_tries_are_begun_in_new_only(spool: Spool) -> None:
    buried, settled = delivered(spool), delivered(spool)
    spool.bury(buried.id, "why")
    spool.settle(settled.id)
    for delivery in (buried, settled, new_delivery()):
        with pytest.raises(UnknownEntry):
            spool.begin_try(delivery.id)


# --- settle ---------------------------------------------------------------------------------------


def test_a_settled_entry_lies_whole_in_the_archive_with_its_tries(
    spool: Spool, volume: Path
) -> None:
    delivery = delivered(spool)
    spool.begin_try(delivery.id)
    spool.settle(delivery.id)
    archived = volume / "submissions" / delivery.id[-2:] / delivery.id
    assert whereabouts(volume, delivery.id) == [archived]
    assert is_whole(archived, delivery)
    assert spool.find(delivery.id) is Place.ARCHIVED
    assert spool.envelope_of(delivery.id) == delivery.envelope
    assert spool.tries(delivery.id) == 1


def test_the_archive_is_spread_over_many_folders(spool: Spool, volume: Path) -> None:
    for _ in range(40):
        spool.settle(delivered(spool).id)
    assert len(names_in(volume / "submissions")) > 10


def test_settling_again_is_no_error(spool: Spool, volume: Path) -> None:
    delivery = delivered(spool)
    spool.settle(delivery.id)
    spool.settle(delivery.id)
    Spool(volume).settle(delivery.id)
    assert len(whereabouts(volume, delivery.id)) == 1


def test_what_is_not_pending_is_not_settled(spool: Spool) -> None:
    buried = delivered(spool)
    spool.bury(buried.id, "why")
    for submission_id in (buried.id, new_submission_id()):
        with pytest.raises(UnknownEntry):
            spool.settle(submission_id)
    assert spool.find(buried.id) is Place.FAILED


def test_settling_never_writes_over_the_archive(spool: Spool, volume: Path) -> None:
    delivery = delivered(spool)
    archived = volume / "submissions" / delivery.id[-2:] / delivery.id
    archived.mkdir(parents=True)
    (archived / "envelope.json").write_text("the first")
    with pytest.raises(DuplicateEntry):
        spool.settle(delivery.id)
    assert (archived / "envelope.json").read_text() == "the first"
    assert spool.pending() == [delivery.id]


# --- bury, failed and retry -----------------------------------------------------------------------


def test_a_buried_entry_says_why_and_after_how_many_tries(spool: Spool, volume: Path) -> None:
    delivery = delivered(spool)
    for _ in range(5):
        spool.begin_try(delivery.id)
    before = utc_now()
    spool.bury(delivery.id, "The engine was away")
    failure = spool.failure_of(delivery.id)
    assert failure is not None
    assert spool.failed() == [failure]
    assert failure.envelope == delivery.envelope
    assert (failure.id, failure.reason, failure.tries) == (delivery.id, "The engine was away", 5)
    assert before <= failure.buried_at <= utc_now()
    assert failure.buried_at.tzinfo == UTC
    assert is_whole(volume / "spool" / "failed" / delivery.id, delivery)


def test_burying_again_keeps_the_first_reason(spool: Spool) -> None:
    delivery = delivered(spool)
    spool.bury(delivery.id, "first")
    spool.bury(delivery.id, "second")
    assert [failure.reason for failure in spool.failed()] == ["first"]


def test_a_reason_of_any_content_is_kept(spool: Spool) -> None:
    delivery = delivered(spool)
    spool.bury(delivery.id, "\udcff" + "\x01" * 100_000)
    failure = spool.failure_of(delivery.id)
    assert failure is not None
    assert failure.reason.startswith("?\x01")
    assert len(failure.reason) == 4000


def test_what_is_not_pending_is_not_buried(spool: Spool) -> None:
    settled = delivered(spool)
    spool.settle(settled.id)
    for submission_id in (settled.id, new_submission_id()):
        with pytest.raises(UnknownEntry):
            spool.bury(submission_id, "why")
    assert spool.failed() == []


def test_only_a_buried_entry_has_a_failure(spool: Spool) -> None:
    delivery = delivered(spool)
    assert spool.failure_of(delivery.id) is None
    spool.bury(delivery.id, "why")
    spool.retry(delivery.id)
    assert spool.failure_of(delivery.id) is None
    spool.settle(delivery.id)
    assert spool.failure_of(delivery.id) is None


def test_a_retried_entry_is_pending_again_and_its_tries_start_again(spool: Spool) -> None:
    delivery = delivered(spool)
    spool.begin_try(delivery.id)
    spool.begin_try(delivery.id)
    spool.bury(delivery.id, "why")
    spool.retry(delivery.id)
    assert spool.pending() == [delivery.id]
    assert spool.tries(delivery.id) == 0
    assert spool.begin_try(delivery.id) == 1
    assert spool.read(delivery.id).notebook() == NOTEBOOK
    spool.bury(delivery.id, "again")
    assert [(failure.reason, failure.tries) for failure in spool.failed()] == [("again", 1)]


def test_retrying_a_pending_entry_changes_nothing(spool: Spool) -> None:
    delivery = delivered(spool)
    spool.begin_try(delivery.id)
    spool.retry(delivery.id)
    assert spool.tries(delivery.id) == 1


def test_what_is_settled_or_unknown_is_not_retried(spool: Spool) -> None:
    settled = delivered(spool)
    spool.settle(settled.id)
    for submission_id in (settled.id, new_submission_id()):
        with pytest.raises(UnknownEntry):
            spool.retry(submission_id)


# --- sweep ----------------------------------------------------------------------------------------


def test_sweeping_removes_what_is_old_and_only_that(spool: Spool, volume: Path) -> None:
    tmp = volume / "spool" / "tmp"
    outside = volume / "outside"
    outside.mkdir()
    (outside / "file").write_text("")
    for name in ("old", "old-but-being-written", "fresh"):
        (tmp / name).mkdir()
        (tmp / name / "submission.ipynb").write_bytes(NOTEBOOK)
    (tmp / "old" / "link").symlink_to(outside)
    (tmp / "old-link").symlink_to(outside)
    (tmp / "old-file").write_text("")
    day_ago = utc_now().timestamp() - 86400
    for path in (tmp / "old" / "submission.ipynb", tmp / "old" / "link", *tmp.glob("old*")):
        os.utime(path, (day_ago, day_ago), follow_symlinks=False)

    assert spool.sweep_tmp(timedelta(hours=6)) == 3
    assert names_in(tmp) == ["fresh", "old-but-being-written"]
    assert names_in(outside) == ["file"]
    assert spool.sweep_tmp(AT_ONCE) == 2
    assert leftovers(volume) == []


# --- discard, and what staff ask for --------------------------------------------------------------


def a_request(delivery: Delivery) -> StaffRequest:
    return StaffRequest(
        id=new_submission_id(),
        action="discard",
        payload=DiscardPayload(entry=delivery.id),
        requested_by="ta",
        received_at=utc_now(),
        reason="A test upload.",
    )


def buried(spool: Spool) -> Delivery:
    delivery = delivered(spool)
    spool.bury(delivery.id, "why")
    return delivery


def test_a_discarded_entry_lies_whole_in_the_archive_with_a_note(
    spool: Spool, volume: Path
) -> None:
    delivery = buried(spool)
    spool.discard(delivery.id, requested_by="ta", reason="A test upload.")
    assert spool.find(delivery.id) is Place.ARCHIVED
    assert spool.was_discarded(delivery.id)
    (directory,) = whereabouts(volume, delivery.id)
    assert is_whole(directory, delivery)
    note = json.loads((directory / "discarded.json").read_text())
    assert (note["requested_by"], note["reason"]) == ("ta", "A test upload.")


def test_only_what_is_buried_can_be_discarded(spool: Spool) -> None:
    pending, settled = delivered(spool), delivered(spool)
    spool.settle(settled.id)
    for submission_id in (pending.id, settled.id, new_submission_id()):
        with pytest.raises(UnknownEntry):
            spool.discard(submission_id, requested_by="ta", reason="")
    assert spool.find(pending.id) is Place.NEW
    assert not spool.was_discarded(settled.id)


def test_discarding_again_is_no_error(spool: Spool) -> None:
    delivery = buried(spool)
    for _ in range(2):
        spool.discard(delivery.id, requested_by="ta", reason="why")
    assert spool.was_discarded(delivery.id)


def test_what_staff_ask_for_is_delivered_without_a_notebook_and_read_back(
    spool: Spool, volume: Path
) -> None:
    request = a_request(buried(spool))
    spool.deliver(request)
    assert spool.pending() == [request.id]
    assert spool.read_request(request.id) == request == spool.any_envelope_of(request.id)
    (directory,) = whereabouts(volume, request.id)
    assert names_in(directory) == ["envelope.json"]
    with pytest.raises(ValueError, match="no notebook"):
        spool.deliver(a_request(delivered(spool)), b"{}")


def test_a_request_is_no_submission_and_a_submission_no_request(spool: Spool) -> None:
    delivery = delivered(spool)
    request = a_request(delivery)
    spool.deliver(request)
    for read in (spool.read, spool.envelope_of):
        with pytest.raises(DamagedEntry, match="no submission"):
            read(request.id)
    with pytest.raises(DamagedEntry, match="is a submission"):
        spool.read_request(delivery.id)
