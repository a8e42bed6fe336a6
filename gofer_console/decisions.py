"""`gofer override` and `gofer extend`: what staff decide about single students."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer
from pydantic import ValidationError

from gofer_console import actions, asking, terminal
from gofer_console.extension_file import moment_with_zone, read_extensions
from gofer_console.known_assignments import catalogue_of, meant
from shared.config import ConsoleSettings, read_settings
from shared.errors import GoferError
from shared.requests import ExtendPayload, Extension, OverridePayload
from shared.spool import Spool

_Assignment = Annotated[
    str,
    typer.Argument(
        help="COURSE/SECTION/NAME, or the name where there is one of it.", metavar="ASSIGNMENT"
    ),
]
_Student = Annotated[str, typer.Argument(help="Whose grade.", metavar="STUDENT")]


def override(
    assignment: _Assignment,
    student: _Student,
    *,
    score: Annotated[
        float | None, typer.Option(min=0, help="Points that count.", metavar="POINTS")
    ] = None,
    out_of: Annotated[
        float | None,
        typer.Option(min=0, help="Of how many; otherwise as the grade now.", metavar="POINTS"),
    ] = None,
    comment: Annotated[
        str, typer.Option(help="What the student is told of it.", metavar="TEXT")
    ] = "",
    restore: Annotated[
        bool, typer.Option("--restore", help="Let the autograde count again.")
    ] = False,
    why: Annotated[str, typer.Option(help="The reason, for the record.", metavar="TEXT")] = "",
    as_json: asking.AsJson = False,
) -> None:
    """Let a score of yours be a student's grade. The autograde stays beneath it."""
    if restore == (score is not None) or (restore and out_of is not None):
        raise GoferError("Give a --score, or take --restore.")
    settings = read_settings(ConsoleSettings)
    key = meant(catalogue_of(settings), assignment).key
    try:
        payload = OverridePayload(
            student=student,
            course=key.course,
            section=key.section,
            assignment=key.assignment,
            score=score,
            points_possible=out_of,
            comment=comment,
        )
    except ValidationError as error:
        raise GoferError(_first_problem(error)) from None
    request = actions.deliver(
        Spool(settings.volume_path), payload, by=actions.requester(), why=why or comment
    )
    is_well = asking.tell(settings, {request: f"{student}, {key}"}, terminal.err(), as_json=as_json)
    raise typer.Exit(int(not is_well))


def extend(
    assignment: Annotated[
        str | None,
        typer.Argument(
            help="COURSE/SECTION/NAME, or the name where there is one of it.", metavar="ASSIGNMENT"
        ),
    ] = None,
    student: Annotated[str | None, typer.Argument(help="Whose.", metavar="STUDENT")] = None,
    *,
    until: Annotated[
        str | None,
        typer.Option(help="The new due date, as 2026-12-01T18:00:00+01:00.", metavar="TIME"),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", help="student,course,section,assignment,until.", metavar="FILE"),
    ] = None,
    why: Annotated[str, typer.Option(help="The reason, for the record.", metavar="TEXT")],
    as_json: asking.AsJson = False,
) -> None:
    """Give students new due dates, one or a file of them."""
    settings = read_settings(ConsoleSettings)
    catalogue = catalogue_of(settings)
    one = (assignment, student, until)
    if csv is not None and one == (None, None, None):
        extensions, about = read_extensions(csv, catalogue), str(csv)
    elif csv is None and assignment and student and until:
        key = meant(catalogue, assignment).key
        try:
            extension = Extension(
                student=student,
                course=key.course,
                section=key.section,
                assignment=key.assignment,
                until=moment_with_zone(until),
            )
        except ValidationError as error:
            raise GoferError(_first_problem(error)) from None
        except ValueError as error:
            raise GoferError(f"--until: {error}.") from None
        extensions, about = (extension,), f"{student}, {key}"
    else:
        raise GoferError("Name ASSIGNMENT, STUDENT and --until, or a file with --csv.")
    request = actions.deliver(
        Spool(settings.volume_path),
        ExtendPayload(extensions=extensions),
        by=actions.requester(),
        why=why,
    )
    is_well = asking.tell(settings, {request: about}, terminal.err(), as_json=as_json)
    raise typer.Exit(int(not is_well))


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    return f"{name}: {first['msg'].removeprefix('Value error, ')}."
