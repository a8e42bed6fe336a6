"""The words of the glossary as frozen value types. Nothing here touches disk, network or clock."""

from __future__ import annotations

import enum
import math
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import NewType

import uuid_utils

SubmissionId = NewType("SubmissionId", str)
"""A UUIDv7 in its usual 36 characters: sorts by the time the submission was received."""

RunId = NewType("RunId", str)
"""A UUIDv7 in its usual 36 characters: one execution of one autograder zip on one submission."""

RegradeId = NewType("RegradeId", str)
"""A UUIDv7 in its usual 36 characters: that of the request which started the regrade."""

RegradeItemId = NewType("RegradeItemId", str)
"""A UUIDv7 in its usual 36 characters: one submission of one regrade."""

Sha256 = NewType("Sha256", str)
"""64 lower-case hexadecimal digits."""

NAME_MAX_CHARACTERS = 255
_LAST_DAY_MS = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * 1000

FLAG_TAMPERED = "tampered"
"""Flag of a run whose tests were tampered with, by what it shows: held until staff accept it."""
FLAG_SUSPICIOUS_SOURCE = "suspicious_source"
"""Flag of a run whose notebook names what no exercise needs; staff look at it, and it counts."""


def new_submission_id() -> SubmissionId:
    """Make an id that sorts after every id made earlier on this machine."""
    return SubmissionId(str(uuid_utils.uuid7()))


def made_at(submission_id: SubmissionId) -> datetime:
    """Return when an id was made, to the millisecond: a UUIDv7 begins with that. Aware, UTC.

    What a damaged id says beyond the last day that there is counts as that day.
    """
    made_ms = int(submission_id.replace("-", "")[:12], 16)
    return datetime.fromtimestamp(min(made_ms, _LAST_DAY_MS) / 1000, UTC)


def new_run_id() -> RunId:
    """Make an id for a grading run."""
    return RunId(str(uuid_utils.uuid7()))


def new_regrade_item_id() -> RegradeItemId:
    """Make an id that sorts after every id made earlier on this machine."""
    return RegradeItemId(str(uuid_utils.uuid7()))


def utc_now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


def moment_in_utc(written: datetime) -> datetime:
    """Return a moment that somebody wrote down, in UTC.

    Years at the ends of the calendar are none that anyone means, and cannot be told in every zone:
    Python's dates begin with the year 1 and end with 9999.

    Raises:
        ValueError: it has no zone, or is of such a year.
    """
    if written.tzinfo is None:
        raise ValueError("the time needs a zone, such as 2026-12-01T18:00:00+01:00")
    moment = written.astimezone(UTC) if MINYEAR < written.year < MAXYEAR else written
    if not MINYEAR < moment.year < MAXYEAR:
        raise ValueError("the year is too far away; dates go from the year 2 to 9998")
    return moment


def opaque_name(text: str) -> str:
    """Return `text` as a name of a student, course, section or assignment, in NFC.

    Names are opaque: e-mails and accents are fine. They are never part of a path here; what looks
    like a way through folders is refused to spare whoever exports names to some other program.

    Raises:
        ValueError: it is empty, longer than 255 characters, or holds control, formatting (bidi
            marks among them), surrogate, private-use or line-separating characters, or it begins or
            ends with white space, or a part of it between slashes is `.` or `..`.
    """
    name = unicodedata.normalize("NFC", text)
    if not 1 <= len(name) <= NAME_MAX_CHARACTERS:
        raise ValueError(f"a name has 1 to {NAME_MAX_CHARACTERS} characters")
    if name != name.strip():
        raise ValueError("a name does not begin or end with white space")
    if any(part in {".", ".."} for part in re.split(r"[/\\]", name)):
        raise ValueError("a name may not hold . or .. as a part between slashes")
    for character in name:
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
            raise ValueError(f"a name may not hold the character U+{ord(character):04X}")
    return name


def storable_text(text: str) -> str:
    """Return text that came from anywhere, with U+FFFD for what cannot be kept.

    That is half of a surrogate pair, which UTF-8 cannot hold and which stands for a byte that is
    none in what a terminal passes on; and NUL, which PostgreSQL refuses.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "�")


@dataclass(frozen=True, slots=True, order=True)
class AssignmentKey:
    """Which assignment: it must equal a catalogue entry. Each part is an `opaque_name`."""

    course: str
    section: str
    assignment: str

    def __str__(self) -> str:
        return f"{self.course}/{self.section}/{self.assignment}"


class Verdict(enum.StrEnum):
    """How a grading run ended. Our own failures are exceptions and never one of these."""

    GRADED = "graded"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    INVALID = "invalid"

    @property
    def has_score(self) -> bool:
        """Whether a run of this verdict carries a score; one without makes no grade."""
        return self is Verdict.GRADED


class RunReason(enum.StrEnum):
    """Why a grading run was made."""

    INITIAL = "initial"
    REGRADE = "regrade"


class AttemptsPolicy(enum.StrEnum):
    """Which of a student's counted runs becomes the grade of record."""

    BEST = "best"
    LATEST = "latest"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one grading run may use.

    Attributes:
        time_s: wall time from the moment the harness has the notebook, seconds, > 0.
        memory_bytes: memory with swap, bytes; also bounds what its tmpfs folders hold.
        cpus: processors, may be a fraction, > 0.
        pids: processes and threads at one time.
        output_bytes: what the notebook's cells may print altogether before the rest is dropped.
        disk_bytes: size of the writable tmpfs, bytes.
        cell_time_s: wall time of one cell, and of one test, seconds, > 0; None takes a part of
            `time_s`, see `longest_cell_s`.
    """

    time_s: float = 120.0
    memory_bytes: int = 1 << 30
    cpus: float = 1.0
    pids: int = 256
    output_bytes: int = 8 << 20
    disk_bytes: int = 256 << 20
    cell_time_s: float | None = None

    @property
    def longest_cell_s(self) -> float:
        """How long one cell or one test may run, seconds; never more than the whole run.

        Unset it is a quarter of the run: a function that never ends costs twice that, once where
        its student checks it and once where otter tries again, and half of the time is left for the
        rest.
        """
        return min(self.time_s / 4 if self.cell_time_s is None else self.cell_time_s, self.time_s)


_RATE = re.compile(r"([1-9][0-9]{0,5})\s*/\s*([1-9][0-9]{0,5})\s*([smhd])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How often a student may submit one assignment: `most` times in any `within_s` seconds.

    A `most` of 0 means as often as they like.
    """

    most: int
    within_s: int

    @classmethod
    def parse(cls, text: str) -> RateLimit:
        """Read `5/10m`, which is 5 in any 10 minutes (units s, m, h, d), or `off`.

        Raises:
            ValueError: it is neither.
        """
        if text.strip().lower() == "off":
            return cls(0, 0)
        match = _RATE.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError("write it as 30/1h: how often, and within how long (s, m, h or d)")
        return cls(int(match[1]), int(match[2]) * _UNIT_S[match[3]])

    @property
    def is_off(self) -> bool:
        """Whether there is no limit."""
        return self.most == 0

    def __str__(self) -> str:
        if self.is_off:
            return "off"
        unit, seconds = next(
            (unit, seconds)
            for unit, seconds in reversed(_UNIT_S.items())
            if self.within_s % seconds == 0
        )
        return f"{self.most}/{self.within_s // seconds}{unit}"


_ALWAYS = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PublishRule:
    """When students see the scores of an assignment; nothing to do with the LMS.

    Attributes:
        starts_at: from this moment on; None means that staff decide by hand (`manual`).
    """

    starts_at: datetime | None

    @classmethod
    def parse(cls, written: str | datetime) -> PublishRule:
        """Read `immediately`, `manual` or a time with a zone.

        Raises:
            ValueError: it is none of them.
        """
        if isinstance(written, str):
            word = written.strip().lower()
            if word == "immediately":
                return cls(_ALWAYS)
            if word == "manual":
                return cls(None)
            try:
                written = datetime.fromisoformat(written.strip())
            except ValueError:
                raise ValueError(
                    "write `immediately`, `manual` or a time as 2026-12-01T18:00:00+01:00"
                ) from None
        return cls(moment_in_utc(written))

    def is_published(self, now: datetime) -> bool:
        """Whether students see scores at `now`, an aware time."""
        return self.starts_at is not None and self.starts_at <= now

    def __str__(self) -> str:
        if self.starts_at is None:
            return "manual"
        if self.starts_at == _ALWAYS:
            return "immediately"
        return self.starts_at.isoformat()


@dataclass(frozen=True, slots=True)
class QuestionSpec:
    """One question of an autograder zip.

    Attributes:
        name: as otter names its result, unique in the zip.
        points: points possible, finite, ≥ 0.
        hidden: whether any of its test cases is hidden from students.
    """

    name: str
    points: float
    hidden: bool


@dataclass(frozen=True, slots=True)
class AutograderSpec:
    """What inspecting an autograder zip found; the only source of questions and points possible.

    Attributes:
        sha256: of the zip's bytes.
        questions: in the order otter runs them; empty when problems made the zip unusable.
        points_possible: `points_possible` of the zip's config, else the sum of the questions'.
        score_threshold: of the zip's config: at or above this fraction the score is all points,
            below it none. None where the zip sets none.
        plugins: importable names of the zip's plugins.
        requirements: what the zip asks to be installed, conda, python and otter left out.
        missing: those of `requirements` that the image does not satisfy.
        problems: why the zip cannot be used as it is, in plain words for staff.
        notes: what staff may want to know and what does not stop grading.
        otter_version: of the image that inspected it.
    """

    sha256: Sha256
    questions: tuple[QuestionSpec, ...]
    points_possible: float
    score_threshold: float | None = None
    plugins: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    otter_version: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether notebooks can be graded with it."""
        return not self.problems and not self.missing


@dataclass(frozen=True, slots=True)
class Score:
    """Points earned out of points possible; both finite, `possible` ≥ 0."""

    points: float
    possible: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.points) and math.isfinite(self.possible) and self.possible >= 0):
            raise ValueError("a score is finite and out of a finite number of points")

    @property
    def fraction(self) -> float:
        """`points` / `possible`; 0 where nothing can be earned."""
        return self.points / self.possible if self.possible else 0.0


@dataclass(frozen=True, slots=True)
class QuestionScore:
    """What one run earned on one question; 0 ≤ score ≤ points_possible."""

    question: str
    score: float
    points_possible: float


@dataclass(frozen=True, slots=True)
class GradingResult:
    """How one grading run ended, as decided from the sandbox's answer and the spec.

    Attributes:
        verdict: how it ended.
        score: total, present exactly when `verdict.has_score`.
        questions: one for each question of the spec where there is a score, else empty.
        flags: words for staff to filter by, such as `output_truncated`.
        student_text: a few plain sentences for the student; nothing of hidden tests.
        staff_text: what staff need to know beyond that.
        log_tail: the end of what otter and the notebook printed, capped, for staff only.
        otter_version: of the image that graded it; empty where it never said.
        wall_s: seconds from job sent to answer.
        peak_memory_bytes: as the sandbox measured it; None where it cannot.
    """

    verdict: Verdict
    score: Score | None
    questions: tuple[QuestionScore, ...]
    student_text: str
    staff_text: str
    flags: frozenset[str] = field(default_factory=frozenset)
    log_tail: str = ""
    otter_version: str = ""
    wall_s: float = 0.0
    peak_memory_bytes: int | None = None

    def __post_init__(self) -> None:
        if (self.score is not None) != self.verdict.has_score:
            raise ValueError(
                f"a {self.verdict} run {'needs' if self.verdict.has_score else 'has no'} score"
            )
