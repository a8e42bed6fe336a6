"""What the commands read: which assignment is meant, which regrade, and what it would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer_console import terminal
from gofer_console.known_assignments import refuse_empty
from shared.catalogue import load_catalogue
from shared.errors import GoferError, UnknownAssignment
from shared.grade_policy import GradePolicy
from shared.gradebook.regrades.preview import preview_of
from shared.gradebook.regrades.progress import find_regrade, regrades
from shared.gradebook.transactions import reading

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from shared.catalogue import Assignment, Catalogue
    from shared.config import ConsoleSettings
    from shared.gradebook.regrades.preview import Preview
    from shared.gradebook.regrades.progress import Regrade
    from shared.model import RegradeId


def catalogue_of(settings: ConsoleSettings) -> Catalogue:
    """Return the assignments there are.

    Raises:
        ConfigError: the catalogue cannot be used.
    """
    return load_catalogue(
        course_config=settings.course_config_path,
        autograders=settings.autograders,
        defaults=settings.defaults,
        course=settings.course,
    )


def assignment_named(catalogue: Catalogue, word: str) -> Assignment:
    """Return the assignment that staff mean: `course/section/assignment`, or the end of that.

    Raises:
        GoferError: it fits none or several.
    """
    refuse_empty(catalogue)
    fitting = [
        one for one in catalogue if str(one.key) == word or str(one.key).endswith(f"/{word}")
    ]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise GoferError(f"The catalogue has no assignment {word!a}.")
    names = ", ".join(terminal.plain(str(one.key)) for one in fitting[:5])
    raise GoferError(f"Several assignments are called {word!a}: {names}. Write one of them whole.")


def regrade_named(engine: Engine | None, word: str) -> Regrade:
    """Return the regrade whose id is or ends in this word.

    Raises:
        GoferError: it fits none or several.
        GradebookError: the gradebook cannot be read.
    """
    found = regrades(engine) if engine is not None else ()
    fitting = [one for one in found if one.id.endswith(word.lower())]
    if len(fitting) != 1:
        how_many = "No regrade has" if not fitting else "Several regrades have"
        raise GoferError(f"{how_many} an id that ends in {word!a}. `gofer regrade list` tells.")
    return fitting[0]


def preview(engine: Engine, catalogue: Catalogue, regrade_id: RegradeId) -> Preview:
    """Return what a regrade would do now, or did, all as of one moment.

    Raises:
        GoferError: the catalogue no longer has its assignment, by whose rules grades are made.
        GradebookError: the gradebook cannot be read.
    """
    with reading(engine, "be read") as connection:
        regrade = find_regrade(connection, regrade_id)
        if regrade is None:
            raise GoferError("There is no regrade of this id.")
        try:
            policy = catalogue.find(regrade.key).policy
        except UnknownAssignment:
            if regrade.outcome is None:
                raise GoferError(f"The catalogue no longer has {regrade.key}.") from None
            policy = GradePolicy()  # what an applied one did is on record
        return preview_of(connection, regrade, policy)
