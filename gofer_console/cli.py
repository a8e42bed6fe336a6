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

from gofer_console import actions, grader_side, sending, terminal, up
from gofer_console import doctor as doctor_page
from gofer_console import failed as failed_page
from gofer_console import flags as flags_page
from gofer_console.asking import AsJson
from gofer_console.audit import audit
from gofer_console.backing_up import backup, restore
from gofer_console.batch.command import batch
from gofer_console.console_command import console
from gofer_console.decisions import extend, override
from gofer_console.exports.command import NO_GRADEBOOK, export_grades
from gofer_console.grade_list import list_grades
from gofer_console.post import post
from gofer_console.publishing import publish
from gofer_console.queries import opened_gradebook
from gofer_console.recomputing import recompute
from gofer_console.regrade.command import app as regrade
from gofer_console.roster import roster
from gofer_console.showing import show
from gofer_console.status import status
from shared.config import ConsoleSettings, child_environment, read_settings
from shared.errors import ConfigError, GoferError
from shared.gradebook.flagged import flagged_runs
from shared.model import SubmissionId
from shared.spool import Spool

app: Final = typer.Typer(
    name="gofer",
    help="Grade Jupyter notebooks: submit them, look after their grades, run the services.",
    no_args_is_help=True,
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
flags: Final = typer.Typer(
    help="Look after runs that are worth a look, and those that are held.", no_args_is_help=True
)
app.add_typer(flags, name="flags")
app.add_typer(image, name="image")
app.add_typer(regrade, name="regrade")
app.add_typer(post, name="post")
app.add_typer(roster, name="roster")


Entries = Annotated[
    list[str] | None, typer.Argument(help="Ids, or the ends of them.", metavar="ID")
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
def start_services(
    without: Annotated[
        list[str] | None,
        typer.Option(
            help="Leave this one out, such as console; may be given several times.", metavar="NAME"
        ),
    ] = None,
) -> None:
    """Run the server, the grader and the console together, until Ctrl-C."""
    settings = read_settings(ConsoleSettings)
    overrides = {}
    if settings.log_format == "auto" and sys.stdout.isatty():
        overrides["GOFER_LOG_FORMAT"] = "text"  # they log into a pipe, but a person reads it
    processes = up.commands(up.project_root() / "Procfile", without=without or ())
    raise typer.Exit(up.run_processes(processes, child_environment(overrides)))


@app.command("demo")
def run_demo() -> None:
    """Grade the sample course from end to end, on a fresh volume, and show the results."""
    from gofer_console.demo.run import demo  # noqa: PLC0415 - only the demo needs it

    raise typer.Exit(demo(read_settings(ConsoleSettings)))


@app.command("submit")
def submit(
    files: Annotated[list[Path], typer.Argument(help="Notebooks (.ipynb).", metavar="FILE")],
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
app.command("console")(console)
app.command("override")(override)
app.command("extend")(extend)
app.command("publish")(publish)
app.command("show")(show)
app.command("status")(status)
app.command("audit")(audit)
app.command("backup")(backup)
app.command("restore")(restore)
grades.command("recompute")(recompute)


grades.command("list")(list_grades)
grades.command("export")(export_grades)


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
def retry_failed(
    entries: Entries = None, *, why: Why, every: Every = False, as_json: AsJson = False
) -> None:
    """Have submissions that were set aside graded again."""
    _ask_about_failed(entries, every=every, why=why, request=actions.ask_for_retry, as_json=as_json)


@failed.command("discard")
def discard_failed(
    entries: Entries = None, *, why: Why, every: Every = False, as_json: AsJson = False
) -> None:
    """Give up submissions that were set aside. They stay in the archive, without a grade."""
    _ask_about_failed(
        entries, every=every, why=why, request=actions.ask_for_discard, as_json=as_json
    )


def _ask_about_failed(
    entries: list[str] | None,
    *,
    every: bool,
    why: str,
    request: Callable[..., SubmissionId],
    as_json: bool,
) -> None:
    settings = read_settings(ConsoleSettings)
    spool = Spool(settings.volume_path)
    ids = failed_page.chosen(spool.failed(), entries or [], every=every)
    if not ids:
        terminal.err().print("Nothing is set aside.")
    is_well = failed_page.ask(spool, settings, ids, request, why, terminal.err(), as_json=as_json)
    raise typer.Exit(int(not is_well))


@flags.command("list")
def list_flagged(*, as_json: AsJson = False) -> None:
    """List runs that were tampered with or whose source is odd, and whether they count."""
    settings = read_settings(ConsoleSettings)
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        runs = () if engine is None else flagged_runs(engine)
    if as_json:
        _print_json(flags_page.as_json(runs))
    elif runs:
        terminal.out().print(flags_page.as_table(runs))
    else:
        terminal.err().print(NO_GRADEBOOK if engine is None else "No run has such a flag.")


@flags.command("accept")
def accept_flagged(
    submissions: Annotated[
        list[str], typer.Argument(help="Ids, or the ends of them.", metavar="ID")
    ],
    *,
    why: Why,
    as_json: AsJson = False,
) -> None:
    """Let runs that are held count."""
    settings = read_settings(ConsoleSettings)
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        runs = () if engine is None else flagged_runs(engine)
    spool, by = Spool(settings.volume_path), actions.requester()
    asked = {
        actions.ask_to_accept(spool, run.run_id, by=by, why=why): run.submission_id
        for run in flags_page.chosen(runs, submissions)
    }
    is_well = failed_page.tell(settings, asked, terminal.err(), as_json=as_json)
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
