"""What `gofer doctor` says of grades that another zip made than the one on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer_console.grader_side import Check, Health
from gofer_console.queries import opened_gradebook
from gofer_console.regrade.looking import catalogue_of
from shared.catalogue import present_zips
from shared.errors import GoferError
from shared.gradebook.old_zips import grades_by_other_zips

if TYPE_CHECKING:
    from shared.config import ConsoleSettings

_NAME = "old zips"
_SHOWN = 5


def check_old_zips(settings: ConsoleSettings) -> list[Check]:
    """Tell which assignments have grades of an older zip; nothing where that cannot be told.

    What is wrong with the catalogue or the gradebook itself is said by their own checks.
    """
    try:
        present = present_zips(catalogue_of(settings))
        with opened_gradebook(settings.volume_path, settings.database_url) as engine:
            found = {} if engine is None else grades_by_other_zips(engine, present)
    except GoferError:
        return []
    if not found:
        message = "Every grade was made with the autograder zip that is there now."
        return [Check(name=_NAME, status=Health.OK, message=message)]
    shown = [f"{key}: {number}" for key, number in list(found.items())[:_SHOWN]]
    rest = len(found) - len(shown)
    return [
        Check(
            name=_NAME,
            status=Health.WARNING,
            message=(
                "Grades were made with another autograder zip than the one that is there now: "
                f"{'; '.join(shown)}{f'; and {rest} more assignments' if rest else ''}."
            ),
            advice=(
                "Nothing is regraded by itself. `gofer regrade start ASSIGNMENT --old-zip` grades "
                "them again, and changes no grade before you apply it."
            ),
        )
    ]
