"""An assignment of the catalogue, and the catalogue itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.errors import ConfigError, UnknownAssignment
from shared.grade_policy import GradePolicy
from shared.model import (
    AssignmentKey,
    Limits,
    PublishRule,
    RateLimit,
    opaque_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from shared.catalogue.passback import Passback

KINDS: Final = ("lab", "hw", "project")
"""The folders that stand for kinds of assignments."""

ZIP_NAME: Final = "autograder.zip"


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the catalogue says of one assignment.

    Attributes:
        key: which one.
        autograder_zip: where its zip lies, or would lie once staff put it there.
        solution: a notebook that must earn full points; None where none is named.
        image: the grader image for it; None takes the grader's own.
        limits: what one run may use.
        lms_id: what the LMS calls it; None where it is not posted.
        rate: how often a student may submit it.
        publish: when students see its scores.
        policy: how a student's grade of record is made of their runs.
        passback: how its grades go to an LMS; None where they do not.
        time_zone: in which its course lives, such as `Europe/Berlin`; None where none is named.
    """

    key: AssignmentKey
    autograder_zip: Path
    solution: Path | None
    image: str | None
    limits: Limits
    lms_id: str | None
    rate: RateLimit = RateLimit.parse("off")  # noqa: RUF009 - frozen
    publish: PublishRule = PublishRule.parse("immediately")  # noqa: RUF009 - frozen
    policy: GradePolicy = GradePolicy()  # noqa: RUF009 - frozen
    passback: Passback | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an assignment has where nothing is written for it.

    Attributes:
        limits: what one run may use.
        rate: how often a student may submit it.
        publish: when students see its scores.
        edx_url: of the edX that the classic course config's grades go to.
    """

    limits: Limits = Limits()  # noqa: RUF009 - frozen
    rate: RateLimit = RateLimit.parse("off")  # noqa: RUF009 - frozen
    publish: PublishRule = PublishRule.parse("immediately")  # noqa: RUF009 - frozen
    edx_url: str | None = None


class Catalogue:
    """The assignments that can be submitted, found by exact name.

    Args:
        assignments: in any order; their keys differ.
        source: the file or folder they come from, for messages.

    Raises:
        ConfigError: two of them have the same key.
    """

    def __init__(self, assignments: Iterable[Assignment], *, source: str = "catalogue") -> None:
        self._assignments: dict[AssignmentKey, Assignment] = {}
        for assignment in sorted(assignments, key=lambda assignment: assignment.key):
            if assignment.key in self._assignments:
                raise ConfigError(f"{source}: {assignment.key}: is there twice")
            self._assignments[assignment.key] = assignment

    def find(self, key: AssignmentKey) -> Assignment:
        """Return the assignment of this key.

        Raises:
            UnknownAssignment: there is none.
        """
        try:
            return self._assignments[key]
        except KeyError:
            raise UnknownAssignment from None

    def __iter__(self) -> Iterator[Assignment]:
        return iter(self._assignments.values())

    def __len__(self) -> int:
        return len(self._assignments)


def key_of(source: Path, course: str, section: str, assignment: str) -> AssignmentKey:
    """Return a key made of staff's words.

    Raises:
        ConfigError: a word cannot be a name; the line names the file and the word.
    """
    names = []
    for word in (course, section, assignment):
        try:
            names.append(opaque_name(word))
        except ValueError as error:
            raise ConfigError(f"{source}: {word!a}: {error}") from None
    return AssignmentKey(*names)


def first_that_exists(candidates: Iterable[Path]) -> Path:
    """Return the first path that is there, else the first of all: where it would be put."""
    paths = list(candidates)
    return next((path for path in paths if path.exists()), paths[0])


def conventional_zip(autograders: Path, course: str, section: str, assignment: str) -> Path:
    """Return where an assignment's zip lies when nothing says so.

    That is `{lab|hw|project}/{section}/{assignment}/autograder.zip`, under the autograders' folder
    or under the course's folder there. Where several kinds fit, the one that the assignment's name
    begins with comes first.
    """
    kinds = sorted(KINDS, key=lambda kind: not assignment.lower().startswith(kind))
    return first_that_exists(
        root / kind / section / assignment / ZIP_NAME
        for root in (autograders / course, autograders)
        for kind in kinds
    )
