"""The command `gofer grades export` itself: its options, its progress, what it says at the end."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gofer_console import terminal
from gofer_console.exports import options  # noqa: TC001 - typer reads the annotations
from gofer_console.exports.filters import make_filter, why_nothing
from gofer_console.exports.layouts import Layout, Source, how_many, make_sheet
from gofer_console.exports.output import appearing
from gofer_console.exports.people import nobody_known, people_of_roster
from gofer_console.exports.writers import Format, write_csv, write_xlsx
from gofer_console.queries import opened_gradebook
from shared.catalogue import load_catalogue
from shared.config import ConsoleSettings, read_settings
from shared.errors import ConfigError, GoferError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gofer_console.exports.layouts import Sheet
    from shared.model import AssignmentKey

NO_GRADEBOOK: Final = "There is no gradebook yet: nothing has been graded on this volume."
_STDOUT: Final = Path("-")
_LAYOUT_HELP: Final = (
    "gofer: a row a grade, with all that is known. wide: a row a student, a column an assignment. "
    "questions: a row a question. canvas, moodle, edx: what each imports. classic: a row a graded "
    "submission."
)


def export_grades(
    *,
    layout: Annotated[Layout, typer.Option(help=_LAYOUT_HELP)] = Layout.GOFER,
    file_format: Annotated[
        Format | None,
        typer.Option("--format", help="Otherwise what the file's name ends in, or CSV."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A file; - is standard output.", metavar="FILE")
    ] = _STDOUT,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file where it is there already.")
    ] = False,
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
) -> None:
    """Export grades of record as CSV or XLSX, for people or for an LMS to import."""
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
    chosen = _format(file_format, output, layout)
    settings = read_settings(ConsoleSettings)
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        people = nobody_known if engine is None else people_of_roster(engine)
        source = Source(engine, wanted, lms_ids=lambda: _lms_ids(settings), people=people)
        with _progress(layout, source, is_shown=_shows_progress(output)) as watched:
            sheet = make_sheet(layout, watched)
            rows = _write(sheet, layout, chosen, output, force=force) - sheet.heading_rows
        _tell(sheet, rows, layout, output)
        if engine is None:
            terminal.err().print(NO_GRADEBOOK)
        elif not rows:
            terminal.err().print(terminal.plain(why_nothing(engine, wanted)), soft_wrap=True)


def _format(asked: Format | None, output: Path, layout: Layout) -> Format:
    """Return how to write.

    Raises:
        ConfigError: it cannot be written so.
    """
    chosen = asked or (Format.XLSX if output.suffix.lower() == ".xlsx" else Format.CSV)
    if chosen is Format.XLSX and layout.importer:
        raise ConfigError(f"--format: {layout.importer} imports CSV, and no XLSX.")
    if chosen is Format.XLSX and output == _STDOUT and sys.stdout.isatty():
        raise ConfigError("--format: XLSX is nothing for a terminal. Name a file with --output.")
    return chosen


def _lms_ids(settings: ConsoleSettings) -> dict[AssignmentKey, str]:
    catalogue = load_catalogue(
        course_config=settings.course_config_path,
        autograders=settings.autograders,
        defaults=settings.defaults,
        course=settings.course,
    )
    return {one.key: one.lms_id for one in catalogue if one.lms_id}


def _shows_progress(output: Path) -> bool:
    return terminal.err().is_terminal and not (output == _STDOUT and sys.stdout.isatty())


@contextmanager
def _progress(layout: Layout, source: Source, *, is_shown: bool) -> Iterator[Source]:
    """Show how far an export is while the block runs, on a terminal."""
    if not is_shown:
        yield source
        return
    bar = Progress(
        TextColumn("Exporting"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=terminal.err(),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=how_many(layout, source))
        yield replace(source, read=lambda grades: bar.advance(task, grades))


def _write(sheet: Sheet, layout: Layout, chosen: Format, output: Path, *, force: bool) -> int:
    if output == _STDOUT:
        try:
            rows = _write_stdout(sheet, layout, chosen)
            sys.stdout.flush()
        except BrokenPipeError:
            raise  # whoever read it has enough; typer ends the command for that
        except OSError as error:
            # What is left in its buffer would be tried, and fail, once more at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise GoferError(f"Standard output cannot be written: {error.strerror}.") from error
        return rows
    with appearing(output, replace=force) as temporary:
        if chosen is Format.XLSX:
            return write_xlsx(temporary, sheet.columns, sheet.rows, layout.value)
        # Excel takes a file without the mark for one in the encoding of its own country.
        encoding = "utf-8-sig" if layout.is_for_people else "utf-8"
        with temporary.open("w", encoding=encoding, newline="") as file:
            return write_csv(file, sheet.columns, sheet.rows)


def _write_stdout(sheet: Sheet, layout: Layout, chosen: Format) -> int:
    if chosen is Format.XLSX:
        with tempfile.TemporaryDirectory(prefix="gofer-export-") as folder:
            path = Path(folder, "export.xlsx")
            rows = write_xlsx(path, sheet.columns, sheet.rows, layout.value)
            with path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
        return rows
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # whatever the terminal's is
    return write_csv(sys.stdout, sheet.columns, sheet.rows)


def _tell(sheet: Sheet, rows: int, layout: Layout, output: Path) -> None:
    say = terminal.err().print
    notes = list(sheet.notes)
    if output != _STDOUT:
        say(f"{rows:,} row{'s' * (rows != 1)} in {output}", soft_wrap=True)
        if layout.max_bytes is not None and output.stat().st_size > layout.max_bytes:
            notes.append(
                f"{layout.importer} takes no file above {layout.max_bytes >> 20} MB. Cut it into "
                "several, each with the header."
            )
    for note in notes:
        say(f"Note: {terminal.plain(note)}", soft_wrap=True)
