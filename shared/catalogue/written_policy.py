"""What a course config file may write about how grades are made: due dates, lateness, attempts."""

from __future__ import annotations

import re
import zoneinfo
from datetime import date, datetime
from typing import Annotated, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.grade_policy import GradePolicy, LateRule, LateUnit
from shared.model import AttemptsPolicy, moment_in_utc

_DURATION: Final = re.compile(r"([0-9]{1,6})\s*([smhd])")
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _duration_s(written: object) -> object:
    match = isinstance(written, str) and _DURATION.fullmatch(written.strip().lower())
    if not match:
        raise ValueError("write how long it is, as 15m, 12h or 7d")
    return float(int(match[1]) * _UNIT_S[match[2]])


def _due(written: object) -> object:
    if isinstance(written, str):
        text = written.strip()
        try:
            # A day alone would read as its first moment, and hardly anyone means that.
            written = datetime.fromisoformat(text) if re.search(r"\d[T ]\d", text) else None
        except ValueError:
            written = None
    if not isinstance(written, datetime):
        says_a_day = isinstance(written, date)
        raise ValueError(  # noqa: TRY004 - pydantic reports a ValueError
            "write the time of the day too, such as 2026-12-01T23:59:00"
            if says_a_day
            else "write a day and a time, such as 2026-12-01T23:59:00+01:00"
        )
    return written


def _zone(written: object) -> object:
    try:
        zoneinfo.ZoneInfo(str(written))
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError("there is no such time zone; write one as Europe/Berlin or UTC") from None
    return written


_Duration = Annotated[float, BeforeValidator(_duration_s)]
_Percent = Annotated[float, Field(ge=0, le=100, strict=True, allow_inf_nan=False)]


class WrittenLate(BaseModel):
    """The table `late`: what being late costs. The nearest one written counts, whole."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    grace: _Duration = 0.0
    percent: _Percent = 0.0
    per: LateUnit = LateUnit.DAY
    floor: _Percent = 0.0
    cutoff: _Duration | None = None

    @model_validator(mode="after")
    def _cuts_nothing_off_in_the_grace_period(self) -> Self:
        if self.cutoff is not None and self.cutoff < self.grace:
            raise ValueError("`cutoff` is shorter than `grace`")
        return self

    def rule(self) -> LateRule:
        """Return it as the gradebook applies it."""
        return LateRule(self.grace, self.percent, self.per, self.floor, self.cutoff)


class WrittenPolicy(BaseModel):
    """The keys that say how a grade is made of a student's runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    attempts: AttemptsPolicy | None = None
    max_attempts: Annotated[int, Field(gt=0, strict=True)] | None = None
    due: Annotated[datetime, BeforeValidator(_due)] | None = None
    timezone: Annotated[str, BeforeValidator(_zone)] | None = None
    late: WrittenLate | None = None
    points: Annotated[float, Field(gt=0, le=1e9, strict=True, allow_inf_nan=False)] | None = None
    bonus: Annotated[float, Field(ge=0, le=1e9, strict=True, allow_inf_nan=False)] | None = None

    def policy(self) -> GradePolicy:
        """Return the rules, once outer levels are taken in.

        Raises:
            ValueError: the due date has no zone, and no `timezone` says which is meant; or it is of
                a year that no date is reckoned with.
        """
        due = self.due
        if due is not None and due.tzinfo is None:
            if self.timezone is None:
                raise ValueError(
                    "the time needs a zone, such as 2026-12-01T23:59:00+01:00, or the course a "
                    '`timezone`, such as "Europe/Berlin"'
                )
            due = due.replace(tzinfo=zoneinfo.ZoneInfo(self.timezone))
        return GradePolicy(
            attempts=self.attempts or AttemptsPolicy.BEST,
            due_at=None if due is None else moment_in_utc(due),
            late=LateRule() if self.late is None else self.late.rule(),
            max_attempts=self.max_attempts,
            points=self.points,
            bonus=self.bonus or 0.0,
        )
