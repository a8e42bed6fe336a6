"""A door with a spool, limits and a clock of its own, and notebooks to put through it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gofer_ingest.server.door import Door
from gofer_ingest.server.identity import Person
from gofer_ingest.server.notebooks import ShapeLimits
from gofer_ingest.server.recent_receipts import RecentReceipts
from gofer_ingest.server.room import Room
from shared.catalogue import Assignment, Catalogue
from shared.model import AssignmentKey, Limits, RateLimit
from shared.requests import Source
from shared.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

ADA = Person("ada", Source.DEV)
GRACE = Person("grace", Source.DEV)
KEY = AssignmentKey("demo101", "1", "lab01")
OTHER_KEY = AssignmentKey("demo101", "1", "hw02")
RATE = RateLimit.parse("3/10m")
REPEAT_WINDOW = timedelta(minutes=10)


@dataclass
class Clock:
    """Says what it is told to say."""

    now: datetime = field(default_factory=lambda: datetime(2026, 12, 1, 18, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


def make_catalogue(folder: Path) -> Catalogue:
    """lab01 may be submitted three times in ten minutes, hw02 as often as one likes."""
    return Catalogue(
        [
            Assignment(
                key=key,
                autograder_zip=folder / "not-there.zip",
                solution=None,
                image=None,
                limits=Limits(),
                lms_id=None,
                rate=rate,
            )
            for key, rate in ((KEY, RATE), (OTHER_KEY, RateLimit.parse("off")))
        ]
    )


def make_door(volume: Path, clock: Clock, *, max_waiting: int = 1000) -> Door:
    spool = Spool(volume)
    return Door(
        catalogue=make_catalogue(volume),
        spool=spool,
        recent=RecentReceipts(index_of(volume), timedelta(seconds=RATE.within_s)),
        room=Room(spool, max_waiting=max_waiting, min_free_bytes=0),
        shape=ShapeLimits(),
        repeat_window=REPEAT_WINDOW,
        clock=clock,
    )


def index_of(volume: Path) -> Path:
    return volume / "spool" / "index" / "receipts"


def a_notebook(assignment: str = "lab01", text: str = "") -> bytes:
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": text}],
            "metadata": {"course": "demo101", "section": 1, "lab": assignment},
        }
    ).encode()
