"""The command `gofer batch` itself: its options, and what it says at the end."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from gofer_console import terminal
from gofer_console.batch import handing_in, pages
from gofer_console.known_assignments import catalogue_of, refuse_empty
from shared.batch.assignments import resolver
from shared.batch.claims import Manifest
from shared.batch.manifest import moment
from shared.batch.naming import compiled_pattern
from shared.batch.planning import Directions
from shared.config import ConsoleSettings, read_settings
from shared.errors import ConfigError, GoferError
from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.catalogue import Catalogue

T = TypeVar("T")

EXIT_INTERRUPTED: Final = 130


def batch(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Notebooks, folders of them, or zips.", metavar="PATH"),
    ],
    *,
    manifest: Annotated[
        Path | None,
        typer.Option(help="CSV: file,student,assignment,received_at.", metavar="FILE"),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            help="For file names, with a group (?P<student>…); otherwise GOFER_BATCH_PATTERN.",
            metavar="REGEX",
        ),
    ] = None,
    assignment: Annotated[
        str | None,
        typer.Option(help="For notebooks that do not say it.", metavar="COURSE/SECTION/NAME"),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            help="When they count as received, such as 2026-12-01T18:00:00+01:00; otherwise now.",
            metavar="TIME",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be graded as whom.")
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait until they are graded.")
    ] = False,
    why: Annotated[str, typer.Option(help="The reason, for the record.", metavar="TEXT")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Grade notebooks on their students' behalf, live submissions first. Safe to run again."""
    settings = read_settings(ConsoleSettings)
    catalogue = catalogue_of(settings)
    refuse_empty(catalogue)
    directions = Directions(
        pattern=_given("--pattern", compiled_pattern, pattern or settings.batch_pattern),
        manifest=None if manifest is None else _read(manifest),
        assignment=_given("--assignment", resolver(catalogue), assignment),
        as_of=_given("--as-of", lambda text: moment(text, utc_now()), as_of),
    )
    if dry_run:
        is_well = _show_plan(paths, directions, catalogue, settings, as_json=as_json)
        raise typer.Exit(int(not is_well))
    into = handing_in.HandedIn()
    try:
        handing_in.hand_in(
            paths, directions, catalogue, settings, why=why, into=into, err=terminal.err()
        )
        if not no_wait:
            handing_in.wait(into, settings, terminal.err())
    except KeyboardInterrupt:
        _show_summary(into, as_json=as_json)
        terminal.err().print(
            "Stopped waiting. What was taken will be graded; the same command again goes on here."
        )
        raise typer.Exit(EXIT_INTERRUPTED) from None
    _show_summary(into, as_json=as_json)
    raise typer.Exit(int(not into.is_well))


def _show_plan(
    paths: Sequence[Path],
    directions: Directions,
    catalogue: Catalogue,
    settings: ConsoleSettings,
    *,
    as_json: bool,
) -> bool:
    plan, present = handing_in.look_through(paths, directions, catalogue, settings, terminal.err())
    if as_json:
        sys.stdout.write(f"{pages.plan_json(plan, present)}\n")
        return not plan.problems
    if plan.entries:
        terminal.out().print(pages.plan_table(plan, present))
    if plan.problems:
        terminal.err().print(pages.problem_table(plan.problems))
    new = present.count(None)
    terminal.err().print(
        f"{new} notebook{'s' * (new != 1)} would be taken, {len(present) - new} skipped, "
        f"{len(plan.problems)} not taken; {len(plan.others)} other files. Nothing was done."
    )
    return not plan.problems


def _show_summary(into: handing_in.HandedIn, *, as_json: bool) -> None:
    if as_json:
        text = pages.summary_json(into.taken, into.standings, into.problems, into.others)
        sys.stdout.write(f"{text}\n")
        return
    if into.taken:
        terminal.out().print(pages.summary_table(into.taken, into.standings))
    if into.problems:
        terminal.err().print(pages.problem_table(into.problems))
    terminal.err().print(pages.counts_line(into.taken, into.problems, len(into.others)))


def _read(path: Path) -> Manifest:
    try:
        return Manifest(str(path), path.read_bytes())
    except OSError as error:
        raise GoferError(f"{path}: it cannot be read: {error.strerror}.") from error


def _given(option: str, read: Callable[[str], T], text: str | None) -> T | None:
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None
