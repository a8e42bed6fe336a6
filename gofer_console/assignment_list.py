"""The catalogue's assignments as the grader sees them, and how much there is of each."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gofer_console.zip_digests import digests
from shared.gradebook.assignment_figures import AssignmentCounts, counts_by_assignment
from shared.gradebook.old_zips import grades_by_other_zips
from shared.gradebook.publishing import published_by_hand
from shared.gradebook.specs import specs_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from shared.catalogue import Assignment, Catalogue
    from shared.model import AutograderSpec, PublishRule, Sha256
    from shared.queue_snapshot import QueueSnapshot


class Readiness(enum.StrEnum):
    """Whether notebooks of an assignment can be graded."""

    READY = "ready"
    UNSEEN = "unseen"
    """The grader has not looked at its zip yet; it does with the first notebook."""
    BLOCKED = "blocked"
    NO_ZIP = "no_zip"


@dataclass(frozen=True, slots=True)
class Listed:
    """One assignment with all that is known of it.

    Attributes:
        sha256: of its zip now; None where that cannot be read.
        spec: what was found in it; None where nobody has looked yet.
        is_blocked: whether the grader says so.
        counts: of submissions and grades.
        by_other_zips: how many grades another zip made than the one of now.
        by_hand: the publish rule that staff set by hand; None follows the course config.
    """

    assignment: Assignment
    sha256: Sha256 | None
    spec: AutograderSpec | None
    is_blocked: bool
    counts: AssignmentCounts
    by_other_zips: int
    by_hand: PublishRule | None

    @property
    def readiness(self) -> Readiness:
        """Whether its notebooks can be graded."""
        if self.sha256 is None:
            return Readiness.NO_ZIP
        if self.is_blocked or (self.spec is not None and not self.spec.is_usable):
            return Readiness.BLOCKED
        return Readiness.UNSEEN if self.spec is None else Readiness.READY

    @property
    def publish(self) -> PublishRule:
        """The publish rule in force."""
        return self.by_hand or self.assignment.publish

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with it, in plain words for staff."""
        found = []
        if self.sha256 is None:
            found.append(f"There is no autograder zip at {self.assignment.autograder_zip}.")
        if self.spec is not None:
            found += self.spec.problems
            if self.spec.missing:
                found.append(f"The image lacks packages: {', '.join(self.spec.missing)}.")
        if self.is_blocked and not found:
            found.append("The grader has it blocked; its log says why.")
        return tuple(found)


def listed(
    catalogue: Catalogue, engine: Engine | None, snapshot: QueueSnapshot | None
) -> tuple[Listed, ...]:
    """Return all assignments of the catalogue, in its order.

    Args:
        catalogue: which there are.
        engine: of the gradebook; None where there is none yet.
        snapshot: of a grader that is at work; None where none is.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    zips = digests(catalogue)
    blocked = {one.key for one in snapshot.assignments if one.is_blocked} if snapshot else set()
    counts, old, by_hand, specs = {}, {}, {}, {}
    if engine is not None:
        counts = counts_by_assignment(engine)
        old = grades_by_other_zips(engine, tuple(zips.items()))
        by_hand = published_by_hand(engine)
        specs = specs_of(engine, zips.values())
    return tuple(
        Listed(
            assignment=one,
            sha256=zips.get(one.key),
            spec=specs.get(zips[one.key]) if one.key in zips else None,
            is_blocked=one.key in blocked,
            counts=counts.get(one.key, AssignmentCounts()),
            by_other_zips=old.get(one.key, 0),
            by_hand=by_hand.get(one.key),
        )
        for one in catalogue
    )
