"""How a cell that takes too long is stopped; real kernels are stopped in `tests/docker`."""

from __future__ import annotations

import asyncio
import math
import signal
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert.preprocessors import ExecutePreprocessor

from gofer_ingest.grader.harness import execution
from gofer_ingest.grader.harness.evidence import Evidence
from gofer_ingest.grader.harness.execution import OutputBudget, executor_with
from gofer_ingest.grader.harness.plan import Place, Plan
from gofer_ingest.grader.harness.stops import How, Watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CELL = Place(cell=3)
TEST = Place(test="./tests/q1.py")
EXPORT = Place(is_export=True)
ALL = signal.SIGINT, signal.SIGCONT, signal.SIGKILL


class Kernel:
    """Stands for a kernel and its manager: it remembers the signals it got."""

    def __init__(self) -> None:
        self.signals: list[int] = []
        self.has_kernel = True
        self.provisioner = SimpleNamespace()
        self.went_on = asyncio.Event()

    async def interrupt_kernel(self) -> None:
        self.signals.append(signal.SIGINT)

    async def signal_kernel(self, number: int) -> None:
        self.signals.append(number)
        if number == signal.SIGCONT:
            self.went_on.set()


@pytest.fixture
def executor_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Make an executor whose plan has these places, in the middle of its work."""
    monkeypatch.setattr(execution, "GRACE_S", 0.02)

    def make(*places: Place, cell_time_s: float = 0.02, left_s: float = math.inf) -> Any:
        watch = Watch(cell_time_s=cell_time_s, ends_at=time.monotonic() + left_s)
        made: Any = executor_with(OutputBudget(10), watch, Evidence())()
        made._plan = Plan([], list(places), tmp_path / "results.pkl")
        made._failed_checks = made._exported = False
        made._checked = []
        made._stopped = None
        made.km = Kernel()
        made.resources = {}
        return made

    return make


def execute(executor: Any, monkeypatch: pytest.MonkeyPatch, effect: Callable[[], object]) -> None:
    """Execute every cell of the plan; executing one does no more than `effect`."""

    def preprocess_cell(_self: Any, cell: Any, resources: Any, _index: int) -> Any:
        effect()
        return cell, resources

    monkeypatch.setattr(ExecutePreprocessor, "preprocess_cell", preprocess_cell)
    for index in range(len(executor._plan.places)):
        executor.preprocess_cell({}, {}, index)


def raises(error: BaseException) -> Callable[[], object]:
    def effect() -> object:
        raise error

    return effect


# --- the guard ------------------------------------------------------------------------------------


def test_a_cell_past_its_limit_is_interrupted_then_killed(executor_at: Callable[..., Any]) -> None:
    executor = executor_at(CELL)
    asyncio.run(executor._guard(CELL))
    assert executor.km.signals == [*ALL]
    assert executor._stopped is How.KILLED


def test_a_cell_that_gives_way_in_time_is_not_killed(executor_at: Callable[..., Any]) -> None:
    executor = executor_at(CELL)

    async def gives_way() -> None:
        guard = asyncio.ensure_future(executor._guard(CELL))
        await executor.km.went_on.wait()
        guard.cancel()

    asyncio.run(gives_way())
    assert executor._stopped is How.INTERRUPTED


def test_at_the_end_of_the_run_nothing_is_asked_to_give_way(
    executor_at: Callable[..., Any],
) -> None:
    executor = executor_at(CELL, cell_time_s=60.0, left_s=0.02)
    asyncio.run(executor._guard(CELL))
    assert executor.km.signals == [signal.SIGKILL]
    assert executor._stopped is How.OUT_OF_TIME


def test_otters_own_cells_have_the_time_of_the_run(executor_at: Callable[..., Any]) -> None:
    executor = executor_at(Place(), cell_time_s=0.001, left_s=0.1)
    asyncio.run(executor._guard(Place()))
    assert executor._stopped is How.OUT_OF_TIME


# --- cell by cell ---------------------------------------------------------------------------------


def test_nothing_is_executed_after_the_kernel_ended(
    executor_at: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = executor_at(CELL, TEST, EXPORT)
    execute(executor, monkeypatch, raises(DeadKernelError("Kernel died")))
    assert executor.watch.stops == [(CELL, How.DIED)]


def test_a_kernel_that_the_interrupt_ended_was_stopped_for_its_time(
    executor_at: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = executor_at(CELL)

    def dies_at_the_interrupt() -> None:
        executor._stopped = How.INTERRUPTED
        raise DeadKernelError("Kernel died")

    execute(executor, monkeypatch, dies_at_the_interrupt)
    assert executor.watch.stops == [(CELL, How.KILLED)]


def test_no_cell_is_begun_once_the_time_is_over(
    executor_at: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = executor_at(CELL, TEST, EXPORT, left_s=-1.0)
    execute(executor, monkeypatch, raises(AssertionError("it was begun")))
    assert executor.watch.stops == [(CELL, How.OUT_OF_TIME)]


def test_a_stop_is_taken_down_although_otter_is_to_hear_of_errors(
    executor_at: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the zip's config asks otter to debug."""
    executor = executor_at(CELL)

    def fails() -> None:
        executor._stopped = How.INTERRUPTED
        raise CellExecutionError("traceback", "KeyboardInterrupt", "")

    with pytest.raises(CellExecutionError):
        execute(executor, monkeypatch, fails)
    assert executor.watch.stops == [(CELL, How.INTERRUPTED)]


def test_the_kernel_is_ended_after_otters_last_cell_and_waited_for(
    executor_at: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = executor_at(CELL, EXPORT)
    waited: list[int] = []
    executor.km.provisioner.process = SimpleNamespace(wait=lambda: waited.append(1))
    execute(executor, monkeypatch, lambda: None)
    assert executor.km.signals == [signal.SIGKILL]
    assert waited == [1]


# --- which cells are left out ---------------------------------------------------------------------


@pytest.mark.parametrize(("status", "is_executed"), [("ok", True), ("error", False)])
def test_otters_last_cell_is_left_out_after_a_test_that_failed_to_run(
    executor_at: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    *,
    status: str,
    is_executed: bool,
) -> None:
    """It would try that test once more, and then write nothing."""
    executor = executor_at(TEST, EXPORT)
    executor._take_reply(None, 0, {"content": {"status": status}})
    executed: list[int] = []
    executor._checked = ["./tests/q1.py"]
    execute(executor, monkeypatch, lambda: executed.append(1))
    assert bool(executed) is is_executed


def test_what_the_notebook_has_checked_itself_needs_no_cell(
    executor_at: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = executor_at(TEST, Place(test="./tests/q10.py"))
    executor._checked = ["./tests/q1.py"]
    executed: list[int] = []
    execute(executor, monkeypatch, lambda: executed.append(1))
    assert executed == [1]


# --- the results ----------------------------------------------------------------------------------


def test_kept_results_take_the_place_of_what_otter_never_wrote(
    executor_at: Callable[..., Any],
) -> None:
    executor = executor_at(EXPORT)
    executor._plan.results.write_bytes(b"")
    executor._plan.kept_results.write_bytes(b"kept")
    executor._settle_results()
    assert executor._plan.results.read_bytes() == b"kept"
    assert executor.watch.has_results


def test_what_otter_wrote_to_the_end_stays(executor_at: Callable[..., Any]) -> None:
    executor = executor_at(EXPORT)
    executor._plan.results.write_bytes(b"otter's")
    executor._plan.kept_results.write_bytes(b"kept")
    executor._take_reply(None, 0, {"content": {"status": "ok"}})
    executor._settle_results()
    assert executor._plan.results.read_bytes() == b"otter's"
    assert executor.watch.has_results


def test_without_any_there_are_none(executor_at: Callable[..., Any]) -> None:
    executor = executor_at(EXPORT)
    executor._plan.results.write_bytes(b"")
    executor._settle_results()
    assert not executor.watch.has_results


# --- the probe ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("left_s", "was_probed"), [(60.0, True), (-1.0, False)])
def test_a_probe_without_time_is_not_asked_and_so_not_silent(
    executor_at: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    left_s: float,
    *,
    was_probed: bool,
) -> None:
    executor = executor_at(Place(is_probe=True), left_s=left_s)
    execute(executor, monkeypatch, lambda: None)
    assert executor.evidence.was_probed is was_probed


def test_a_probe_that_ends_its_kernel_was_asked(
    executor_at: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = executor_at(Place(is_probe=True), left_s=60.0)
    execute(executor, monkeypatch, raises(DeadKernelError("Kernel died")))
    assert executor.evidence.was_probed
