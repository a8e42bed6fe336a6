"""Grading one notebook by otter's own runner, so that scores are otter's own."""

from __future__ import annotations

import json
import math
import re
import time
from typing import TYPE_CHECKING, Any

from nbclient.exceptions import DeadKernelError
from otter.run import run_autograder
from otter.run.run_autograder.utils import OtterRuntimeError, capture_run_output
from otter.version import __version__ as otter_version

from . import execution, memory, unpickling
from .autograder_zip import unpack
from .canary import lay_canary
from .evidence import CanaryState, Evidence
from .plan import with_positions
from .stops import How, Watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .nursery import WarmKernel
    from .protocol import Job

LOG_MAX_CHARACTERS = 32_000
ERROR_MAX_CHARACTERS = 4_000
DEFAULT_NAME = "submission.ipynb"
NAME_MAX_BYTES = 200
_NAMES_ITSELF = re.compile(
    r"""\bNotebook\(\s*(?:nb_path\s*=\s*)?["']([\w(][\w .,()+-]*\.ipynb)["']"""
)
_ALWAYS = {"logo": False, "token": None, "zips": False}
"""Overrides of the zip's config: no banner in logs, no upload to Gradescope, one notebook a job."""


def grade(job: Job, folder: Path, kernel: WarmKernel) -> dict[str, Any]:
    """Grade the job's notebook in `kernel`, below `folder`; the answer is plain JSON values.

    Its `kind` is `results`, `refused` (otter would not grade this notebook), `failed` (no results
    could be read, or otter raised), `timed_out` or `kernel_died` (before there were any results).
    `stops` says what did not come to its end, whatever the kind.
    """
    started = time.monotonic()
    watch = Watch(
        cell_time_s=float(job.options["cell_time_s"]),
        ends_at=started + float(job.options["time_s"]),
    )
    autograder = folder / "autograder"
    _lay_out(job, autograder)
    tests = len(list((autograder / "source" / "tests").glob("*.py")))
    evidence = Evidence(lay_canary(autograder / "source"), has_plugins=_has_plugins(autograder))
    unpickling.guard_otter()
    budget = execution.OutputBudget(int(job.options["output_bytes"]))
    execution.substitute_executor(budget, watch, evidence, kernel)

    def observe(scores: Any) -> None:
        evidence.take_scores(scores, tests, watch)

    with capture_run_output() as printed:
        kind, scores, error = _run_otter(autograder, watch, observe)
        log = printed.getvalue()
    return {
        "kind": kind,
        "questions": _questions(scores) if kind == "results" else [],
        "error": error[:ERROR_MAX_CHARACTERS],
        "log": log[-LOG_MAX_CHARACTERS:],
        "otter_version": otter_version,
        "output_truncated": budget.was_exceeded,
        "stops": watch.as_json(),
        "tampering": evidence.as_json(),
        "grading_s": round(time.monotonic() - started, 3),
        "memory": memory.usage(),
    }


def is_uneventful(answer: dict[str, Any]) -> bool:
    """Whether a notebook was graded, and nothing was stopped, cut short or tampered with."""
    seen = answer["tampering"]
    is_plain = seen["canary"] in {CanaryState.FAILED, CanaryState.LEFT_OUT}
    is_plain &= seen["probe"] == "answered" and not seen["findings"]
    is_whole = not answer["stops"] and not answer["output_truncated"]
    return answer["kind"] == "results" and is_plain and is_whole


def _lay_out(job: Job, autograder: Path) -> None:
    unpack(job.autograder_zip, autograder / "source")
    (autograder / "source" / "tests").mkdir(exist_ok=True)
    for name in ("submission", "results"):
        (autograder / name).mkdir()
    (autograder / "submission_metadata.json").write_text("{}")
    notebook = job.notebook or b""
    (autograder / "submission" / _file_name(notebook)).write_bytes(with_positions(notebook))


def _file_name(notebook: bytes) -> str:
    """Return the file name under which the notebook looks for itself.

    Students' notebooks begin with `otter.Notebook("lab01.ipynb")`, which fails where no file is of
    that name; then none of the notebook's own `grader.check` calls runs, and every test sees only
    the last value of a name that is used again.
    """
    try:
        cells = json.loads(notebook)["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        return DEFAULT_NAME
    for source in sources:
        named = _NAMES_ITSELF.search(source)
        if named and len(named[1].encode()) <= NAME_MAX_BYTES:
            return named[1]
    return DEFAULT_NAME


def _has_plugins(autograder: Path) -> bool:
    try:
        config = json.loads((autograder / "source" / "otter_config.json").read_text("utf-8"))
        return bool(config.get("plugins"))
    except (OSError, ValueError, AttributeError):
        return False


def _run_otter(
    autograder: Path, watch: Watch, observe: Callable[[Any], None]
) -> tuple[str, Any, str]:
    kept: list[Any] = []
    make_runner = run_autograder.create_runner

    def make_observed_runner(config: dict[str, Any], **overrides: Any) -> Any:
        runner = make_runner(config, **overrides)
        run = runner.run

        def run_and_keep() -> Any:
            # The results are kept in memory: the files otter writes them to are within reach of
            # whatever the notebook left running.
            kept.append(run())
            observe(kept[-1])  # before otter makes a report of them
            return kept[-1]

        runner.run = run_and_keep
        return runner

    run_autograder.create_runner = make_observed_runner
    try:
        run_autograder.main(str(autograder), **_ALWAYS)
    except OtterRuntimeError as error:
        return "refused", None, str(error)
    except DeadKernelError as error:
        return "kernel_died", None, str(error)
    except Exception as error:  # noqa: BLE001 - the notebook can make otter raise whatever it likes
        if not kept:
            return "failed", None, f"{type(error).__name__}: {error}"
    finally:
        run_autograder.create_runner = make_runner
    scores = kept[0]
    if scores.has_catastrophic_failure():
        cause = scores.catastrophic_error
        return _kind_without_results(watch), None, f"{type(cause).__name__}: {cause}"
    return "results", scores, ""


def _kind_without_results(watch: Watch) -> str:
    if watch.has_results or not watch.stops:
        return "failed"
    return "kernel_died" if watch.stops[-1][1] is How.DIED else "timed_out"


def _questions(scores: Any) -> list[dict[str, Any]]:
    questions = []
    for name, test_file in dict(scores.results).items():
        try:
            score, possible = test_file.score, test_file.possible
        except Exception:  # noqa: BLE001 - a result whose parts the notebook made up
            score = possible = None
        questions.append(
            {"name": str(name), "score": _number(score), "possible": _number(possible)}
        )
    return questions


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and math.isfinite(value)
    return float(value) if is_number else None


def as_json(answer: dict[str, Any]) -> bytes:
    """Encode an answer; lone surrogates, no JSON of ours, become question marks."""
    return json.dumps(answer, ensure_ascii=False, allow_nan=False).encode(errors="replace")
