from __future__ import annotations

import json
from pathlib import Path

import pytest

from gofer_ingest.grader.suspicion import (
    TOKENS_MAX_CHARACTERS,
    Suspicion,
    staff_sentences,
    suspicions,
)
from tests.support.processor_time import within_processor_time
from tests.support.zips import notebook

EXAMPLES = Path(__file__).parents[3] / "examples"

ORDINARY = [
    'import otter\ngrader = otter.Notebook("lab01.ipynb")',
    'from otter import Notebook\ngrader = Notebook(tests_dir="./tests")',
    'grader = otter.Notebook("lab01.ipynb", tests_dir="tests")',
    'grader.check("q1")',
    "grader.check_all()",
    'grader.export("lab01.ipynb", pdf=False, run_tests=True)',
    "import doctest\ndoctest.testmod()",
    'if __name__ == "__main__":\n    main()',
    "tests = table['tests']\nplt.ylabel('tests/day')",
    "self.check = 5",
    "import builtins\nbuiltins.print(5)",
    "# Checker, otter.execute and tests/q1.py are not mine to know",
    "import sys\nprint('google.colab' in sys.modules)",
    "%matplotlib inline\n!pip install otter-grader",
    "class Point:\n    def __eq__(self, other):\n        return self.x == other.x",
    "class P:\n    def __eq__(self, other):\n        return True if other else False",
    "x = (",
    "",
]
ODD = [
    ("from otter.execute import Checker", "otter.execute"),
    ("from otter import execute", "otter.execute"),
    ("import otter.check.notebook as n", "otter.check"),
    ("x = otter.test_files.GradingResults", "GradingResults"),
    ("__import__('otter.execute')", "otter.execute"),
    ("open('tests/q1.py').read()", "tests/q1.py"),
    ("open('./tests/q' + str(1))\nimport glob\nglob.glob('./tests/*')", "tests/*"),
    ("import os\nos.listdir('tests')", "tests"),
    ("from pathlib import Path\nPath('../tests/').iterdir()", "../tests/"),
    ("f'/autograder/source/{name}'", "/autograder"),
    ("open('results.pkl', 'wb')", "results.pkl"),
    ("glob('/tmp/*.pkl.kept')", ".pkl.kept"),
    ("import gc\ngc.get_objects()", "get_objects"),
    ("import __main__", "__main__"),
    ("import sys\nsys.modules['__main__']", "__main__"),
    ("import sys\nsys._getframe(3)", "_getframe"),
    ("grader.check = lambda name: 'passed'", "grader.check ="),
    ("builtins.bool = lambda x: True", "builtins.bool ="),
    ("import doctest\ndoctest.OutputChecker.check_output = f", "OutputChecker"),
    ("from unittest.mock import ANY", "mock.ANY"),
    ("from unittest.mock import (\n    Mock,\n    ANY,\n)", "mock.ANY"),
    ("from unittest import mock\nanswer = mock.ANY", "mock.ANY"),
    ("class A:\n    def __eq__(self, other): return True", "__eq__ that is always true"),
    (
        'class A:\n    def __eq__(self, other) -> bool:\n        "equal"\n        return True\n',
        "__eq__ that is always true",
    ),
    ("A = type('A', (), {})\nA.__eq__ = lambda a, b: True", "__eq__ that is always true"),
    ("!cat tests/q1.py", "tests/q1.py"),
    ("%%bash\ncat /autograder/source/tests/q1.py", "/autograder"),
    ("x = 'never ends\nfrom otter.execute import Checker", "Checker"),
    ("open(f'/proc/{pid}/mem')", "/proc/"),
]


@pytest.mark.parametrize("source", ORDINARY)
def test_what_every_notebook_has_is_not_odd(source: str) -> None:
    assert suspicions(notebook(source)) == ()


@pytest.mark.parametrize(("source", "word"), ODD)
def test_what_no_exercise_needs_is_named(source: str, word: str) -> None:
    (found,) = suspicions(notebook("x = 1", source))
    assert found.cell == 2
    assert word in found.words


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.ipynb")), ids=lambda path: path.stem)
def test_no_notebook_of_the_sample_course_is_odd(path: Path) -> None:
    assert suspicions(path.read_bytes()) == ()


def test_cells_are_counted_with_text_cells_and_only_code_is_read() -> None:
    content = json.loads(notebook("Checker", "Checker"))
    content["cells"][0]["cell_type"] = "markdown"
    content["cells"][1]["source"] = ["x = 1\n", "Checker"]
    assert suspicions(json.dumps(content).encode()) == (Suspicion(2, ("Checker",)),)


@pytest.mark.parametrize(
    "source",
    [
        "(" * 100_000,
        "-" * 150_000 + "1",
        "a" + ".a" * 90_000,
        "x = " + "[" * 90_000 + "]" * 90_000,
        "\x00\ud800 Checker",
        "if True:\n" + "".join(" " * n + "if True:\n" for n in range(1, 150)),
        "otter.",
        "otter",
        ".check =",
        "(tests",
        "'tests'",
    ],
)
def test_no_source_takes_the_grader_down(source: str) -> None:
    suspicions(notebook(source))


LONG = TOKENS_MAX_CHARACTERS - 100


@pytest.mark.parametrize(
    "source",
    [
        "x" + "\n" * LONG + "x",
        "x" + "\n\f" * (LONG // 2) + "x",
        "x" + " " * LONG + "$",
        "x" + "\t" * LONG + "'",
        (" " * 119 + "$") * (LONG // 120),
        "x = '''" + "\n" * LONG + "x",
        "(\n" + (" " * 100 + "'\n") * (LONG // 102),
        "$" * LONG,
    ],
    ids=[
        "empty lines",
        "blank lines",
        "a gap",
        "tabs",
        "gaps",
        "lines in a string",
        "lines in brackets",
        "no Python",
    ],
)
def test_no_source_keeps_the_grader_busy(source: str) -> None:
    with within_processor_time(20):
        assert suspicions(notebook(*[source] * 6, "Checker")) == (Suspicion(7, ("Checker",)),)


def test_names_are_found_behind_what_is_no_python() -> None:
    source = "$ ? " * 2000 + "\nimport ctypes"
    assert suspicions(notebook(source)) == (Suspicion(1, ("ctypes",)),)


def test_a_cell_beyond_what_anybody_writes_is_looked_through_as_text() -> None:
    source = "x = 1\n" * TOKENS_MAX_CHARACTERS + "Checker"
    assert suspicions(notebook(source)) == (Suspicion(1, ("Checker",)),)


def test_staff_are_told_where_and_what() -> None:
    found = (Suspicion(2, ("Checker", "tests/q1.py")), Suspicion(5, ("ctypes",)))
    assert staff_sentences(found) == "Cell 2 names Checker, tests/q1.py. Cell 5 names ctypes."
    assert staff_sentences(()) == ""


def test_much_to_look_at_is_told_in_short() -> None:
    many = tuple(Suspicion(n, tuple(f"w{w}" for w in range(9))) for n in range(1, 30))
    told = staff_sentences(many)
    assert "w4, 4 more." in told
    assert told.endswith("So do 19 more cells.")


def test_what_is_told_is_printable_whatever_the_source() -> None:
    (found,) = suspicions(notebook("open('tests/q\u202e.py')\notter.\u00e9xecute"))
    assert all(word.isascii() and word.isprintable() for word in found.words)
