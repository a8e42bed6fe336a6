"""How the terminal shows regrades, and what one of them would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from gofer_console.terminal import plain, short_id
from shared.gradebook.regrades.comparison import Effect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.gradebook.regrades.comparison import Autograde, Change, QuestionMove
    from shared.gradebook.regrades.preview import KeptRun, Preview
    from shared.gradebook.regrades.progress import Regrade

_MINUTE_S = 60
_HOUR_S = 3600


def list_table(regrades: Iterable[tuple[Regrade, float | None]]) -> Table:
    """Return regrades, each with how many seconds it may still take, as a table."""
    table = _table("id", "assignment", "state", ">regraded", ">failed", ">time left")
    for name in ("started (UTC)", "by", "why"):
        table.add_column(name, overflow="fold")
    for one, seconds in regrades:
        table.add_row(
            short_id(one.id),
            plain(str(one.key)),
            one.state,
            f"{one.regraded}/{one.submissions}",
            str(one.given_up),
            duration(seconds) if one.state == "running" else "",
            one.started_at.strftime("%Y-%m-%d %H:%M"),
            plain(one.requested_by),
            plain(one.reason),
        )
    return table


def duration(seconds: float | None) -> str:
    """Return about how long that is, in words; `?` where nobody knows."""
    if seconds is None:
        return "?"
    if seconds < _MINUTE_S:
        return "under 1 min"
    if seconds < _HOUR_S:
        return f"{round(seconds / _MINUTE_S)} min"
    return f"{int(seconds // _HOUR_S)} h {int(seconds % _HOUR_S // _MINUTE_S)} min"


def heading(regrade: Regrade) -> Iterator[str]:
    """Yield what a regrade is, in lines."""
    yield f"Regrade {short_id(regrade.id)} of {plain(str(regrade.key))}: {regrade.state}"
    yield (
        f"{plain(regrade.requested_by)}, {regrade.started_at:%Y-%m-%d %H:%M} UTC: "
        f"{plain(regrade.reason)}"
    )
    yield (
        f"{regrade.regraded} of {_counted(regrade.submissions, 'submission')} regraded with zip "
        f"{regrade.autograder_sha256[:12]}, {regrade.left} left, {regrade.given_up} could not be."
    )


def moves_table(changes: Sequence[Change]) -> Table:
    """Return the students whose grades change, in the order given, as a table."""
    table = _table("student", ">before", ">after", ">change", "questions", "")
    for change in changes:
        table.add_row(
            plain(change.student),
            points(change.before),
            points(change.after),
            f"{change.points:+.2f}",
            plain(", ".join(map(question_move, change.questions))),
            "beneath an override" if change.effect is Effect.HIDDEN else "",
        )
    return table


def points(grade: Autograde | None) -> str:
    """Return a grade as `earned/possible`; `-` where there is none."""
    return "-" if grade is None else f"{grade.score.points:.2f}/{grade.score.possible:.2f}"


def question_move(move: QuestionMove) -> str:
    """Return how a question moves, such as `q3 0 to 2`."""
    before = "-" if move.before is None else f"{move.before.score:g}"
    after = "-" if move.after is None else f"{move.after.score:g}"
    if move.before and move.after and move.before.points_possible != move.after.points_possible:
        before += f"/{move.before.points_possible:g}"
        after += f"/{move.after.points_possible:g}"
    return f"{move.question} {before} to {after}"


def summary(preview: Preview) -> Iterator[str]:
    """Yield who moves, in numbers, and what to look at before applying."""
    moves, hidden = preview.of(Effect.MOVES), preview.of(Effect.HIDDEN)
    up = sum(change.fraction > 0 for change in moves)
    down = sum(change.fraction < 0 for change in moves)
    verb = "moved" if preview.regrade.outcome == "applied" else "would move"
    yield (
        f"{_counted(len(moves), 'grade')} {verb}: {up} up, {down} down. "
        f"{len(preview.of(Effect.STAYS))} stay as they are."
    )
    if hidden:
        yield (
            f"{len(hidden)} change beneath an override, which goes on counting: "
            f"{_names(change.student for change in hidden)}."
        )
    yield from _kept("could not be regraded; its grade stays", preview.not_regraded)
    yield from _kept("ended without a score; its grade stays", preview.without_score)
    yield from _kept("would be held until `gofer flags accept`", preview.held)


def _kept(what: str, runs: Sequence[KeptRun]) -> Iterator[str]:
    for run in runs:
        yield f"{plain(run.student)} ({short_id(run.submission_id)}) {what}: {plain(run.why)}"


def _names(names: Iterable[str]) -> str:
    return plain(", ".join(names))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        is_number = name.startswith(">")
        table.add_column(
            name.removeprefix(">"),
            justify="right" if is_number else "left",
            no_wrap=is_number,
            overflow="fold",
        )
    return table


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
