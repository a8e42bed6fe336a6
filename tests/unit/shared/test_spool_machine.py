"""The spool against a model of itself, under any order of its verbs."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from shared.errors import DuplicateEntry, UnknownEntry
from shared.model import SubmissionId, new_submission_id
from shared.spool import Place, Spool
from tests.unit.shared.spool_entries import (
    AT_ONCE,
    Delivery,
    is_whole,
    leftovers,
    new_delivery,
    prepared_spool,
    whereabouts,
)


@dataclass
class Modelled:
    """What the model knows of one entry."""

    delivery: Delivery
    place: Place = Place.NEW
    tries: int = 0
    reason: str = ""
    tries_at_burial: int = 0


class SpoolMachine(RuleBasedStateMachine):
    entries = Bundle("entries")

    def __init__(self) -> None:
        super().__init__()
        self.volume = Path(tempfile.mkdtemp(prefix="spool-machine-"))
        self.model: dict[SubmissionId, Modelled] = {}

    @initialize()
    def prepare(self) -> None:
        self.spool = prepared_spool(self.volume)

    def teardown(self) -> None:
        shutil.rmtree(self.volume)

    @rule(target=entries, notebook=st.binary(max_size=2000))
    def deliver(self, notebook: bytes) -> SubmissionId:
        delivery = new_delivery(notebook)
        self.spool.deliver(delivery.envelope, notebook)
        self.model[delivery.id] = Modelled(delivery)
        return delivery.id

    @rule(target=entries)
    def know_an_id_nobody_delivered(self) -> SubmissionId:
        return new_submission_id()

    @rule(submission_id=entries)
    def deliver_again(self, submission_id: SubmissionId) -> None:
        if known := self.model.get(submission_id):
            with pytest.raises(DuplicateEntry):
                self.spool.deliver(known.delivery.envelope, known.delivery.notebook)

    @rule(submission_id=entries)
    def read(self, submission_id: SubmissionId) -> None:
        if known := self.known(submission_id, Place.NEW):
            entry = self.spool.read(submission_id)
            assert entry.envelope == known.delivery.envelope
            assert entry.notebook() == known.delivery.notebook
        else:
            with pytest.raises(UnknownEntry):
                self.spool.read(submission_id)

    @rule(submission_id=entries)
    def begin_try(self, submission_id: SubmissionId) -> None:
        if known := self.known(submission_id, Place.NEW):
            known.tries += 1
            assert self.spool.begin_try(submission_id) == known.tries
        else:
            with pytest.raises(UnknownEntry):
                self.spool.begin_try(submission_id)

    @rule(submission_id=entries)
    def settle(self, submission_id: SubmissionId) -> None:
        if known := self.known(submission_id, Place.NEW, Place.ARCHIVED):
            self.spool.settle(submission_id)
            known.place = Place.ARCHIVED
        else:
            with pytest.raises(UnknownEntry):
                self.spool.settle(submission_id)

    @rule(submission_id=entries, reason=st.text(max_size=40))
    def bury(self, submission_id: SubmissionId, reason: str) -> None:
        if known := self.known(submission_id, Place.NEW, Place.FAILED):
            self.spool.bury(submission_id, reason)
            if known.place is Place.NEW:
                known.place = Place.FAILED
                known.reason, known.tries_at_burial = reason, known.tries
        else:
            with pytest.raises(UnknownEntry):
                self.spool.bury(submission_id, reason)

    @rule(submission_id=entries)
    def retry(self, submission_id: SubmissionId) -> None:
        if known := self.known(submission_id, Place.FAILED, Place.NEW):
            self.spool.retry(submission_id)
            if known.place is Place.FAILED:
                known.place, known.tries = Place.NEW, 0
        else:
            with pytest.raises(UnknownEntry):
                self.spool.retry(submission_id)

    @rule()
    def restart(self) -> None:
        self.spool = Spool(self.volume)
        self.spool.prepare()
        assert self.spool.sweep_tmp(AT_ONCE) == 0

    @invariant()
    def lists_are_right(self) -> None:
        assert self.spool.pending() == self.ids_in(Place.NEW)
        failures = self.spool.failed()
        assert [failure.id for failure in failures] == self.ids_in(Place.FAILED)
        for failure in failures:
            known = self.model[failure.id]
            assert failure.envelope == known.delivery.envelope
            assert (failure.reason, failure.tries) == (known.reason, known.tries_at_burial)

    @rule(submission_id=entries)
    def look(self, submission_id: SubmissionId) -> None:
        if known := self.model.get(submission_id):
            assert self.spool.find(submission_id) is known.place
            assert self.spool.envelope_of(submission_id) == known.delivery.envelope
            assert self.spool.tries(submission_id) == known.tries
        else:
            assert self.spool.find(submission_id) is None
            with pytest.raises(UnknownEntry):
                self.spool.envelope_of(submission_id)

    @invariant()
    def every_entry_lies_whole_in_one_place(self) -> None:
        for submission_id, known in self.model.items():
            (directory,) = whereabouts(self.volume, submission_id)
            assert is_whole(directory, known.delivery)
        assert leftovers(self.volume) == []

    def known(self, submission_id: SubmissionId, *places: Place) -> Modelled | None:
        entry = self.model.get(submission_id)
        return entry if entry and entry.place in places else None

    def ids_in(self, place: Place) -> list[SubmissionId]:
        return sorted(
            submission_id for submission_id, known in self.model.items() if known.place is place
        )


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
