"""The catalogue as the command line knows it, and which of its assignments staff mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.batch.assignments import resolver
from shared.catalogue import load_catalogue
from shared.errors import GoferError

if TYPE_CHECKING:
    from shared.catalogue import Assignment, Catalogue
    from shared.config import ConsoleSettings


def catalogue_of(settings: ConsoleSettings) -> Catalogue:
    """Return the catalogue.

    Raises:
        ConfigError: it cannot be used.
    """
    return load_catalogue(
        course_config=settings.course_config_path,
        autograders=settings.autograders,
        defaults=settings.defaults,
        course=settings.course,
    )


def refuse_empty(catalogue: Catalogue) -> None:
    """Say what is wrong where a command needs the catalogue and there is nothing in it.

    Raises:
        GoferError: it is empty.
    """
    if not len(catalogue):
        raise GoferError(
            "The catalogue is empty. Name the course config with COURSE_CONFIG_PATH in this "
            "terminal too, or the folder of autograders with GOFER_AUTOGRADERS."
        )


def meant(catalogue: Catalogue, text: str) -> Assignment:
    """Return the assignment that staff mean: by COURSE/SECTION/NAME, or by its name alone.

    Raises:
        GoferError: the catalogue is empty, or has none or several.
    """
    refuse_empty(catalogue)
    try:
        return catalogue.find(resolver(catalogue)(text))
    except ValueError as error:
        reason = str(error)
        raise GoferError(f"{reason[:1].upper()}{reason[1:]}.") from None
