from __future__ import annotations

import math
from typing import Any

import nbconvert.preprocessors
import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbclient.exceptions import CellExecutionComplete
from nbconvert.preprocessors import ExecutePreprocessor

from gofer_ingest.grader.harness.evidence import Evidence
from gofer_ingest.grader.harness.execution import (
    OutputBudget,
    executor_with,
    substitute_executor,
)
from gofer_ingest.grader.harness.stops import Watch


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(st.integers(0, 50)), allowed=st.integers(0, 100))
def test_no_more_is_kept_than_the_budget_allows(sizes: list[int], allowed: int) -> None:
    budget = OutputBudget(allowed)
    kept = sum(size for size in sizes if budget.take(size))
    assert kept <= allowed
    assert budget.was_exceeded == (kept < sum(sizes))


def test_nothing_is_kept_once_something_was_dropped() -> None:
    budget = OutputBudget(10)
    assert [budget.take(size) for size in (4, 7, 1)] == [True, False, False]


WATCH = Watch(cell_time_s=1.0, ends_at=math.inf)

new_code_cell: Any = nbformat.v4.new_code_cell


def message(kind: str, **content: Any) -> dict[str, Any]:
    header = {"msg_type": kind, "msg_id": "m"}
    return {"msg_type": kind, "header": header, "parent_header": header, "content": content}


@pytest.fixture
def executor() -> Any:
    """An executor with ten bytes left, in the middle of a cell."""
    made: Any = executor_with(OutputBudget(10), WATCH, Evidence())()
    made.record_timing = False
    made.reset_execution_trackers()
    made.clear_before_next_output = False
    return made


def printed(executor: Any, *texts: str) -> list[str]:
    cell = new_code_cell("print()")
    for text in texts:
        executor.process_message(message("stream", name="stdout", text=text), cell, 0)
    return [output["text"] for output in cell.outputs]


def test_outputs_within_the_budget_reach_the_notebook(executor: Any) -> None:
    assert printed(executor, "12345", "67890") == ["12345", "67890"]


def test_outputs_past_the_budget_are_dropped(executor: Any) -> None:
    assert printed(executor, "12345", "678901", "x") == ["12345"]


@pytest.mark.parametrize("kind", ["display_data", "execute_result", "error"])
def test_pictures_and_tracebacks_count_as_well(executor: Any, kind: str) -> None:
    cell = new_code_cell("plot()")
    content = {"data": {"image/png": "x" * 100}, "metadata": {}, "execution_count": 1}
    executor.process_message(message(kind, **content), cell, 0)
    assert cell.outputs == []


def test_the_end_of_a_cell_is_heard_although_the_budget_is_spent(executor: Any) -> None:
    cell = new_code_cell("print()")
    printed(executor, "x" * 100)
    executor.process_message(message("execute_input", execution_count=7), cell, 0)
    assert cell.execution_count == 7
    with pytest.raises(CellExecutionComplete):
        executor.process_message(message("status", execution_state="idle"), cell, 0)


def test_otter_finds_the_substitute_under_nbconverts_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nbconvert.preprocessors, "ExecutePreprocessor", ExecutePreprocessor)
    substitute_executor(OutputBudget(10), WATCH, Evidence())
    substitute = nbconvert.preprocessors.ExecutePreprocessor
    assert substitute is not ExecutePreprocessor
    assert issubclass(substitute, ExecutePreprocessor)
