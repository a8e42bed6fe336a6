"""otter's own preprocessor makes the notebook; the plan takes its last cell apart."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from otter.execute import preprocessor
from otter.execute.preprocessor import GradingPreprocessor
from traitlets.config import Config

from gofer_ingest.grader.harness import plan as plan_module
from gofer_ingest.grader.harness.plan import POSITION_KEY, Place, Plan, plan_of, with_positions
from tests.support.zips import notebook

TESTS = ["./tests/q1.py", "./tests/q2.py"]
RESULTS = "/tmp/it's here/results.pkl"

reads: Any = nbformat.reads


def otters(submission: bytes, **config: Any) -> Any:
    """The notebook that otter would execute."""
    settings = Config()
    settings.GradingPreprocessor = Config(
        cwd="/submission",
        test_dir="./tests",
        tests_glob=TESTS,
        results_path=RESULTS,
        logging_server_host="127.0.0.1",
        logging_server_port=1,
        force_python3_kernel=True,
        **{"seed": None, "seed_variable": None, **config},
    )
    made, _ = GradingPreprocessor(config=settings).preprocess(reads(submission, as_version=4), {})
    return made


def planned(submission: bytes, **config: Any) -> tuple[Any, Plan]:
    theirs = otters(with_positions(submission), **config)
    return theirs, plan_of(theirs.cells, TESTS, RESULTS)


def test_every_test_has_a_cell_of_its_own_before_otters_last() -> None:
    theirs, plan = planned(notebook("a = 1", "b = 2"))
    assert [place.test for place in plan.places[-3:]] == [*TESTS, None]
    assert [place.check for place in plan.places[-3:]] == ["q1", "q2", None]
    assert plan.places[-1].is_export
    assert plan.cells[-1] is theirs.cells[-1]
    for cell, test in zip(plan.cells[-3:-1], TESTS, strict=True):
        assert cell.source.count("check_if_not_already_checked") == 1
        assert repr(test) in cell.source


def test_the_canary_is_checked_anywhere_among_the_others_and_is_no_question() -> None:
    theirs, _ = planned(notebook("a = 1"))
    tests = [*TESTS, "./tests/q7.py"]
    turns = set()
    for _ in range(100):
        plan = plan_of(theirs.cells, tests, RESULTS, canary="./tests/q7.py")
        checks = [place for place in plan.places if place.test]
        assert [place.check for place in checks if not place.is_canary] == ["q1", "q2"]
        (turn,) = (number for number, place in enumerate(checks) if place.is_canary)
        assert checks[turn].check is None
        assert repr("./tests/q7.py") in plan.cells[-4:-1][turn].source
        turns.add(turn)
    assert turns == {0, 1, 2}


def test_the_probe_comes_after_the_last_check_and_before_otters_last_cell() -> None:
    theirs, _ = planned(notebook("a = 1"))
    plan = plan_of(theirs.cells, TESTS, RESULTS, probe="probe()")
    assert plan.cells[-2].source == "probe()"
    assert plan.places[-2:] == [Place(is_probe=True), Place(is_export=True)]
    assert plan.places[-3].check == "q2"


def test_otters_notebook_stays_as_it_is() -> None:
    theirs, _ = planned(notebook("a = 1"))
    before = json.dumps(theirs)
    plan_of(theirs.cells, TESTS, RESULTS)
    assert json.dumps(theirs) == before


def test_results_are_kept_from_otters_first_cell_on() -> None:
    theirs, plan = planned(notebook("a = 1"))
    assert plan.cells[0].source.startswith(theirs.cells[0].source)
    compile(plan.cells[0].source, "first", "exec")
    assert repr(str(plan.kept_results)) in plan.cells[0].source.encode().decode("unicode_escape")
    assert plan.kept_results != plan.results == Path(RESULTS)


@pytest.mark.parametrize("config", [{}, {"seed": 42}, {"seed": 42, "seed_variable": "rng"}])
def test_cells_are_known_by_their_place_in_what_was_submitted(config: dict[str, Any]) -> None:
    _, plan = planned(notebook("a = 1", "b = 2", "c = 3"), **config)
    numbers = {
        cell.source.splitlines()[-1]: p for cell, p in zip(plan.cells, plan.places, strict=True)
    }
    assert [numbers[line] for line in ("a = 1", "b = 2", "c = 3")] == [Place(1), Place(2), Place(3)]


def test_cells_that_otter_leaves_out_and_puts_in_change_no_number() -> None:
    submission = json.loads(notebook("left = 'out'", "a = 1", "b = 2"))
    submission["cells"][0]["metadata"] = {"tags": ["otter_ignore"]}
    submission["cells"][1]["metadata"] = {"otter": {"tests": ["q1"]}}
    _, plan = planned(json.dumps(submission).encode())
    ours = [place.cell for place in plan.places if place.cell is not None]
    assert ours == [2, 2, 3]  # the check of q1 counts as a part of the cell before


def test_what_otter_puts_in_front_is_no_cell_of_the_notebook() -> None:
    _, plan = planned(notebook("a = 1"), seed=42)
    assert plan.places[:3] == [Place(), Place(), Place()]
    assert plan.places[3] == Place(1)


def test_an_empty_notebook_has_its_tests_all_the_same() -> None:
    _, plan = planned(notebook())
    assert [place.check for place in plan.places if place.test] == ["q1", "q2"]


def test_a_number_that_a_notebook_wrote_itself_is_overwritten() -> None:
    submission = json.loads(notebook("a = 1"))
    submission["cells"][0]["metadata"] = {POSITION_KEY: 10**30}
    marked = json.loads(with_positions(json.dumps(submission).encode()))
    assert marked["cells"][0]["metadata"][POSITION_KEY] == 1


@pytest.mark.parametrize("content", [b"", b"{}", b'{"cells": 5}', b'{"cells": [{}]}', b"\xff"])
def test_what_is_no_notebook_comes_back_as_it_is(content: bytes) -> None:
    assert with_positions(content) == content


def test_another_otter_is_refused_before_any_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preprocessor, "EXPORT_CELL_SOURCE", "results = grade_everything()")
    name = "gofer_ingest.grader.harness.plan_again"
    spec = importlib.util.spec_from_file_location(name, plan_module.__file__)
    assert spec is not None
    assert spec.loader is not None
    again = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, again)
    with pytest.raises(ImportError, match="look again"):
        spec.loader.exec_module(again)
