from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.server.door import Door
from gofer_ingest.server.identity import Person
from shared.catalogue import Assignment, Catalogue
from shared.errors import NotANotebook, UnknownAssignment
from shared.model import (
    AssignmentKey,
    AttemptsPolicy,
    Limits,
    utc_now,
)
from shared.requests import Source
from shared.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

ADA = Person("ada", Source.DEV)
GRACE = Person("grace", Source.DEV)
KEY = AssignmentKey("demo101", "1", "lab01")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "volume")
    made.prepare()
    return made


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(
        [
            Assignment(
                key=KEY,
                autograder_zip=tmp_path / "not-there.zip",
                solution=None,
                image=None,
                limits=Limits(),
                attempts=AttemptsPolicy.BEST,
                lms_id=None,
            )
        ]
    )


def notebook(assignment: str = "lab01") -> bytes:
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "cells": [],
            "metadata": {"course": "demo101", "section": 1, "lab": assignment},
        }
    ).encode()


def test_what_is_accepted_is_in_the_spool_as_the_receipt_says(
    spool: Spool, catalogue: Catalogue
) -> None:
    before = utc_now()
    receipt = Door(catalogue, spool).accept(notebook(), ADA)
    assert spool.pending() == [receipt.id]
    entry = spool.read(receipt.id)
    assert entry.notebook() == notebook()
    assert entry.envelope.requested_by == "ada"
    assert entry.envelope.received_at == receipt.received_at
    assert before <= receipt.received_at <= utc_now()
    payload = entry.envelope.payload
    assert payload.key == receipt.key == KEY
    assert payload.student == "ada"
    assert payload.source is Source.DEV
    assert payload.sha256 == receipt.sha256 == hashlib.sha256(notebook()).hexdigest()
    assert payload.size_bytes == len(notebook())


def test_the_receipt_names_the_assignment_and_a_short_id(
    spool: Spool, catalogue: Catalogue
) -> None:
    receipt = Door(catalogue, spool).accept(notebook(), ADA)
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


def test_the_same_notebook_twice_is_two_submissions(spool: Spool, catalogue: Catalogue) -> None:
    first = Door(catalogue, spool).accept(notebook(), ADA)
    second = Door(catalogue, spool).accept(notebook(), ADA)
    assert spool.pending() == [first.id, second.id]
    assert first.short_id != second.short_id


def test_what_is_rejected_leaves_nothing(
    spool: Spool, catalogue: Catalogue, tmp_path: Path
) -> None:
    with pytest.raises(UnknownAssignment):
        Door(catalogue, spool).accept(notebook("lab99"), ADA)
    with pytest.raises(NotANotebook):
        Door(catalogue, spool).accept(b"{}", ADA)
    assert not list((tmp_path / "volume/spool/new").iterdir())
    assert not list((tmp_path / "volume/spool/tmp").iterdir())
