"""What inspecting autograder zips found, by zip: whatever image looked last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select

from shared.gradebook import tables
from shared.gradebook.transactions import reading
from shared.model import AutograderSpec, Sha256

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Engine

_SPEC: Final = TypeAdapter(AutograderSpec)


def specs_of(engine: Engine, zips: Iterable[Sha256]) -> dict[Sha256, AutograderSpec]:
    """Return what was found in these zips, without those that nobody looked at yet.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    autograders = tables.autograders.c
    statement = (
        select(autograders.sha256, autograders.spec)
        .where(autograders.sha256.in_(sorted(set(zips))))
        .order_by(autograders.recorded_at)
    )
    with reading(engine, "be read") as connection:
        rows = connection.execute(statement).all()
    found: dict[Sha256, AutograderSpec] = {}
    for sha256, written in rows:
        try:
            found[Sha256(sha256)] = _SPEC.validate_json(written)
        except ValidationError:
            continue  # of a Gofer whose specs were of another form: the grader looks anew
    return found
