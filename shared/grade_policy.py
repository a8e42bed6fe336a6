"""By what rules a grade is made of a student's runs; values alone, as staff write them down.

The catalogue reads them from the course config, the gradebook applies them; so they belong to
neither. Applying them is `shared.gradebook.policy`'s.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.model import AttemptsPolicy

if TYPE_CHECKING:
    from datetime import datetime


class LateUnit(enum.StrEnum):
    """For what stretch of time lateness costs once; one that has begun counts whole."""

    HOUR = "hour"
    DAY = "day"

    @property
    def seconds(self) -> int:
        """How long it is; a day has 24 hours, whatever the clocks are put to."""
        return 3600 if self is LateUnit.HOUR else 86_400


@dataclass(frozen=True, slots=True)
class LateRule:
    """What being late costs.

    Attributes:
        grace_s: so long after the due date is not late at all, seconds, ≥ 0.
        percent: of the points earned, taken off for each `per` begun since the due date, 0 to 100.
        per: the stretch of time that costs `percent`.
        floor: percent of the points earned that are never taken off, 0 to 100.
        cutoff_s: later than so long after the due date a submission counts nothing, seconds;
            None lets it count however late it is.
    """

    grace_s: float = 0.0
    percent: float = 0.0
    per: LateUnit = LateUnit.DAY
    floor: float = 0.0
    cutoff_s: float | None = None


@dataclass(frozen=True, slots=True)
class GradePolicy:
    """By what rules the grade of record of one assignment is made.

    Attributes:
        attempts: which of the counted runs it is.
        due_at: when it is due, aware; None where nothing is ever late. A student's extension takes
            its place.
        late: what being late costs.
        max_attempts: so many submissions count, by the time received; None counts all.
        points: what the grade is out of; None takes what the run is out of, less `bonus`.
        bonus: how many of the points of the autograder zip are extra, ≥ 0: earned, they count;
            a grade is not out of them.
    """

    attempts: AttemptsPolicy = AttemptsPolicy.BEST
    due_at: datetime | None = None
    late: LateRule = LateRule()
    max_attempts: int | None = None
    points: float | None = None
    bonus: float = 0.0

    def as_text(self) -> str:
        """Return it as JSON of what is not the default; the same text for the same rules."""
        written: dict[str, Any] = {"attempts": self.attempts.value}
        if self.due_at is not None:
            written["due_at"] = self.due_at.isoformat()
            late = self.late
            written["late"] = {
                "grace_s": late.grace_s,
                "percent": late.percent,
                "per": late.per.value,
                "floor": late.floor,
                "cutoff_s": late.cutoff_s,
            }
        for name in ("max_attempts", "points"):
            if getattr(self, name) is not None:
                written[name] = getattr(self, name)
        if self.bonus:
            written["bonus"] = self.bonus
        return json.dumps(written)
