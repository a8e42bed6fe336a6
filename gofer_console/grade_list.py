"""`gofer grades list`: the grades of record as a table or as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from itertools import chain, islice
from textwrap import indent
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from gofer_console import terminal
from gofer_console.exports import options  # noqa: TC001 - typer reads the annotations
from gofer_console.exports.command import NO_GRADEBOOK
from gofer_console.exports.filters import make_filter, why_nothing
from gofer_console.exports.gofer import named
from gofer_console.exports.people import nobody_known, people_of_roster
from gofer_console.queries import opened_gradebook
from gofer_console.regrade.looking import catalogue_of
from shared.catalogue import present_zips
from shared.config import ConsoleSettings, read_settings
from shared.gradebook.grade_rows import grade_chunks
from shared.gradebook.grades import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.gradebook.grade_rows import GradeRow

LINES: Final = 10_000
"""Of the table at most: it is laid out as a whole, in memory, and nobody reads more."""


def list_grades(
    *,
    courses: options.Courses = None,
    sections: options.Sections = None,
    assignments: options.Assignments = None,
    students: options.Students = None,
    verdicts: options.Verdicts = None,
    flags: options.Flags = None,
    min_score: options.MinScore = None,
    max_score: options.MaxScore = None,
    min_percent: options.MinPercent = None,
    max_percent: options.MaxPercent = None,
    received_from: options.ReceivedFrom = None,
    received_before: options.ReceivedBefore = None,
    old_zip: options.OldZip = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List the grades of record: one line for each student and assignment."""
    wanted = make_filter(
        courses=courses,
        sections=sections,
        assignments=assignments,
        students=students,
        verdicts=verdicts,
        flags=flags,
        min_score=min_score,
        max_score=max_score,
        min_percent=min_percent,
        max_percent=max_percent,
        received_from=received_from,
        received_before=received_before,
    )
    settings = read_settings(ConsoleSettings)
    if old_zip:
        wanted = replace(wanted, other_zip_than=present_zips(catalogue_of(settings)))
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        rows: Iterator[GradeRow] = iter(())
        if engine is not None:
            rows = chain.from_iterable(grade_chunks(engine, wanted))
        if as_json:
            people = nobody_known if engine is None else people_of_roster(engine)
            sys.stdout.writelines(as_json_text(named(rows, people)))
            return
        shown = list(islice(rows, LINES))
        if shown:
            terminal.out().print(as_table(shown))
            if next(rows, None) is not None:
                terminal.err().print(
                    f"These are the first {LINES:,}; `gofer grades export` gives all of them."
                )
        elif engine is None:
            terminal.err().print(NO_GRADEBOOK)
        else:
            terminal.err().print(terminal.plain(why_nothing(engine, wanted)), soft_wrap=True)


def as_table(rows: Iterable[GradeRow]) -> Table:
    """Return grades as a table with its numbers aligned."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("course", "section", "assignment", "student"):
        table.add_column(name, overflow="fold")
    for name in ("score", "points", "percent"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("received (UTC)", no_wrap=True)
    table.add_column("flags", overflow="fold")
    table.add_column("set by", no_wrap=True)
    for row in rows:
        table.add_row(
            row["course"],
            row["section"],
            row["assignment"],
            row["student"],
            f"{row['score']:.2f}",
            f"{row['points_possible']:.2f}",
            f"{row['percent']:.1f}",
            (row["received_at"] or "")[:16].replace("T", " "),
            row["flags"],
            "staff" if row["origin"] == Origin.OVERRIDE else "",
        )
    return table


def as_json_text(rows: Iterable[GradeRow]) -> Iterator[str]:
    """Yield the text of a list of objects, each with the columns of the export `gofer`."""
    comma = ""
    yield "["
    for row in rows:
        yield f"{comma}\n{indent(json.dumps(row, indent=2), '  ')}"
        comma = ","
    yield f"{comma and chr(10)}]\n"
