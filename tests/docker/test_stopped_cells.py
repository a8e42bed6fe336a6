"""A cell or a test that never ends, or ends its kernel, costs its questions and not the grade.

All notebooks are graded side by side, once in each sandbox: most of them wait for their limits.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.results import conclude
from shared.model import Limits, Verdict
from tests.support.grading import TEST_LIMITS, inspect, run
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from gofer_ingest.grader.sandbox import Sandbox
    from shared.model import GradingResult

pytestmark = pytest.mark.timeout(900)
"""The first test of each sandbox waits for all notebooks."""

AT_A_TIME = 4
LIMITS = replace(TEST_LIMITS, cell_time_s=6.0)
"""Long for cells that do nothing: with much else to do, a first traceback takes seconds."""

Q1 = ok_test("q1", "total == 5", "total > 100", points=2.0)
"""A right answer earns half of it, so that no score here is all or nothing."""
Q3 = ok_test("q3", "name == 'Ada'", points=4.0, hidden=True)
ZIP = autograder_zip({"q1": Q1, "q2": ok_test("q2", "answer() == 42", points=3.0), "q3": Q3})
ASSERTING_Q2 = """
OK_FORMAT = False
from otter.test_files import test_case
name = "q2"
points = 3

@test_case()
def test_answer(answer):
    assert answer() == 42
"""
ASSERTING_ZIP = autograder_zip({"q1": Q1, "q2": ASSERTING_Q2, "q3": Q3})
LOOKING_ZIP = autograder_zip(
    {
        "q1": ok_test("q1", "results == pickle == f == 7"),
        "q2": ok_test("q2", "[n for n in sorted(globals()) if 'kept' in n.lower()] == []"),
    }
)

GRADER = "import otter\ngrader = otter.Notebook()"
CHECK_Q1 = "grader.check('q1')"
TOTAL = "total = 5"
RIGHT = "def answer(): return 42"
HANGS = "def answer():\n    while True: pass"
NAME = "name = 'Ada'"

IGNORES_INTERRUPTS = """\
import time
while True:
    try:
        time.sleep(1)
    except BaseException:
        pass
"""
BUSY_IN_C = "sum(range(10**12))"
ENDS_AT_THE_INTERRUPT = (
    "import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nwhile True: pass"
)
ENDS_ITSELF = "import os\nos._exit(1)"
ENDS_BEHIND_A_CHILD = """\
import os, time
if os.fork():
    os._exit(0)
os.setsid()
time.sleep(600)
"""
STOPS_ITSELF = "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"
HOG = "hoard = []\nwhile True: hoard.append(bytearray(b'x') * (32 << 20))"
NAP = "import time\ntime.sleep(10)"
PLANTS_PIPES = """\
import glob, os, tempfile
for path in glob.glob(tempfile.gettempdir() + "/*.pkl"):
    os.mkfifo(path + ".kept")
"""


def as_answer(body: str) -> str:
    """A function of the notebook's, for q2 to call."""
    return "def answer():\n" + textwrap.indent(body, "    ")


@dataclass(frozen=True)
class Case:
    """One notebook, and what grades it within which limits."""

    cells: tuple[str, ...]
    zipped: bytes = ZIP
    limits: Limits = LIMITS


ENDINGS = {
    "except": IGNORES_INTERRUPTS,
    "busy": BUSY_IN_C,
    "default": ENDS_AT_THE_INTERRUPT,
    "exit": ENDS_ITSELF,
    "daemon": ENDS_BEHIND_A_CHILD,
}
CASES = {
    "endless cell": Case((TOTAL, "while True: pass", RIGHT, NAME)),
    "stopped cell": Case((TOTAL, STOPS_ITSELF, RIGHT, NAME)),
    "endless test": Case((TOTAL, HANGS, NAME)),
    "endless check": Case((GRADER, TOTAL, CHECK_Q1, HANGS, "grader.check('q2')", NAME)),
    "leaving test": Case((TOTAL, as_answer("import sys\nsys.exit()"), NAME), ASSERTING_ZIP),
    "names": Case(("results = pickle = f = 7",), LOOKING_ZIP),
    "pipes": Case((TOTAL, PLANTS_PIPES, RIGHT, NAME)),
    "hog": Case((GRADER, TOTAL, CHECK_Q1, HOG), limits=replace(LIMITS, cell_time_s=30.0)),
    "unchecked except": Case((TOTAL, IGNORES_INTERRUPTS, NAME)),
    "unchecked exit": Case((TOTAL, ENDS_ITSELF, NAME)),
    "test except": Case((TOTAL, as_answer(IGNORES_INTERRUPTS), NAME)),
    "test exit": Case((TOTAL, as_answer(ENDS_ITSELF), NAME)),
    "naps": Case(
        (GRADER, TOTAL, CHECK_Q1, NAP, NAP, NAP, NAME),
        limits=replace(LIMITS, time_s=25.0, cell_time_s=25.0),
    ),
    "unchecked nap": Case((TOTAL, NAP), limits=replace(LIMITS, time_s=5.0, cell_time_s=5.0)),
    **{name: Case((GRADER, TOTAL, CHECK_Q1, cell, RIGHT, NAME)) for name, cell in ENDINGS.items()},
}


@pytest.fixture(scope="module")
def result_of(module_sandbox: Sandbox) -> Callable[[str], GradingResult]:
    """How each case ended in one of the sandboxes."""
    specs = {
        zipped: inspect(module_sandbox, zipped) for zipped in (ZIP, ASSERTING_ZIP, LOOKING_ZIP)
    }

    def graded(case: Case) -> GradingResult:
        raw = run(module_sandbox, case.zipped, notebook(*case.cells), case.limits)
        return conclude(raw, specs[case.zipped], case.limits)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        results = dict(zip(CASES, pool.map(graded, CASES.values()), strict=True))
    return results.__getitem__


@pytest.fixture(scope="module")
def otters_scores(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, float]]:
    """What otter by itself gives a notebook of these cells, in a process of its own."""
    code = (
        "from otter.api import grade_submission\n"
        "found = grade_submission('submission.ipynb', 'autograder.zip', quiet=True)\n"
        "for name in found.results: print('score', name, found.get_score(name))\n"
    )

    def grade(*cells: str) -> dict[str, float]:
        folder = tmp_path_factory.mktemp("otter")
        (folder / "autograder.zip").write_bytes(ZIP)
        (folder / "submission.ipynb").write_bytes(notebook(*cells))
        command = [sys.executable, "-W", "ignore", "-c", code]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        lines = [line.split() for line in done.stdout.splitlines() if line.startswith("score ")]
        return {name: float(score) for _, name, score in lines}

    return grade


def scores(result: GradingResult) -> dict[str, float]:
    assert result.verdict is Verdict.GRADED, (result.verdict, result.staff_text)
    return {question.question: question.score for question in result.questions}


# --- the run goes on ------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["endless cell", "stopped cell"])
def test_a_cell_that_never_ends_costs_its_questions_alone(
    result_of: Callable[[str], GradingResult], case: str
) -> None:
    result = result_of(case)
    assert scores(result) == {"q1": 1.0, "q2": 3.0, "q3": 4.0}
    assert result.flags == {"cell_timeout"}
    assert "Cell 2 took longer than 6 s" in result.student_text
    assert "Cell 2 was interrupted after 6 s" in result.staff_text


def test_a_test_that_never_ends_costs_its_question_alone(
    result_of: Callable[[str], GradingResult],
) -> None:
    result = result_of("endless test")
    assert scores(result) == {"q1": 1.0, "q2": 0.0, "q3": 4.0}
    assert result.flags == {"cell_timeout", "questions_missing"}
    assert "The test of q2 took longer than 6 s" in result.student_text
    assert "Without a result: q2" in result.staff_text


def test_what_else_there_is_scores_as_it_would_in_otter_by_itself(
    result_of: Callable[[str], GradingResult], otters_scores: Callable[..., dict[str, float]]
) -> None:
    assert scores(result_of("endless cell")) == otters_scores(TOTAL, RIGHT, NAME)
    wrong = "def answer(): return 0"
    assert scores(result_of("endless test")) == otters_scores(TOTAL, wrong, NAME)


def test_a_test_that_never_ends_in_the_notebooks_own_check_is_tried_once_more(
    result_of: Callable[[str], GradingResult],
) -> None:
    result = result_of("endless check")
    assert scores(result) == {"q1": 1.0, "q2": 0.0, "q3": 4.0}
    assert "Cell 5 and the test of q2 took longer" in result.student_text


def test_a_test_that_leaves_otters_cell_costs_its_question_alone(
    result_of: Callable[[str], GradingResult],
) -> None:
    """otter by itself would have no results at all."""
    result = result_of("leaving test")
    assert scores(result) == {"q1": 1.0, "q2": 0.0, "q3": 4.0}
    assert result.flags == {"questions_missing"}


# --- the kernel is gone ---------------------------------------------------------------------------


@pytest.mark.parametrize("case", ENDINGS)
def test_what_was_checked_before_the_kernel_ended_counts(
    result_of: Callable[[str], GradingResult], case: str
) -> None:
    result = result_of(case)
    assert scores(result) == {"q1": 1.0, "q2": 0.0, "q3": 0.0}
    by_itself = case in {"exit", "daemon"}
    assert "kernel_died" in result.flags
    assert ("cell_timeout" in result.flags) is not by_itself
    assert "cell 4" in result.student_text.lower()
    assert "nothing after that was run" in result.student_text
    assert "Without a result: q2, q3" in result.staff_text


@pytest.mark.parametrize("case", ["test exit", "test except"])
def test_what_was_tested_before_a_test_ended_the_kernel_counts(
    result_of: Callable[[str], GradingResult], case: str
) -> None:
    result = result_of(case)
    assert scores(result) == {"q1": 1.0, "q2": 0.0, "q3": 0.0}
    assert "kernel_died" in result.flags
    assert "the test of q2" in result.student_text.lower()


@pytest.mark.parametrize(
    ("case", "verdict"),
    [("unchecked except", Verdict.TIMED_OUT), ("unchecked exit", Verdict.CRASHED)],
)
def test_a_kernel_that_ended_before_any_test_makes_no_score(
    result_of: Callable[[str], GradingResult], case: str, verdict: Verdict
) -> None:
    result = result_of(case)
    assert result.verdict is verdict
    assert result.score is None
    assert "ended in cell 2" in result.student_text
    assert "cell 2" in result.staff_text.lower()


def test_out_of_memory_keeps_what_was_checked_before(
    result_of: Callable[[str], GradingResult], module_sandbox: Sandbox
) -> None:
    """In the process sandbox it is a MemoryError of one cell, and the run goes on."""
    result = result_of("hog")
    assert scores(result)["q1"] == 1.0
    if module_sandbox.name == "docker":
        assert result.flags == {"out_of_memory", "kernel_died", "questions_missing"}
        assert "more memory than it has in cell 4" in result.student_text


# --- the time of the whole run --------------------------------------------------------------------


def test_when_the_time_of_the_run_is_over_what_was_checked_before_counts(
    result_of: Callable[[str], GradingResult],
) -> None:
    result = result_of("naps")
    assert scores(result) == {"q1": 1.0, "q2": 0.0, "q3": 0.0}
    assert result.flags == {"cell_timeout", "questions_missing"}
    assert "The 25 s for the whole notebook were over in cell" in result.student_text


def test_when_the_time_of_the_run_is_over_before_any_test_there_is_no_score(
    result_of: Callable[[str], GradingResult],
) -> None:
    result = result_of("unchecked nap")
    assert result.verdict is Verdict.TIMED_OUT
    assert result.score is None


# --- what the notebook notices --------------------------------------------------------------------


def test_tests_see_the_notebooks_names_and_none_of_ours(
    result_of: Callable[[str], GradingResult],
) -> None:
    """otter's last cell binds some of its own, and only after the tests."""
    result = result_of("names")
    assert scores(result) == {"q1": 1.0, "q2": 1.0}
    assert result.flags == frozenset()


def test_pipes_in_the_place_of_kept_results_hold_nothing_up(
    result_of: Callable[[str], GradingResult],
) -> None:
    result = result_of("pipes")
    assert scores(result) == {"q1": 1.0, "q2": 3.0, "q3": 4.0}
    assert result.flags == frozenset()
