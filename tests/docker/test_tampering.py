"""Notebooks that tamper with their tests are flagged; honest ones are not, and score as ever.

All of them are graded side by side, once in each sandbox.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.results import conclude
from shared.model import Verdict
from tests.support.grading import TEST_LIMITS, inspect, run
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from gofer_ingest.grader.sandbox import Sandbox
    from shared.model import GradingResult

pytestmark = pytest.mark.timeout(900)
"""The first test of each sandbox waits for all notebooks."""

AT_A_TIME = 2
TESTS = {
    "q1": ok_test("q1", "total == 5", "total > 100", points=2.0),
    "q2": ok_test("q2", "answer() == 42", points=3.0),
    "q3": ok_test("q3", "name == 'Ada'", points=4.0, hidden=True),
}
ASSERTING = """
OK_FORMAT = False
from otter.test_files import test_case
name = "q1"
points = 2

@test_case()
def test_total(total):
    assert total == 5
"""
ZIP = autograder_zip(TESTS)
PUBLIC_ZIP = autograder_zip(TESTS, config={"show_all_public": True})
ASSERTING_ZIP = autograder_zip({"q1": ASSERTING})

GRADER = "import otter\ngrader = otter.Notebook()"
HONEST = ("total = 5", "def answer(): return 42", "name = 'Ada'")
WRONG = ("total = 0", "def answer(): return 0", "name = ''")
SHADOWING = """
sum, list, max, print, object, globals, exec = 1, 2, 3, 4, 5, 6, 7
import numpy as np, pandas as pd
array, frame, empty = np.zeros((3, 3)), pd.DataFrame({"a": [1, 2]}), np.array([])

class Point:
    def __init__(self, x):
        self.x = x
    def __eq__(self, other):
        return self.x == other.x

class Picky:
    def __eq__(self, other):
        raise TypeError("only Picky")

point, picky = Point(1), Picky()
"""
WHOLESALE = """
from otter.execute import Checker
from otter.test_files.abstract_test import TestCaseResult

def check(cls, path, nbmeta_config, test_name=None, global_env=None):
    from otter.test_files import create_test_file
    test = create_test_file(path, nbmeta_config)
    test.test_case_results = [TestCaseResult(case, "", True) for case in test.test_cases]
    cls._test_files.append(test)
    return test

Checker.check = classmethod(check)
"""
DOCTEST = "import doctest\ndoctest.OutputChecker.check_output = lambda *arguments: True"
BY_NAME = """
from otter.test_files.ok_test import OKTestFile
from otter.test_files.abstract_test import TestCaseResult
real = OKTestFile.run

def run(self, environment):
    real(self, environment)
    if self.name in {"q1", "q2", "q3"}:
        for result in self.test_case_results:
            result.passed = True

OKTestFile.run = run
"""
RESULTS = """
import otter.test_files
real = otter.test_files.GradingResults.__init__

def generous(self, test_files, *arguments, **named):
    real(self, [test for test in test_files if test.name in {"q1", "q2", "q3"}])
    for test in self.results.values():
        for result in test.test_case_results:
            result.passed = True

otter.test_files.GradingResults.__init__ = generous
"""
SCORES = """
grader.check("q1")
from otter.execute import Checker
for test in Checker.get_results():
    test.update_score(2.0)
"""
EQUAL = "class Always:\n    def __eq__(self, other): return True\n    __hash__ = None"
SLEEPS = """
import time
class Slow:
    def __eq__(self, other):
        time.sleep(60)
slow = [Slow() for _ in range(100)]
"""
SILENCED = "import pathlib\npathlib.Path.open = None"
ANY = """
from unittest.mock import ANY, Mock
called = Mock()
called(1)
called.assert_called_with(ANY)
"""
NEARLY_FULL_DISK = """
import shutil
left = 32 << 10  # enough for results
if shutil.disk_usage("/tmp").total < 2 << 30:  # a container's, and not this machine's
    with open("/tmp/filler", "wb", buffering=0) as filler:
        while (free := shutil.disk_usage("/tmp").free) > left:
            filler.write(b"x" * min(free - left, 1 << 20))
"""
NO_MEMORY_LEFT = """
import resource
hoard, size = [], 64 << 20
if resource.getrlimit(resource.RLIMIT_DATA)[0] != resource.RLIM_INFINITY:
    while size > 1 << 16:  # in a container it would be killed for it
        try:
            hoard.append(bytearray(size))
        except MemoryError:
            size //= 2
"""
SHADOWED_IN_A_MODULE = "import doctest\ndoctest.exec = lambda *arguments: None"
ENDS = "import os\nos._exit(1)"


@dataclass(frozen=True)
class Case:
    """One notebook, and what grades it."""

    cells: tuple[str, ...]
    zipped: bytes = ZIP


CASES = {
    "honest": Case(HONEST),
    "checking": Case((GRADER, HONEST[0], "grader.check('q1')", *HONEST[1:], "grader.check_all()")),
    "wrong": Case(WRONG),
    "shadowing": Case((*HONEST, SHADOWING)),
    "asserting": Case(HONEST, ASSERTING_ZIP),
    "slow": Case((*HONEST, SLEEPS)),
    "ended": Case((GRADER, HONEST[0], "grader.check('q1')", ENDS, *HONEST[1:])),
    "public": Case(HONEST, PUBLIC_ZIP),
    "public by name": Case((*WRONG, BY_NAME), PUBLIC_ZIP),
    "wholesale": Case((*WRONG, WHOLESALE)),
    "doctest": Case((*WRONG, DOCTEST)),
    "by name": Case((*WRONG, BY_NAME)),
    "results": Case((*WRONG, RESULTS)),
    "scores": Case((GRADER, *WRONG, SCORES)),
    "equal": Case((*WRONG, EQUAL, "total = name = Always()")),
    "equal in a list": Case((*WRONG, EQUAL, "names = {'Ada': Always()}")),
    "silenced": Case((*HONEST, SILENCED)),
    "module": Case((*HONEST, SHADOWED_IN_A_MODULE)),
    "mock": Case((*HONEST, ANY)),
    "mock as an answer": Case((*WRONG, ANY, "total = name = ANY")),
    "nearly full disk": Case((*HONEST, NEARLY_FULL_DISK)),
    "no memory left": Case((*HONEST, NO_MEMORY_LEFT)),
}
UNFLAGGED = (
    "honest",
    "checking",
    "wrong",
    "shadowing",
    "asserting",
    "slow",
    "public",
    "mock",
    "nearly full disk",
)
TAMPERED = {
    "wholesale": "nobody can pass was reported as passed",
    "doctest": "doctest.OutputChecker.check_output",
    "by name": "otter.test_files.ok_test.OKTestFile.run",
    "public by name": "otter.test_files.ok_test.OKTestFile.run",
    "results": "otter.test_files.GradingResults.__init__",
    "scores": "a score that no test gave it",
    "equal": "'total' equals whatever",
    "equal in a list": "'names' equals whatever",
    "silenced": "kept from answering",
    "module": "doctest.exec",
    "mock as an answer": "'total' equals whatever",
}


@pytest.fixture(scope="module")
def result_of(module_sandbox: Sandbox) -> Callable[[str], GradingResult]:
    """How each case ended in one of the sandboxes."""
    specs = {zipped: inspect(module_sandbox, zipped) for zipped in (ZIP, PUBLIC_ZIP, ASSERTING_ZIP)}

    def graded(case: Case) -> GradingResult:
        raw = run(module_sandbox, case.zipped, notebook(*case.cells))
        return conclude(raw, specs[case.zipped], TEST_LIMITS)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        results = dict(zip(CASES, pool.map(graded, CASES.values()), strict=True))
    return results.__getitem__


def scores(result: GradingResult) -> dict[str, float]:
    assert result.verdict is Verdict.GRADED, (result.verdict, result.staff_text)
    return {question.question: question.score for question in result.questions}


@pytest.mark.parametrize("case", UNFLAGGED)
def test_an_honest_notebook_has_no_flag(
    result_of: Callable[[str], GradingResult], case: str
) -> None:
    result = result_of(case)
    assert result.verdict is Verdict.GRADED, result.staff_text
    assert result.flags == frozenset(), result.staff_text
    assert result.staff_text == ""


def test_a_kernel_without_memory_is_not_taken_for_tampering(
    result_of: Callable[[str], GradingResult],
) -> None:
    """What the want of memory costs is the notebook's own; it is only no evidence."""
    result = result_of("no memory left")
    assert "tampered" not in result.flags, result.staff_text


@pytest.mark.parametrize(
    "case", ["honest", "checking", "slow", "public", "mock", "nearly full disk"]
)
def test_the_canary_is_no_question_and_changes_no_total(
    result_of: Callable[[str], GradingResult], case: str
) -> None:
    result = result_of(case)
    assert scores(result) == {"q1": 1.0, "q2": 3.0, "q3": 4.0}
    assert result.score is not None
    assert (result.score.points, result.score.possible) == (8.0, 9.0)


def test_a_wrong_notebook_earns_what_it_did(result_of: Callable[[str], GradingResult]) -> None:
    assert scores(result_of("wrong")) == {"q1": 0.0, "q2": 0.0, "q3": 0.0}


@pytest.mark.parametrize("case", TAMPERED)
def test_a_notebook_that_tampers_is_flagged_and_staff_are_told_how(
    result_of: Callable[[str], GradingResult], case: str
) -> None:
    result = result_of(case)
    assert "tampered" in result.flags
    assert TAMPERED[case] in result.staff_text


def test_students_are_not_told_of_it(result_of: Callable[[str], GradingResult]) -> None:
    assert result_of("by name").student_text == result_of("honest").student_text


def test_a_kernel_that_ended_before_the_canary_is_not_held_against_a_notebook(
    result_of: Callable[[str], GradingResult],
) -> None:
    result = result_of("ended")
    assert scores(result)["q1"] == 1.0
    assert result.flags == {"kernel_died", "questions_missing"}


def test_a_zip_that_shows_all_public_tests_has_no_canary(
    result_of: Callable[[str], GradingResult],
) -> None:
    assert "No canary was laid" in result_of("public").log_tail
    assert "No canary was laid" not in result_of("honest").log_tail
