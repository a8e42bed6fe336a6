"""What is asked for about many grades at once, as the requests that the command line makes too.

Nothing here knows pages: from the grades that are meant come payloads, each with the id that its
request will have. Delivered twice, as by a double click, the second one is known already.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.errors import GoferError
from shared.gradebook.grade_filter import GradeFilter
from shared.model import SubmissionId, new_submission_id
from shared.requests import Choice, PostHoldPayload, PostSendPayload, RegradeStartPayload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model import AssignmentKey
    from shared.requests import StaffPayload

MOST_GRADES: Final = 5000
"""That are named one by one; whole assignments may have any number."""
MOST_POSTED: Final = 500
"""Grades that are posted one by one: each is a request of its own."""
TYPED_ABOVE: Final = 50
"""From how many on people type the number, so that no slip of the mouse does it."""


class Bulk(enum.StrEnum):
    """What can be done with many grades."""

    REGRADE = "regrade"
    POST = "post"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Meant:
    """The grades that are meant.

    Attributes:
        places: of each its student and assignment; empty where whole assignments are meant.
        whole: assignments of which every grade is meant.
        count: how many grades that is.
    """

    places: tuple[tuple[str, AssignmentKey], ...]
    whole: tuple[AssignmentKey, ...]
    count: int

    @property
    def keys(self) -> tuple[AssignmentKey, ...]:
        """The assignments that they are of, sorted."""
        return tuple(sorted({key for _, key in self.places} | set(self.whole)))


def means_whole_assignments(wanted: GradeFilter) -> bool:
    """Tell whether a filter chooses by course, section and assignment alone."""
    place = {"courses", "sections", "assignments"}
    return all(
        getattr(wanted, name) == getattr(GradeFilter(), name)
        for name in GradeFilter.__dataclass_fields__
        if name not in place
    )


def payloads(what: Bulk, meant: Meant, choice: Choice = Choice.ALL) -> list[StaffPayload]:
    """Return what to ask for.

    Args:
        what: is to be done.
        meant: with which grades.
        choice: of a regrade: which of each student's submissions.

    Raises:
        GoferError: it is too much to be asked for one by one; it says what to choose instead.
    """
    if what is Bulk.HOLD:
        return [PostHoldPayload(**_named(key)) for key in meant.keys]
    if what is Bulk.POST:
        if len(meant.places) > MOST_POSTED:
            raise GoferError(
                f"At most {MOST_POSTED} grades are posted one by one. Choose fewer, or whole "
                "assignments, with no filter but course, section and assignment."
            )
        whole: list[StaffPayload] = [PostSendPayload(**_named(key)) for key in meant.whole]
        return whole + [
            PostSendPayload(**_named(key), student=student) for student, key in meant.places
        ]
    if len(meant.places) > MOST_GRADES:
        raise GoferError(
            f"At most {MOST_GRADES:,} grades are regraded one by one. Choose fewer, or whole "
            "assignments, with no filter but course, section and assignment."
        )
    students: dict[AssignmentKey, list[str]] = defaultdict(list)
    for student, key in meant.places:
        students[key].append(student)
    starts: list[StaffPayload] = [
        RegradeStartPayload(**_named(key), choice=choice) for key in meant.whole
    ]
    return starts + [
        RegradeStartPayload(**_named(key), choice=choice, students=tuple(students[key]))
        for key in sorted(students)
    ]


def new_ids(count: int) -> tuple[SubmissionId, ...]:
    """Return ids for requests that will be made; made before people confirm, and once."""
    return tuple(new_submission_id() for _ in range(count))


def listed_keys(keys: Sequence[AssignmentKey], most: int = 5) -> str:
    """Return assignments for people, the first few of many."""
    names = [key.assignment for key in keys[:most]]
    return ", ".join(names) + (f" and {len(keys) - most} more" if len(keys) > most else "")


def _named(key: AssignmentKey) -> dict[str, str]:
    return {"course": key.course, "section": key.section, "assignment": key.assignment}
