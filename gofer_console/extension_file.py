"""A CSV file of extensions, read whole or not at all: `student,course,section,assignment,until`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from gofer_console.staff_file import content_of
from shared.csv_text import decoded, records, told
from shared.errors import GoferError, UnknownAssignment
from shared.model import AssignmentKey, moment_in_utc, opaque_name
from shared.requests import Extension
from shared.requests.grades import MOST_EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.catalogue import Catalogue


COLUMNS: Final = ("student", "course", "section", "assignment", "until")
_LARGEST_BYTES: Final = 2 << 20  # as JSON, an envelope still holds it


def read_extensions(path: Path, catalogue: Catalogue) -> tuple[Extension, ...]:
    """Read a file of extensions.

    Args:
        path: of the file; UTF-8, its columns in any order.
        catalogue: the assignments there are.

    Raises:
        GoferError: it cannot be read, or anything in it is wrong: each of the first problems is a
            line that names the file, the line and the column.
    """
    content = content_of(path, max_bytes=_LARGEST_BYTES)
    name = str(path)
    lines = records(decoded(content, name, GoferError), name, GoferError)
    _, header = next(lines, (1, []))
    names = [cell.strip() for cell in header]
    _check_header(path, names)
    return _read_rows(path, names, lines, catalogue)


def moment_with_zone(text: str) -> datetime:
    """Read a day and time with a zone.

    Raises:
        ValueError: it is none, has no zone, or is of a year at the ends of the calendar.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        missing = "is no time" if moment is None else "has no zone"
        raise ValueError(f"{text!a} {missing}; write it as 2026-12-01T18:00:00+01:00")
    moment_in_utc(moment)
    return moment


def _check_header(path: Path, names: list[str]) -> None:
    missing = [name for name in COLUMNS if name not in names]
    others = [name for name in names if name not in COLUMNS]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems = [
        f"{what} {', '.join(ascii(name) for name in found)}"
        for what, found in (
            ("there is no column", missing),
            ("there is no use for the column", others),
            ("there is twice the column", twice),
        )
        if found
    ]
    if problems:
        raise GoferError(
            f"{path}, line 1: {'; '.join(problems)}. The columns are {','.join(COLUMNS)}."
        )


def _read_rows(
    path: Path, names: list[str], lines: Iterator[tuple[int, list[str]]], catalogue: Catalogue
) -> tuple[Extension, ...]:
    found: dict[tuple[str, AssignmentKey], tuple[int, Extension]] = {}
    problems: list[str] = []
    for line, row in lines:
        place = f"{path}, line {line}"
        if len(row) != len(names):
            problems.append(f"{place}: has {len(row)} columns, not {len(names)}.")
            continue
        extension = _extension(place, dict(zip(names, row, strict=True)), catalogue, problems)
        if extension is None:
            continue
        earlier, _ = found.setdefault((extension.student, extension.key), (line, extension))
        if earlier != line:
            problems.append(
                f"{place}, column student: {extension.student!a} is there already, in "
                f"line {earlier}, for {extension.key}."
            )
    if not found and not problems:
        problems.append(f"{path}, line 2: there is no row.")
    if len(found) > MOST_EXTENSIONS:
        problems.append(f"{path}: has more than {MOST_EXTENSIONS} rows.")
    if problems:
        raise GoferError(told(problems, "Nothing was applied."))
    return tuple(extension for _, extension in found.values())


def _extension(
    place: str, row: dict[str, str], catalogue: Catalogue, problems: list[str]
) -> Extension | None:
    values: dict[str, str] = {}
    until = None
    for column in COLUMNS:
        try:
            if column == "until":
                until = moment_with_zone(row[column])
            else:
                values[column] = opaque_name(row[column])
        except ValueError as error:
            problems.append(f"{place}, column {column}: {error}.")
    if until is None or len(values) < len(COLUMNS) - 1:
        return None
    extension = Extension(until=until, **values)
    try:
        policy = catalogue.find(extension.key).policy
    except UnknownAssignment:
        problems.append(f"{place}, column assignment: the catalogue has no {extension.key}.")
        return None
    if policy.due_at is None:
        problems.append(f"{place}, column assignment: {extension.key} has no due date to extend.")
        return None
    return extension
