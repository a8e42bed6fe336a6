"""`gofer …`: the terminal console. Each command reads its settings, hands over, and says the rest.

Exit codes: 0 done, 1 something was refused or failed, 2 the command or the configuration cannot be
used.
"""

import io
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Annotated, Final

import typer

from gofer_console import actions, grade_list, grader_side, sending, terminal, up
from gofer_console import doctor as doctor_page
from gofer_console import failed as failed_page
from gofer_console.batch.command import batch
from gofer_console.queries import Filter, Layout, grade_rows, opened_gradebook
from shared.config import ConsoleSettings, child_environment, read_settings
from shared.errors import ConfigError, GoferError
from shared.model import SubmissionId
from shared.spool import Spool

app: Final = typer.Typer(
    name="gofer",
    help="Grade Jupyter notebooks: submit them, look after their grades, run the services.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its pages of traceback show local variables, also secret ones
    context_settings={"help_option_names": ["-h", "--help"]},
)
grades: Final = typer.Typer(help="Read the gradebook.", no_args_is_help=True)
image: Final = typer.Typer(help="Look after the grader image.", no_args_is_help=True)
app.add_typer(grades, name="grades")
failed: Final = typer.Typer(
    help="Look after submissions that our machinery failed and set aside.", no_args_is_help=True
)
app.add_typer(failed, name="failed")
app.add_typer(image, name="image")


_NO_GRADEBOOK: Final = "There is no gradebook yet: nothing has been graded on this volume."

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Course = Annotated[str | None, typer.Option(help="Only this course.")]
Assignment = Annotated[str | None, typer.Option(help="Only this assignment.")]
Student = Annotated[str | None, typer.Option(help="Only this student.")]
Entries = Annotated[
    list[str] | None, typer.Argument(help="Ids, or the ends of them.", metavar="ID...")
]
Every = Annotated[bool, typer.Option("--all", help="All that are set aside.")]
Why = Annotated[str, typer.Option(help="The reason, for the record.", metavar="TEXT")]


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        terminal.out().print(f"gofer {metadata.version('gofer')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Grade Jupyter notebooks: submit them, look after their grades, run the services."""


@app.command("up")
def start_services() -> None:
    """Run the server and the grader together, until Ctrl-C."""
    settings = read_settings(ConsoleSettings)
    overrides = {}
    if settings.log_format == "auto" and sys.stdout.isatty():
        overrides["GOFER_LOG_FORMAT"] = "text"  # they log into a pipe, but a person reads it
    processes = up.commands(up.project_root() / "Procfile")
    raise typer.Exit(up.run_processes(processes, child_environment(overrides)))


@app.command("demo")
def run_demo() -> None:
    """Grade the sample course from end to end, on a fresh volume, and show the results."""
    from gofer_console.demo.run import demo  # noqa: PLC0415 - pandas takes half a second to import

    raise typer.Exit(demo(read_settings(ConsoleSettings)))


@app.command("submit")
def submit(
    files: Annotated[list[Path], typer.Argument(help="Notebooks (.ipynb).", metavar="FILE...")],
    student: Annotated[str, typer.Option("--as", help="Whose they are.", metavar="STUDENT")],
    *,
    url: Annotated[
        str | None, typer.Option(help="Of the server; otherwise GOFER_URL.", metavar="URL")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until they are graded.")] = False,
    as_json: AsJson = False,
) -> None:
    """Submit notebooks as a student."""
    sent = sending.send(
        files,
        student=student,
        url=_server_url(url),
        has_to_wait=wait,
        out=None if as_json else terminal.out(),
        err=terminal.err(),
    )
    if as_json:
        _print_json(sending.as_json(sent))
    raise typer.Exit(int(not all(one.is_well for one in sent)))


app.command("batch")(batch)


@grades.command("list")
def list_grades(
    *,
    course: Course = None,
    assignment: Assignment = None,
    student: Student = None,
    as_json: AsJson = False,
) -> None:
    """List the grades of record: one line for each student and assignment."""
    settings = read_settings(ConsoleSettings)
    wanted = Filter(course=course, assignment=assignment, student=student)
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        rows = list(grade_rows(engine, wanted))
    if as_json:
        _print_json(grade_list.as_json(rows))
    elif rows:
        terminal.out().print(grade_list.as_table(rows))
    else:
        terminal.err().print(_NO_GRADEBOOK if engine is None else "There is no such grade yet.")


@grades.command("export")
def export_grades(
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; otherwise stdout.")
    ] = None,
    layout: Annotated[
        Layout,
        typer.Option(
            help="gofer: a row per student and assignment. classic: a row per graded submission."
        ),
    ] = Layout.GOFER,
    course: Course = None,
    assignment: Assignment = None,
    student: Student = None,
) -> None:
    """Export grades as CSV."""
    from gofer_console import csv_files, export  # noqa: PLC0415 - pandas is slow to import

    settings = read_settings(ConsoleSettings)
    wanted = Filter(course=course, assignment=assignment, student=student)
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        if output is None:
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(encoding="utf-8", newline="")  # whatever the terminal's is
            rows = export.write_grades(sys.stdout, engine, layout, wanted)
        else:
            with csv_files.replacing(output) as file:
                rows = export.write_grades(file, engine, layout, wanted)
    if engine is None:
        terminal.err().print(_NO_GRADEBOOK)
    elif output is not None:
        terminal.err().print(f"{rows} row{'s' * (rows != 1)} in {output}", soft_wrap=True)


@app.command("doctor")
def doctor(*, as_json: AsJson = False) -> None:
    """Say what is missing or wrong, and what to do about it."""
    found = doctor_page.all_checks(read_settings(ConsoleSettings))
    if as_json:
        _print_json(doctor_page.as_json(found))
    else:
        terminal.out().print(doctor_page.as_table(found))
    raise typer.Exit(doctor_page.exit_code(found))


@failed.command("list")
def list_failed(*, as_json: AsJson = False) -> None:
    """List what was set aside, and why."""
    failures = Spool(read_settings(ConsoleSettings).volume_path).failed()
    if as_json:
        _print_json(failed_page.as_json(failures))
    elif failures:
        terminal.out().print(failed_page.as_table(failures))
    else:
        terminal.err().print("Nothing is set aside.")


@failed.command("retry")
def retry_failed(entries: Entries = None, *, why: Why, every: Every = False) -> None:
    """Have submissions that were set aside graded again."""
    _ask_about_failed(entries, every=every, why=why, request=actions.ask_for_retry)


@failed.command("discard")
def discard_failed(entries: Entries = None, *, why: Why, every: Every = False) -> None:
    """Give up submissions that were set aside. They stay in the archive, without a grade."""
    _ask_about_failed(entries, every=every, why=why, request=actions.ask_for_discard)


def _ask_about_failed(
    entries: list[str] | None,
    *,
    every: bool,
    why: str,
    request: Callable[..., SubmissionId],
) -> None:
    settings = read_settings(ConsoleSettings)
    spool = Spool(settings.volume_path)
    ids = failed_page.chosen(spool.failed(), entries or [], every=every)
    is_well = failed_page.ask(spool, settings, ids, request, why, terminal.err())
    raise typer.Exit(int(not is_well))


@image.command("build")
def build_image() -> None:
    """Build the grader image on this machine's Docker engine."""
    raise typer.Exit(grader_side.build_image())


def _server_url(url: str | None) -> str:
    if url is None:
        return read_settings(ConsoleSettings).server_url
    return f"{url.rstrip('/')}/"


def _print_json(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main() -> None:
    """Run the command line; what Gofer raises on purpose becomes a plain line and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is no failure
    try:
        app()
    except GoferError as error:
        terminal.err().print(terminal.plain(str(error)), style="red", soft_wrap=True)
        sys.exit(2 if isinstance(error, ConfigError) else 1)


if __name__ == "__main__":
    main()
