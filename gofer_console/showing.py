"""`gofer show`: everything about one submission, and how its student's grade came about."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gofer_console import terminal
from gofer_console.grade_story import (
    moment_text,
    plain_table,
    print_story,
    show_grade,
    story_json,
)
from gofer_console.known_assignments import catalogue_of, meant
from gofer_console.queries import opened_gradebook
from shared.config import ConsoleSettings, read_settings
from shared.errors import GoferError, UnknownAssignment
from shared.gradebook.grade_history import grade_history, submissions_ending_in, whose
from shared.gradebook.grades import Origin
from shared.gradebook.policy import NotCounted, weighed
from shared.gradebook.queries import runs_of
from shared.spool import Spool

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from shared.catalogue import Catalogue
    from shared.gradebook.grade_history import GradeHistory
    from shared.gradebook.queries import RecordedRun
    from shared.model import AssignmentKey, SubmissionId

_WHY_NOT: Final = {
    NotCounted.NO_SCORE: "does not count: it ended without a score",
    NotCounted.HELD: "does not count until staff accept it: `gofer flags accept`",
    NotCounted.TOO_MANY: "does not count: more attempts than count",
    NotCounted.CUT_OFF: "does not count: later than the cut-off",
}


@dataclass(frozen=True, slots=True)
class _Found:
    id: SubmissionId
    student: str
    key: AssignmentKey
    runs: tuple[RecordedRun, ...]
    history: GradeHistory
    standing: str


def show(
    what: Annotated[
        str,
        typer.Argument(help="A submission's id, or the end of it; or an ASSIGNMENT.", metavar="ID"),
    ],
    student: Annotated[
        str | None,
        typer.Argument(help="Whose grade, where an assignment is named.", metavar="STUDENT"),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show a submission with its runs and questions, and how its student's grade came about.

    `gofer show ASSIGNMENT STUDENT` shows a grade by itself: also one of staff's where nothing was
    handed in.
    """
    settings = read_settings(ConsoleSettings)
    catalogue = catalogue_of(settings)
    if student is not None:
        show_grade(settings, meant(catalogue, what).key, student, as_json=as_json)
        return
    submission = what.strip().lower()
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        found = None if engine is None else _find(engine, submission, catalogue)
    if found is None:
        raise GoferError(_elsewhere(Spool(settings.volume_path), submission))
    if as_json:
        sys.stdout.write(f"{json.dumps(_as_json(found), indent=2, default=str)}\n")
        return
    out = terminal.out()
    out.print(f"{found.id}  {terminal.plain(found.student)}, {terminal.plain(str(found.key))}")
    out.print(f"It {found.standing}.", soft_wrap=True)
    for run in found.runs:
        out.print()
        _print_run(run)
    out.print()
    out.print(f"The grade of {terminal.plain(found.student)}", style="bold")
    print_story(found.history)


def _find(engine: Engine, end: str, catalogue: Catalogue) -> _Found | None:
    ids = submissions_ending_in(engine, end)
    if not ids:
        return None
    if len(ids) > 1:
        raise GoferError(f"Several submissions have an id that ends in {end!a}. Give more of it.")
    place = whose(engine, ids[0])
    if place is None:
        return None
    student, key = place
    history = grade_history(engine, student, key)
    standing = _standing(ids[0], key, history, catalogue)
    return _Found(ids[0], student, key, runs_of(engine, ids[0]), history, standing)


def _standing(
    submission_id: SubmissionId, key: AssignmentKey, history: GradeHistory, catalogue: Catalogue
) -> str:
    of_record = [grade for grade in history.grades if grade.superseded_at is None]
    if any(grade.submission_id == submission_id for grade in of_record):
        beneath = any(grade.origin is Origin.OVERRIDE for grade in of_record)
        return "lies beneath a score of staff's" if beneath else "makes the grade of record"
    try:
        policy = catalogue.find(key).policy
    except UnknownAssignment:
        return "makes no grade; the catalogue no longer has its assignment"
    for run, worth in weighed(history.runs, policy, history.until):
        if run.submission_id == submission_id:
            if isinstance(worth, NotCounted):
                return _WHY_NOT[worth]
            return "counts, but another one makes the grade"
    return "has no run that counts"


def _elsewhere(spool: Spool, end: str) -> str:
    """Say where a submission is that the gradebook does not have."""
    if not spool.new_dir.exists():
        return f"There is no submission whose id ends in {end!a}: nothing was ever submitted here."
    for ids, sentence in (
        (spool.pending(), "waits to be graded"),
        ([failure.id for failure in spool.failed()], "was set aside: `gofer failed list` says why"),
    ):
        fitting = [entry_id for entry_id in ids if entry_id.endswith(end)]
        if fitting:
            return f"{terminal.short_id(fitting[0])} {sentence}."
    return f"There is no submission whose id ends in {end!a}."


def _print_run(run: RecordedRun) -> None:
    out = terminal.out()
    score = "no score" if run.score is None else f"{run.score:.2f} of {run.points_possible:g}"
    applied = "" if run.applied_at else ", not applied"
    out.print(
        f"Run {terminal.short_id(run.run_id)}: {run.verdict.value}, {score} "
        f"({run.reason.value}{applied})",
        style="bold",
    )
    out.print(
        f"{moment_text(run.started_at)}, {run.wall_s:.1f} s, {run.sandbox}, otter "
        f"{run.otter_version or '?'}, zip {(run.autograder_sha256 or '?')[:12]}, "
        f"image {(run.image_id or '?').removeprefix('sha256:')[:12]}, tries {run.tries}",
        soft_wrap=True,
    )
    if run.flags:
        out.print(f"flags: {terminal.plain(' '.join(run.flags))}", soft_wrap=True)
    for text in (run.student_text, run.staff_text):
        if text:
            out.print(terminal.plain(text), soft_wrap=True)
    if run.questions:
        table = plain_table("question", "score", "of")
        for question in run.questions:
            table.add_row(
                terminal.plain(question.question),
                f"{question.score:.2f}",
                f"{question.points_possible:g}",
            )
        out.print(table)


def _as_json(found: _Found) -> dict[str, Any]:
    return {
        "submission_id": found.id,
        "student": found.student,
        "course": found.key.course,
        "section": found.key.section,
        "assignment": found.key.assignment,
        "standing": found.standing,
        "runs": [asdict(run) for run in found.runs],
        **story_json(found.history),
    }
