"""Entries to put into a spool, and what lies on its disk afterwards, seen without the spool."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.model import Sha256, SubmissionId, new_submission_id, utc_now
from shared.requests import Envelope, Source, SubmitPayload
from shared.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
AT_ONCE = timedelta(0)


@dataclass(frozen=True)
class Delivery:
    envelope: Envelope
    notebook: bytes

    @property
    def id(self) -> SubmissionId:
        return self.envelope.id


def new_delivery(notebook: bytes = NOTEBOOK, student: str = "josé") -> Delivery:
    payload = SubmitPayload(
        student=student,
        course="demo101",
        section="fa26",
        assignment="lab01",
        sha256=Sha256(hashlib.sha256(notebook).hexdigest()),
        size_bytes=len(notebook),
        source=Source.DEV,
    )
    envelope = Envelope(
        id=new_submission_id(),
        action="submit",
        payload=payload,
        requested_by=student,
        received_at=utc_now(),
    )
    return Delivery(envelope, notebook)


def prepared_spool(volume: Path) -> Spool:
    spool = Spool(volume)
    spool.prepare()
    return spool


def delivered(spool: Spool) -> Delivery:
    delivery = new_delivery()
    spool.deliver(delivery.envelope, delivery.notebook)
    return delivery


def whereabouts(volume: Path, submission_id: SubmissionId) -> list[Path]:
    """Every place in which something of this id lies, leftovers in `tmp/` apart."""
    return [
        *volume.glob(f"spool/new/{submission_id}"),
        *volume.glob(f"spool/failed/{submission_id}"),
        *volume.glob(f"submissions/*/{submission_id}"),
    ]


def leftovers(volume: Path) -> list[Path]:
    return list((volume / "spool" / "tmp").iterdir())


def is_whole(directory: Path, delivery: Delivery) -> bool:
    stored = Envelope.model_validate_json((directory / "envelope.json").read_bytes())
    return (
        stored == delivery.envelope
        and (directory / "submission.ipynb").read_bytes() == delivery.notebook
    )


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())
