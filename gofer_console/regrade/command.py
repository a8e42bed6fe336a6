"""`gofer regrade start|list|show|apply|cancel`."""

import io
import json
import sys
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from gofer_console import actions, terminal
from gofer_console.asking import AsJson
from gofer_console.failed import tell
from gofer_console.queries import opened_gradebook
from gofer_console.regrade import files, pages, watching
from gofer_console.regrade.looking import (
    assignment_named,
    catalogue_of,
    preview,
    regrade_named,
)
from shared.config import ConsoleSettings, read_settings
from shared.errors import GoferError
from shared.gradebook.regrades.comparison import Effect
from shared.gradebook.regrades.preview import Preview
from shared.gradebook.regrades.progress import Regrade, regrades
from shared.model import RegradeId, SubmissionId
from shared.requests import (
    Choice,
    RegradeApplyPayload,
    RegradeCancelPayload,
    RegradeStartPayload,
    StaffPayload,
)
from shared.spool import Spool

app: Final = typer.Typer(
    help="Grade submissions again, look at who would move, then apply or cancel it.",
    no_args_is_help=True,
)

_NO_GRADEBOOK: Final = "There is no gradebook yet: nothing has been graded on this volume."
_SHOWN: Final = 40

Id = Annotated[str, typer.Argument(help="Its id, or the end of it.", metavar="ID")]
Why = Annotated[str, typer.Option(help="The reason, for the record.", metavar="TEXT")]


@app.command("start")
def start(
    assignment: Annotated[
        str,
        typer.Argument(help="COURSE/SECTION/NAME, or the end of that.", metavar="ASSIGNMENT"),
    ],
    *,
    why: Why,
    latest: Annotated[
        bool, typer.Option("--latest", help="Of each student the submission received last.")
    ] = False,
    best: Annotated[
        bool, typer.Option("--best", help="Of each student the submission with the best score.")
    ] = False,
    failed: Annotated[
        bool, typer.Option("--failed", help="The submissions that ended without a score.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="All submissions (the default).")] = False,
    student: Annotated[
        list[str] | None, typer.Option(help="Only this student's; may be given again.")
    ] = None,
    question: Annotated[
        list[str] | None,
        typer.Option(help="Only without full points on this question; may be given again."),
    ] = None,
    old_zip: Annotated[
        bool, typer.Option("--old-zip", help="Only what another zip than the present one graded.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Grade submissions again in the background. No grade changes by it."""
    settings = read_settings(ConsoleSettings)
    key = assignment_named(catalogue_of(settings), assignment).key
    try:
        payload = RegradeStartPayload(
            course=key.course,
            section=key.section,
            assignment=key.assignment,
            choice=_choice(latest=latest, best=best, failed=failed, every=every),
            students=tuple(student or ()),
            questions=tuple(question or ()),
            old_zip=old_zip,
        )
    except ValidationError as error:
        raise GoferError("What --student or --question says cannot be a name.") from error
    _ask(settings, payload, None, why, as_json=as_json)


@app.command("list")
def list_regrades(*, as_json: AsJson = False) -> None:
    """List regrades, the newest first, and how far each has come."""
    settings = read_settings(ConsoleSettings)
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        found: list[tuple[Regrade, float | None]] = []
        if engine is not None:
            found = [
                (one, watching.time_left(engine, settings.volume_path, one))
                for one in regrades(engine)
            ]
    if as_json:
        _print(json.dumps([files.regrade_row(*one) for one in found], indent=2))
    elif found:
        terminal.out().print(pages.list_table(found))
    else:
        terminal.err().print(_NO_GRADEBOOK if engine is None else "There is no regrade.")


@app.command("show")
def show(
    regrade: Id,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until it is through.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help=f"Every move, not the {_SHOWN} biggest alone.")
    ] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV, with those who stay as well.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show who would move and by how much, the biggest moves first."""
    settings = read_settings(ConsoleSettings)
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        chosen = regrade_named(engine, regrade)
        if engine is None:
            raise GoferError(_NO_GRADEBOOK)
        if watch:
            watching.watch(engine, settings.volume_path, chosen, terminal.err())
        found = preview(engine, catalogue_of(settings), chosen.id)
    if as_json:
        _print(files.preview_json(found))
    elif as_csv:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", newline="")  # whatever the terminal's is
        files.write_csv(sys.stdout, found)
    else:
        _print_preview(found, None if every else _SHOWN)
        _print_advice(found)


@app.command("apply")
def apply(
    regrade: Id,
    *,
    why: Why,
    shown: Annotated[
        str | None,
        typer.Option(help="The word that `gofer regrade show` ended with.", metavar="WORD"),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Apply what it is now, without a look.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let a regrade count, unless who moves has changed since it was shown."""
    settings = read_settings(ConsoleSettings)
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        chosen = regrade_named(engine, regrade)
        if engine is None:
            raise GoferError(_NO_GRADEBOOK)
        found = preview(engine, catalogue_of(settings), chosen.id)
    if chosen.state != "ready":
        raise GoferError(f"Regrade {terminal.short_id(chosen.id)} is {chosen.state}.")
    if shown is None and not yes:
        _print_preview(found, _SHOWN)
        if not sys.stdin.isatty():
            raise GoferError("Say --shown with the word that `gofer regrade show` ends with.")
        typer.confirm("Apply it?", abort=True, err=True)
    try:
        payload = RegradeApplyPayload(
            regrade=SubmissionId(chosen.id), fingerprint=shown or found.fingerprint
        )
    except ValidationError as error:
        raise GoferError("That is not the word that `gofer regrade show` ends with.") from error
    _ask(settings, payload, chosen.id, why, as_json=as_json)


@app.command("cancel")
def cancel(regrade: Id, *, why: Why, as_json: AsJson = False) -> None:
    """Give a regrade up: every grade stays as it is."""
    settings = read_settings(ConsoleSettings)
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        chosen = regrade_named(engine, regrade)
    payload = RegradeCancelPayload(regrade=SubmissionId(chosen.id))
    _ask(settings, payload, chosen.id, why, as_json=as_json)


def _choice(*, latest: bool, best: bool, failed: bool, every: bool) -> Choice:
    given = [
        choice
        for choice, is_given in (
            (Choice.LATEST, latest),
            (Choice.BEST, best),
            (Choice.FAILED, failed),
            (Choice.ALL, every),
        )
        if is_given
    ]
    if len(given) > 1:
        raise GoferError("Take one of --latest, --best, --failed and --all.")
    return given[0] if given else Choice.ALL


def _ask(
    settings: ConsoleSettings,
    payload: StaffPayload,
    regrade: RegradeId | None,
    why: str,
    *,
    as_json: bool,
) -> None:
    """Ask for it, and say what came of it; a regrade that starts has its request's id."""
    try:
        request = actions.deliver(
            Spool(settings.volume_path), payload, by=actions.requester(), why=why
        )
    except ValueError as error:
        raise GoferError("This names too much for one request. Ask in parts.") from error
    subject = request if regrade is None else SubmissionId(regrade)
    is_well = tell(settings, {request: subject}, terminal.err(), as_json=as_json)
    raise typer.Exit(int(not is_well))


def _print_preview(found: Preview, most: int | None) -> None:
    out = terminal.out()
    for line in pages.heading(found.regrade):
        out.print(line)
    changed = [*found.of(Effect.MOVES), *found.of(Effect.HIDDEN)]
    if changed:
        out.print()
        out.print(pages.moves_table(changed[:most]))
        if most is not None and len(changed) > most:
            out.print(f"… and {len(changed) - most} smaller ones; --all shows them.")
    out.print()
    for line in pages.summary(found):
        out.print(line)


def _print_advice(found: Preview) -> None:
    name = terminal.short_id(found.regrade.id)
    if found.regrade.state == "running":
        terminal.err().print("It is not through: what is shown is what there is so far.")
    elif found.regrade.state == "ready":
        terminal.err().print(
            f"Nothing has changed yet. To let it count:\n"
            f"  gofer regrade apply {name} --shown {found.fingerprint} --why …"
        )


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
