"""Pure: a roster file, read strictly. Where anything in it is wrong, nothing of it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from shared.csv_text import decoded, records, told
from shared.errors import GoferError
from shared.model import NAME_MAX_CHARACTERS, storable_text
from shared.requests import RosterImportPayload, RosterRow
from shared.spool import ENVELOPE_MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS: Final = tuple(RosterRow.model_fields)
_ALIASES: Final = {"anonymous_id": "user_id_lti11", "anonymous id": "user_id_lti11"}
"""edX calls the student's id by LTI 1.1 so."""
_LARGEST_BYTES: Final = ENVELOPE_MAX_BYTES - (64 << 10)
"""Of the rows as JSON; the rest of an envelope is for who asked, when and why."""
FILE_MAX_BYTES: Final = 4 * ENVELOPE_MAX_BYTES
"""Larger files are not read at all: no request would hold what they say."""


class RosterRefused(GoferError):
    """This roster cannot be taken, and nothing of it was."""


def read_roster(
    content: bytes, *, name: str, course: str | None = None, assignment: str | None = None
) -> tuple[RosterRow, ...]:
    """Read a roster: UTF-8 with commas, its first line the names of the columns.

    Args:
        content: of the file.
        name: of the file, for messages.
        course: of rows that name none.
        assignment: of rows that name none.

    Raises:
        RosterRefused: it cannot be used; each line of the message names file, line and column.
    """
    lines = records(decoded(content, name, RosterRefused), name, RosterRefused)
    _, header = next(lines, (1, []))
    columns = _columns(header, name)
    rows: list[RosterRow] = []
    errors: list[str] = []
    seen: dict[tuple[object, ...], int] = {}
    for line, cells in lines:
        where = f"{name}, line {line}"
        if len(cells) != len(columns):
            errors.append(f"{where}: it has {len(cells)} columns instead of {len(columns)}")
            continue
        said = {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
        given = {"course": course, "assignment": assignment}
        given |= {column: cell for column, cell in said.items() if cell}
        row = _row(given, where, errors)
        if row is None:
            continue
        first = seen.setdefault((row.student, row.course, row.assignment), line)
        if first != line:
            errors.append(f"{where}, column student: line {first} is about the same")
        rows.append(row)
    if not rows and not errors:
        errors.append(f"{name}, line 2: there is no student in it")
    if errors:
        raise _refused(errors)
    return tuple(rows)


def as_request(rows: Sequence[RosterRow], name: str) -> RosterImportPayload:
    """Return a roster as what the grader is asked for: one request, so all of it or nothing.

    Args:
        rows: of the file.
        name: of the file; cut where it is too long for the record.

    Raises:
        RosterRefused: it is more than a request holds.
    """
    payload = RosterImportPayload(file=storable_text(name)[-NAME_MAX_CHARACTERS:], rows=tuple(rows))
    size = len(payload.model_dump_json().encode())
    if size > _LARGEST_BYTES:
        raise RosterRefused(
            f"{name}: its {len(rows):,} rows are {size / (1 << 20):.1f} MB, and one request holds "
            f"{_LARGEST_BYTES / (1 << 20):.1f}. Cut it into several files, each with the header. "
            "Nothing of this roster was taken."
        )
    return payload


def _row(given: dict[str, str | None], where: str, errors: list[str]) -> RosterRow | None:
    """Return a row; None where it has an error, which is then among `errors`."""
    try:
        row = RosterRow.model_validate(given)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False, include_context=False):
            column = ".".join(map(str, problem["loc"]))
            text = problem["msg"].removeprefix("Value error, ")
            if problem["type"] == "missing":
                text = "it is empty"
            elif problem["type"] == "string_pattern_mismatch":
                text = "it holds what does not belong there"
            errors.append(f"{where}, column {column}: {text}")
        return None
    if row.lis_result_sourcedid is not None and row.assignment is None:
        errors.append(
            f"{where}, column lis_result_sourcedid: it is of one assignment; name that in a column "
            "assignment, or with --assignment"
        )
        return None
    return row


def _columns(header: list[str], name: str) -> list[str]:
    columns = [_ALIASES.get(cell.strip().lower(), cell.strip()) for cell in header]
    wanted = f"the first line names columns among {', '.join(COLUMNS)}"
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t"):
        raise RosterRefused(f"{name}, line 1: put commas between the columns; {wanted}.")
    for column in columns:
        if column not in COLUMNS:
            raise RosterRefused(f"{name}, line 1, column {column!r}: there is no such; {wanted}.")
        if columns.count(column) > 1:
            raise RosterRefused(f"{name}, line 1, column {column}: it is there twice.")
    if "student" not in columns:
        raise RosterRefused(f"{name}, line 1, column student: it is missing; {wanted}.")
    if len(columns) == 1:
        raise RosterRefused(f"{name}, line 1: it says nothing about the students; {wanted}.")
    return columns


def _refused(errors: Sequence[str]) -> RosterRefused:
    return RosterRefused(told(errors, "Nothing of this roster was taken."))
