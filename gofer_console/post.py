"""`gofer post`: the grades on their way to the LMS.

Everything but `list` is a request that the grader carries out, and can be asked while it is down.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer
from pydantic import ValidationError

from gofer_console import actions, asking, post_list, terminal
from gofer_console.queries import opened_gradebook
from shared.config import ConsoleSettings, read_settings
from shared.errors import GoferError
from shared.gradebook.outbox import State
from shared.gradebook.outbox_list import postings
from shared.requests import (
    PostDismissPayload,
    PostHoldPayload,
    PostReconcilePayload,
    PostReleasePayload,
    PostRetryPayload,
    PostSendPayload,
    PostTestPayload,
    Selection,
)
from shared.spool import Spool

if TYPE_CHECKING:
    from shared.gradebook.outbox_list import Posting

post: Final = typer.Typer(help="Look after grades on their way to the LMS.", no_args_is_help=True)

P = TypeVar(
    "P",
    PostSendPayload,
    PostRetryPayload,
    PostDismissPayload,
    PostHoldPayload,
    PostReleasePayload,
    PostTestPayload,
    PostReconcilePayload,
)

Course = Annotated[str | None, typer.Option(help="Only this course.")]
Section = Annotated[str | None, typer.Option(help="Only this section.")]
Assignment = Annotated[str | None, typer.Option(help="Only this assignment.")]
Student = Annotated[str | None, typer.Option(help="Only this student.")]
Every = Annotated[bool, typer.Option("--all", help="All there are.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say which, and do nothing.")]
Why = Annotated[str, typer.Option(help="The reason, for the record.", metavar="TEXT")]


@post.command("list")
def list_postings(
    *,
    course: Course = None,
    section: Section = None,
    assignment: Assignment = None,
    student: Student = None,
    state: Annotated[
        list[State] | None, typer.Option(help="Only these; may be given several times.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List the grades of record, and how far each got on its way to the LMS."""
    selection = _payload(PostSendPayload, course, section, assignment, student, every=True)
    found = _found(read_settings(ConsoleSettings), selection, frozenset(state or ()))
    if as_json:
        sys.stdout.write(f"{post_list.as_json(found)}\n")
    elif found:
        terminal.out().print(post_list.as_table(found))
    else:
        terminal.err().print("There is no such grade yet.")


@post.command("send")
def send(
    *,
    course: Course = None,
    section: Section = None,
    assignment: Assignment = None,
    student: Student = None,
    every: Every = False,
    dry_run: DryRun = False,
    why: Why = "",
    as_json: asking.AsJson = False,
) -> None:
    """Send grades now: also those that are held, that came in a batch, or that the LMS has."""
    payload = _payload(PostSendPayload, course, section, assignment, student, every=every)
    _ask(payload, why, dry_run=dry_run, as_json=as_json)


@post.command("retry")
def retry(
    *,
    course: Course = None,
    section: Section = None,
    assignment: Assignment = None,
    student: Student = None,
    every: Every = False,
    dry_run: DryRun = False,
    why: Why = "",
    as_json: asking.AsJson = False,
) -> None:
    """Send those again that failed or are parked."""
    payload = _payload(PostRetryPayload, course, section, assignment, student, every=every)
    _ask(payload, why, frozenset({State.FAILED, State.PARKED}), dry_run=dry_run, as_json=as_json)


@post.command("dismiss")
def dismiss(
    *,
    course: Course = None,
    section: Section = None,
    assignment: Assignment = None,
    student: Student = None,
    every: Every = False,
    dry_run: DryRun = False,
    why: Why = "",
    as_json: asking.AsJson = False,
) -> None:
    """Send those no more that failed or are parked, as when they were seen to at the LMS."""
    payload = _payload(PostDismissPayload, course, section, assignment, student, every=every)
    if not why.strip() and not dry_run:
        raise GoferError("Say why they need not be sent, with --why.")
    _ask(payload, why, frozenset({State.FAILED, State.PARKED}), dry_run=dry_run, as_json=as_json)


@post.command("hold")
def hold(
    *,
    course: Course = None,
    section: Section = None,
    assignment: Assignment = None,
    every: Every = False,
    dry_run: DryRun = False,
    why: Why = "",
    as_json: asking.AsJson = False,
) -> None:
    """Keep the grades of assignments from the LMS, until they are released."""
    payload = _payload(PostHoldPayload, course, section, assignment, None, every=every)
    _ask(payload, why, frozenset({State.QUEUED}), dry_run=dry_run, as_json=as_json)


@post.command("release")
def release(
    *,
    course: Course = None,
    section: Section = None,
    assignment: Assignment = None,
    every: Every = False,
    dry_run: DryRun = False,
    why: Why = "",
    as_json: asking.AsJson = False,
) -> None:
    """Let the grades of assignments go to the LMS, from now on."""
    payload = _payload(PostReleasePayload, course, section, assignment, None, every=every)
    _ask(payload, why, frozenset({State.HELD}), dry_run=dry_run, as_json=as_json)


@post.command("test")
def try_connections(
    *,
    course: Course = None,
    section: Section = None,
    assignment: Assignment = None,
    every: Every = False,
    why: Why = "",
    as_json: asking.AsJson = False,
) -> None:
    """Try whether the LMS lets Gofer in. No grade is changed."""
    payload = _payload(PostTestPayload, course, section, assignment, None, every=every)
    _ask(payload, why, dry_run=False, as_json=as_json)


@post.command("reconcile")
def reconcile(
    *,
    course: Course = None,
    section: Section = None,
    assignment: Assignment = None,
    student: Student = None,
    every: Every = False,
    dry_run: DryRun = False,
    why: Why = "",
    as_json: asking.AsJson = False,
) -> None:
    """Ask the LMS what it holds; `gofer post list` then tells where it is something else."""
    payload = _payload(PostReconcilePayload, course, section, assignment, student, every=every)
    _ask(payload, why, dry_run=dry_run, has_to_be_there=True, as_json=as_json)


def _payload(
    model: type[P],
    course: str | None,
    section: str | None,
    assignment: str | None,
    student: str | None,
    *,
    every: bool,
) -> P:
    if not every and not any((course, section, assignment, student)):
        raise GoferError("Say which grades, with --assignment or --student, or take --all.")
    try:
        return model(
            course=course, section=section, assignment=assignment, student=student, every=every
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = ".".join(map(str, first["loc"]))
        text = first["msg"].removeprefix("Value error, ")
        raise GoferError(f"--{name}: {text}." if name else f"{text}.") from None


def _ask(
    payload: P,
    why: str,
    states: frozenset[State] = frozenset(),
    *,
    dry_run: bool,
    as_json: bool,
    has_to_be_there: bool = False,
) -> None:
    settings = read_settings(ConsoleSettings)
    if dry_run:
        found = _found(settings, payload, states)
        if has_to_be_there:
            found = [posting for posting in found if posting.sent is not None]
        if as_json:
            sys.stdout.write(f"{post_list.as_json(found)}\n")
        elif found:
            terminal.out().print(post_list.as_table(found))
        terminal.err().print(f"{len(found)} grade{'s' * (len(found) != 1)} now. Nothing was done.")
        return
    request = actions.deliver(Spool(settings.volume_path), payload, by=actions.requester(), why=why)
    is_well = asking.tell(settings, {request: "post"}, terminal.err(), as_json=as_json)
    raise typer.Exit(int(not is_well))


def _found(
    settings: ConsoleSettings, selection: Selection, states: frozenset[State]
) -> list[Posting]:
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        return [] if engine is None else postings(engine, selection, states)
