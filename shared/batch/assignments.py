"""Pure: which assignment of the catalogue staff mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.catalogue import Catalogue
    from shared.model import AssignmentKey


def resolver(catalogue: Catalogue) -> Callable[[str], AssignmentKey]:
    """Return a function that finds an assignment by `COURSE/SECTION/NAME`, or by its name alone.

    The function raises a ValueError, which says why, where the catalogue has none or several.
    """
    whole = {str(assignment.key): assignment.key for assignment in catalogue}

    def resolve(text: str) -> AssignmentKey:
        if text in whole:
            return whole[text]
        found = [key for key in whole.values() if key.assignment == text]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"{text} may be {' or '.join(map(str, found))}: write it in full")
        raise ValueError(
            f"the catalogue has no {text}: write COURSE/SECTION/NAME, or the name where there is "
            "one of it"
        )

    return resolve


def words_of(catalogue: Catalogue) -> frozenset[str]:
    """Return all that are names of courses, sections and assignments."""
    return frozenset(
        word
        for assignment in catalogue
        for word in (assignment.key.course, assignment.key.section, assignment.key.assignment)
    )
