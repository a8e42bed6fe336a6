"""Pure: a `manifest.csv`, read strictly. Where anything in it is wrong, nothing of it is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from shared.batch.finding import composed
from shared.csv_text import decoded, records, told
from shared.errors import BatchRefused
from shared.model import AssignmentKey, moment_in_utc, opaque_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COLUMNS: Final = ("file", "student", "assignment", "received_at")
REQUIRED: Final = ("file", "student")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a manifest.

    Attributes:
        line: where it begins, counted from 1.
        file: as written, in NFC and with slashes.
        student: whose it is.
        key: for which assignment; None leaves that to the notebook.
        received_at: when it counts as received, aware; None for now.
    """

    line: int
    file: str
    student: str
    key: AssignmentKey | None
    received_at: datetime | None


def read_manifest(
    content: bytes,
    *,
    name: str,
    resolve: Callable[[str], AssignmentKey],
    now: datetime,
) -> tuple[Row, ...]:
    """Read a manifest: UTF-8 with commas, its first line the names of the columns.

    Args:
        content: of the file.
        name: of the file, for messages.
        resolve: returns the assignment that a text means, or raises a ValueError that says why
            there is none.
        now: nothing was received after it, aware.

    Raises:
        BatchRefused: it cannot be used; each line of the message names file, line and column.
    """
    lines = records(decoded(content, name, BatchRefused), name, BatchRefused)
    _, header = next(lines, (1, []))
    columns = _columns(header, name)
    rows: list[Row] = []
    errors: list[str] = []
    seen: dict[tuple[str, str], int] = {}
    for line, cells in lines:
        where = f"{name}, line {line}"
        if len(cells) != len(columns):
            errors.append(f"{where}: it has {len(cells)} columns instead of {len(columns)}")
            continue
        values = dict(zip(columns, cells, strict=True))
        row = _row(line, values, where, resolve, now, errors)
        if row is None:
            continue
        first = seen.setdefault((row.file, row.student), line)
        if first != line:
            errors.append(f"{where}, column file: line {first} says this already")
        rows.append(row)
    if errors:
        raise refused(errors)
    return tuple(rows)


def refused(errors: Sequence[str]) -> BatchRefused:
    """Return the error that names what is wrong, the first twenty of it."""
    return BatchRefused(told(errors, "Nothing of this batch was taken."))


def _columns(header: list[str], name: str) -> list[str]:
    columns = [cell.strip() for cell in header]
    wanted = f"the first line names the columns {', '.join(COLUMNS)}, the last two if you like"
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t"):
        raise BatchRefused(f"{name}, line 1: put commas between the columns; {wanted}.")
    for column in columns:
        if column not in COLUMNS:
            raise BatchRefused(f"{name}, line 1, column {column!r}: there is no such; {wanted}.")
        if columns.count(column) > 1:
            raise BatchRefused(f"{name}, line 1, column {column}: it is there twice.")
    for column in REQUIRED:
        if column not in columns:
            raise BatchRefused(f"{name}, line 1, column {column}: it is missing; {wanted}.")
    return columns


def _row(
    line: int,
    values: dict[str, str],
    where: str,
    resolve: Callable[[str], AssignmentKey],
    now: datetime,
    errors: list[str],
) -> Row | None:
    """Return a row; None where it has an error, which is then among `errors`."""
    key = received_at = None
    before = len(errors)
    file = composed(values["file"].replace("\\", "/").removeprefix("./"))
    if not file:
        errors.append(f"{where}, column file: it is empty")
    student = values["student"].strip()
    try:
        student = opaque_name(student)
    except ValueError as error:
        errors.append(f"{where}, column student: {error}")
    if assignment := values.get("assignment", "").strip():
        try:
            key = resolve(assignment)
        except ValueError as error:
            errors.append(f"{where}, column assignment: {error}")
    if written := values.get("received_at", "").strip():
        try:
            received_at = moment(written, now)
        except ValueError as error:
            errors.append(f"{where}, column received_at: {error}")
    if len(errors) > before:
        return None
    return Row(line, file, student, key, received_at)


def moment(written: str, now: datetime) -> datetime:
    """Return when something was received.

    Raises:
        ValueError: it is no time with a zone, of too far a year, or one after `now`.
    """
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise ValueError("write a time as 2026-12-01T18:00:00+01:00") from None
    found = moment_in_utc(found)
    if found > now:
        raise ValueError("this lies in the future")
    return found
