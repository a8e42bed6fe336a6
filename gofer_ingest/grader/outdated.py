"""Tells staff, at the grader's start, which grades the course config's rules would now change.

It changes none of them, and it holds nothing up: in a thread of its own, after the grading began.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.errors import GradebookError
from shared.gradebook.recompute import made_by_other_rules, moves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from shared.catalogue import Catalogue

log = logging.getLogger(__name__)


def tell_outdated(gradebook: Engine, catalogue: Catalogue, is_over: threading.Event) -> None:
    """Log, for each assignment whose rules were changed, how many grades would move.

    Args:
        gradebook: the writer's engine.
        catalogue: the rules of today.
        is_over: once it is set, no further assignment is looked at.
    """
    policies = {assignment.key: assignment.policy for assignment in catalogue}
    try:
        for key in made_by_other_rules(gradebook, policies):
            if is_over.is_set():
                return
            found = moves(gradebook, key, policies[key])
            if found:
                log.warning(
                    "The course config's rules changed, and grades made before are as they were; "
                    "`gofer grades recompute` changes them",
                    extra={
                        "action": "grades_outdated",
                        "assignment": str(key),
                        "would_move": len(found),
                    },
                )
    except GradebookError as error:
        log.warning(
            "Grades could not be compared with the course config's rules",
            extra={"action": "grades_outdated_failed", "reason": str(error)},
        )


@contextmanager
def telling_outdated(gradebook: Engine, catalogue: Catalogue) -> Iterator[None]:
    """Tell it inside the block, once."""
    is_over = threading.Event()
    thread = threading.Thread(
        target=tell_outdated, args=(gradebook, catalogue, is_over), name="outdated", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(5.0)  # it reads through an engine that is closed next
