"""From the words of the command line to a filter, and what to say where it finds nothing."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from shared.errors import ConfigError
from shared.gradebook.grade_filter import GradeFilter
from shared.gradebook.grade_rows import count_grades, graded_assignments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Engine

    from shared.model import Verdict

_SUGGESTIONS: Final = 10


def make_filter(
    *,
    courses: Sequence[str] | None,
    sections: Sequence[str] | None,
    assignments: Sequence[str] | None,
    students: Sequence[str] | None,
    verdicts: Sequence[Verdict] | None,
    flags: Sequence[str] | None,
    min_score: float | None,
    max_score: float | None,
    min_percent: float | None,
    max_percent: float | None,
    received_from: str | None,
    received_before: str | None,
) -> GradeFilter:
    """Return the filter that options ask for.

    Raises:
        ConfigError: an option cannot be used; it is named.
    """
    _check_range("score", min_score, max_score)
    _check_range("percent", min_percent, max_percent)
    since = read_moment("--received-from", received_from)
    until = read_moment("--received-before", received_before)
    if since is not None and until is not None and since >= until:
        raise ConfigError("--received-from is not before --received-before.")
    return GradeFilter(
        courses=_names(courses),
        sections=_names(sections),
        assignments=_names(assignments),
        students=_names(students),
        verdicts=tuple(verdicts or ()),
        flags=tuple(flags or ()),
        score_from=min_score,
        score_to=max_score,
        percent_from=min_percent,
        percent_to=max_percent,
        received_from=since,
        received_before=until,
    )


def why_nothing(engine: Engine, wanted: GradeFilter) -> str:
    """Say why no grade fits a filter, with the names there are where one is not known.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    there = graded_assignments(engine, GradeFilter())
    if not there:
        return "There is no grade yet."
    known = {
        "course": (wanted.courses, [one.key.course for one in there]),
        "section": (wanted.sections, [one.key.section for one in there]),
        "assignment": (wanted.assignments, [one.key.assignment for one in there]),
    }
    for what, (asked, names) in known.items():
        for name in asked:
            if name not in names:
                return f"No {what} {name!a} has a grade. {_suggestion(name, names)}"
    for student in wanted.students:
        if not count_grades(engine, GradeFilter(students=(student,))):
            return f"No student {student!a} has a grade. Names are those of the Hub."
    return "There is no such grade yet: each of these is there, but not all together."


def _suggestion(name: str, names: Iterable[str]) -> str:
    there = sorted(set(names))
    close = get_close_matches(name, there, n=3)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"There are: {listed(there)}."


def listed(names: Sequence[str]) -> str:
    """Return names for a sentence, the first few of many."""
    more = len(names) - _SUGGESTIONS
    return ", ".join(names[:_SUGGESTIONS]) + (f" and {more} more" if more > 0 else "")


def _names(words: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", word) for word in words or ())


def _check_range(what: str, least: float | None, most: float | None) -> None:
    for option, value in ((f"--min-{what}", least), (f"--max-{what}", most)):
        if value is not None and not math.isfinite(value):
            raise ConfigError(f"{option}: {value} is no number to compare with.")
    if least is not None and most is not None and least > most:
        raise ConfigError(f"--min-{what} is above --max-{what}.")


def read_moment(option: str, text: str | None) -> datetime | None:
    """Return the day or time that an option gives; None where it was not given.

    Raises:
        ConfigError: it is neither.
    """
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(tzinfo=UTC))
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ConfigError(
        f"{option}: write a day, which begins at midnight UTC, as 2026-12-01, or a time with its "
        "zone, as 2026-12-01T18:00:00+01:00."
    )
