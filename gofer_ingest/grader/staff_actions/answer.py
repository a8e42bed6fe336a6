"""What carrying out a request is given, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gofer_ingest.grader.passback.loop import PassbackLoop
    from shared.catalogue import Catalogue
    from shared.gradebook.staff_requests import Outcome
    from shared.spool import Spool


@dataclass(frozen=True, slots=True)
class Means:
    """What staff's requests are carried out with.

    Attributes:
        spool: where submissions lie, also those that were set aside.
        gradebook: the writer's engine.
        catalogue: by whose policies a grade is chosen anew.
        passback: sends grades to LMSs; None where nothing does.
    """

    spool: Spool
    gradebook: Engine
    catalogue: Catalogue
    passback: PassbackLoop | None = None


class Answer(NamedTuple):
    """What came of a request, and what staff are told."""

    outcome: Outcome
    message: str
