"""What the sandbox's bytes mean: untrusted JSON in, a verdict out. Pure.

Questions and points possible come from the spec, never from the answer; totals are computed here.
Everything odd about an answer is the notebook's doing, and costs it its score at most.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, ValidationError

from gofer_ingest.grader import stops, tampering
from gofer_ingest.grader.sandbox import Ending, RawResult
from gofer_ingest.grader.untrusted import Line, Name, Untrusted, one_line
from shared.errors import ResultsUnreadable
from shared.model import (
    AutograderSpec,
    GradingResult,
    Limits,
    QuestionScore,
    QuestionSpec,
    Score,
    Sha256,
    Verdict,
)

FLAG_OUTPUT_TRUNCATED: Final = "output_truncated"
FLAG_QUESTIONS_MISSING: Final = "questions_missing"
FLAG_QUESTIONS_UNKNOWN: Final = "questions_unknown"
FLAG_POINTS_DIFFER: Final = "points_differ"
FLAG_IMPLAUSIBLE: Final = "implausible_score"
FLAG_TOO_MUCH_OUTPUT: Final = "too_much_output"

_ROUNDING: Final = 1e-9
"""Points are sums of floats: a score may be over its question's points by so little."""

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=0, lt=1 << 63)]
"""What the gradebook's integers can hold."""
_Text = Annotated[str, Field(max_length=64_000)]


class _Memory(Untrusted):
    peak_bytes: _Count | None
    oom_kills: _Count | None


class _Question(Untrusted):
    name: Name
    score: _Finite | None
    possible: _Finite | None


class _Answer(Untrusted):
    kind: Literal["results", "refused", "timed_out", "kernel_died", "failed"]
    questions: Annotated[list[_Question], Field(max_length=10_000)]
    error: Line
    log: _Text
    otter_version: Annotated[str, Field(max_length=100)]
    output_truncated: bool
    stops: stops.Stops
    tampering: tampering.Tampering
    grading_s: _Finite
    memory: _Memory


_Words = Annotated[str, AfterValidator(one_line)]
"""What a test file raised stands in it, and goes to terminals and into one line of a log."""


class _SpecQuestion(Untrusted):
    name: Annotated[str, Field(min_length=1, max_length=1_000)]
    points: Annotated[_Finite, Field(ge=0)]
    hidden: bool


class _SpecAnswer(Untrusted):
    questions: list[_SpecQuestion]
    points_possible: Annotated[_Finite, Field(ge=0)]
    score_threshold: _Finite | None
    plugins: list[str]
    requirements: list[str]
    missing: list[str]
    problems: list[_Words]
    notes: list[_Words]
    otter_version: str


def read_spec(answer: bytes, sha256: Sha256) -> AutograderSpec:
    """Read what inspecting a zip found.

    Raises:
        ResultsUnreadable: it is not in the shape the harness writes.
    """
    try:
        found = _SpecAnswer.model_validate_json(answer)
    except ValidationError as error:
        raise ResultsUnreadable(f"The zip's inspection cannot be read: {error}") from error
    return AutograderSpec(
        sha256=sha256,
        questions=tuple(QuestionSpec(q.name, q.points, q.hidden) for q in found.questions),
        points_possible=found.points_possible,
        score_threshold=found.score_threshold,
        plugins=tuple(found.plugins),
        requirements=tuple(found.requirements),
        missing=tuple(found.missing),
        problems=tuple(found.problems),
        notes=tuple(found.notes),
        otter_version=found.otter_version,
    )


def conclude(raw: RawResult, spec: AutograderSpec, limits: Limits) -> GradingResult:
    """Decide how a run ended."""
    log = raw.log_tail.decode("utf-8", errors="replace")
    if raw.ending is not Ending.ANSWERED or raw.answer is None:
        return _without_answer(raw, limits, log)
    try:
        answer = _Answer.model_validate_json(raw.answer)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = one_line(".".join(str(part) for part in first["loc"]))
        what = f"{where}: {first['msg']}"
        staff = f"The sandbox's answer is not in the shape the harness writes ({what})."
        return _failure(Verdict.CRASHED, staff, raw, log)
    log = (answer.log + log)[-64_000:]
    if answer.kind == "results":
        return _with_results(answer, raw, spec, limits, log)
    ran_out = _ran_out_of_memory(answer, raw)
    stopped = stops.staff_sentences(answer.stops, limits, ran_out_of_memory=ran_out)
    if answer.kind == "timed_out":
        verdict = Verdict.TIMED_OUT
        staff = "It was stopped for its time before any test had ended."
    elif ran_out:
        verdict = Verdict.OUT_OF_MEMORY
        staff = f"It used more than {_mib(limits.memory_bytes)} of memory. {answer.error}"
    elif answer.kind == "refused":
        verdict = Verdict.INVALID
        staff = f"otter would not grade this notebook: {answer.error}"
    elif answer.kind == "kernel_died":
        verdict = Verdict.CRASHED
        staff = f"The notebook's kernel ended before any test had. {answer.error}"
    else:
        verdict = Verdict.CRASHED
        staff = f"otter could not read results from this notebook: {answer.error}"
    return _failure(
        verdict,
        f"{staff} {stopped}".strip(),
        raw,
        log,
        where=stops.students_place(answer.stops, {question.name for question in spec.questions}),
        otter_version=answer.otter_version,
        peak_memory_bytes=answer.memory.peak_bytes,
    )


def invalid_notebook(problem: str) -> GradingResult:
    """Return the result of a notebook that no sandbox need see."""
    return GradingResult(
        verdict=Verdict.INVALID,
        score=None,
        questions=(),
        student_text=_STUDENT_TEXTS[Verdict.INVALID],
        staff_text=f"The file is not a valid notebook: {one_line(problem)}",
    )


def total(spec: AutograderSpec, scores: dict[str, float]) -> Score:
    """Add up the questions' scores as otter does, with the zip's own rules.

    `points_possible` in the zip's config rescales the total, and `score_threshold` turns it into
    all or nothing (otter 7.0.0, `GradingResults.to_gradescope_dict`).
    """
    earned = sum(scores.get(question.name, 0.0) for question in spec.questions)
    out_of = sum(question.points for question in spec.questions)
    fraction = earned / out_of if out_of else 0.0
    if spec.score_threshold is not None:
        points = spec.points_possible if fraction >= spec.score_threshold else 0.0
    elif spec.points_possible != out_of:
        points = fraction * spec.points_possible
    else:
        points = earned
    return Score(points, spec.points_possible)


def _ran_out_of_memory(answer: _Answer, raw: RawResult) -> bool:
    return raw.oom_killed or bool(answer.memory.oom_kills)


def _with_results(
    answer: _Answer, raw: RawResult, spec: AutograderSpec, limits: Limits, log: str
) -> GradingResult:
    given = {question.name: question for question in answer.questions}
    known = {question.name: question for question in spec.questions}
    shown = answer.tampering
    if shown.probe == "silent" and _ran_out_of_memory(answer, raw):
        shown = shown.model_copy(update={"probe": "not_run"})  # it may have been its last straw
    flags = tampering.flags_of(shown)
    log = f"{log}{tampering.log_line(shown)}"
    scores: dict[str, float] = {}
    for name, question in known.items():
        if name not in given:
            flags.add(FLAG_QUESTIONS_MISSING)
            continue
        score, possible = given[name].score, given[name].possible
        if score is None or not 0 <= score <= question.points + _ROUNDING:
            staff = f"Its score for {name} is {score}; the question has {question.points} points."
            return _failure(
                Verdict.CRASHED,
                staff,
                raw,
                log,
                flags={FLAG_IMPLAUSIBLE, *flags},
                otter_version=answer.otter_version,
                peak_memory_bytes=answer.memory.peak_bytes,
            )
        if possible is None or abs(possible - question.points) > _ROUNDING:
            flags.add(FLAG_POINTS_DIFFER)
        scores[name] = min(score, question.points)
    if given.keys() - known.keys():
        flags.add(FLAG_QUESTIONS_UNKNOWN)
    if answer.output_truncated:
        flags.add(FLAG_OUTPUT_TRUNCATED)
    student_text, staff_text = "Your notebook was graded.", ""
    if answer.stops:
        ran_out = _ran_out_of_memory(answer, raw)
        flags |= stops.flags_of(answer.stops, ran_out_of_memory=ran_out)
        student_text = stops.students_sentences(
            answer.stops, limits, known.keys(), ran_out_of_memory=ran_out
        )
        student_text = (
            f"Your notebook was graded, but not all of it came to its end. {student_text}"
        )
        staff_text = stops.staff_sentences(answer.stops, limits, ran_out_of_memory=ran_out)
        missing = [name for name in known if name not in scores]
        if missing:
            staff_text += f" Without a result: {', '.join(missing)}."
    staff_text = f"{staff_text} {tampering.staff_sentences(shown)}".strip()
    return GradingResult(
        verdict=Verdict.GRADED,
        score=total(spec, scores),
        questions=tuple(
            QuestionScore(question.name, scores.get(question.name, 0.0), question.points)
            for question in spec.questions
        ),
        student_text=student_text,
        staff_text=staff_text,
        flags=frozenset(flags),
        log_tail=log,
        otter_version=answer.otter_version,
        wall_s=raw.wall_s,
        peak_memory_bytes=answer.memory.peak_bytes,
    )


def _without_answer(raw: RawResult, limits: Limits, log: str) -> GradingResult:
    if raw.ending is Ending.TIMED_OUT:
        staff = f"It was still running after {limits.time_s:g} s and was stopped."
        return _failure(Verdict.TIMED_OUT, staff, raw, log)
    if raw.ending is Ending.OUT_OF_MEMORY or raw.oom_killed:
        staff = f"It used more than {_mib(limits.memory_bytes)} of memory and was stopped."
        return _failure(Verdict.OUT_OF_MEMORY, staff, raw, log)
    if raw.ending is Ending.TOO_MUCH_OUTPUT:
        staff = "It printed without end past its cells and was stopped."
        return _failure(Verdict.CRASHED, staff, raw, log, flags={FLAG_TOO_MUCH_OUTPUT})
    staff = f"The grading process ended without an answer (exit code {raw.exit_code})."
    return _failure(Verdict.CRASHED, staff, raw, log)


_STUDENT_TEXTS: Final = {
    Verdict.TIMED_OUT: (
        "Your notebook did not finish in the time it has. Look for a loop that never ends, "
        "restart and run all cells, and submit again."
    ),
    Verdict.OUT_OF_MEMORY: (
        "Your notebook used more memory than it has. Look for data that grows without end, and "
        "for a loop that prints without end, which uses memory as well. Then restart and run all "
        "cells, and submit again."
    ),
    Verdict.CRASHED: (
        "Your notebook stopped working while it was graded. Restart and run all cells to see "
        "where, and submit again."
    ),
    Verdict.INVALID: (
        "This file could not be graded as a notebook of this assignment. Download a fresh copy, "
        "move your work into it, and submit again."
    ),
}


def _failure(
    verdict: Verdict,
    staff_text: str,
    raw: RawResult,
    log: str,
    *,
    flags: set[str] | None = None,
    where: str = "",
    otter_version: str = "",
    peak_memory_bytes: int | None = None,
) -> GradingResult:
    return GradingResult(
        verdict=verdict,
        score=None,
        questions=(),
        student_text=_STUDENT_TEXTS[verdict] + where,
        staff_text=staff_text,
        flags=frozenset(flags or ()),
        log_tail=log,
        otter_version=otter_version,
        wall_s=raw.wall_s,
        peak_memory_bytes=peak_memory_bytes,
    )


def _mib(size: int) -> str:
    return f"{size / (1 << 20):g} MiB"
