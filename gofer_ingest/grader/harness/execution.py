"""How cells are executed: an end to what they print and to how long they run.

otter asks for `nbconvert.preprocessors.ExecutePreprocessor` by name, so the name is what is
replaced: its files stay as they are. A cell past its limit is interrupted, and a kernel that
ignores this is killed. Then execution ends as if the notebook had, and otter goes on with what
results there are.
"""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING, Any, ClassVar

import nbconvert.preprocessors
from jupyter_core.utils import ensure_async, run_sync
from nbclient.exceptions import DeadKernelError

from . import memory, unpickling
from .nursery import KERNEL_NAME, WarmKernel
from .plan import Place, plan_of
from .stops import How, Watch

if TYPE_CHECKING:
    from .evidence import Evidence

_preprocessors: Any = nbconvert.preprocessors
_Executor: Any = _preprocessors.ExecutePreprocessor

GRACE_S = 3.0
"""How long an interrupted cell may take to give way: it may have to come back from a library."""


class OutputBudget:
    """How much the cells of this run may still print."""

    def __init__(self, allowed_bytes: int) -> None:
        self.left = allowed_bytes
        self.was_exceeded = False

    def take(self, size: int) -> bool:
        """Say whether an output of `size` bytes is kept."""
        if size > self.left:
            self.left = 0
            self.was_exceeded = True
            return False
        self.left -= size
        return True


class GuardedExecutePreprocessor(_Executor):  # type: ignore[misc]
    """Executes within a budget of output and the limits of a watch; see `executor_with`."""

    budget: ClassVar[OutputBudget]
    watch: ClassVar[Watch]
    evidence: ClassVar[Evidence]
    kernel: ClassVar[WarmKernel | None]

    def create_kernel_manager(self) -> Any:
        """Take the kernel that is ready, unless the notebook is to have another."""
        wanted = self.kernel_name or self.nb.metadata.get("kernelspec", {}).get("name")
        if self.kernel is None or wanted not in {None, "", KERNEL_NAME}:
            return super().create_kernel_manager()
        self.km = self.kernel.manager
        return self.km

    def start_new_kernel_client(self) -> Any:
        """Take the client of the kernel that is ready."""
        if self.kernel is None or self.km is not self.kernel.manager:
            return super().start_new_kernel_client()
        self.kc = self.kernel.client
        return self.kc

    def preprocess(self, nb: Any, resources: Any = None, km: Any = None) -> Any:
        """Execute otter's notebook; return normally although the kernel may have ended."""
        theirs = nb.cells
        otters = self.config.GradingPreprocessor
        evidence = self.evidence
        plan = plan_of(
            theirs,
            otters.tests_glob,
            otters.results_path,
            canary=evidence.canary.path if evidence.canary else None,
            probe=evidence.probe_source(otters.results_path, self.watch.cell_time_s),
        )
        self._plan = plan
        evidence.make_room(otters.results_path)
        self._failed_checks = False
        self._exported = False
        self._checked: list[str] | None = None
        self.on_cell_executed = self._take_reply
        self.shutdown_kernel = "immediate"  # whatever counts is on disk by then
        nb.cells = plan.cells
        try:
            return super().preprocess(nb, resources, km)
        finally:
            nb.cells = theirs
            evidence.take_report(plan.results)
            self._settle_results()

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> Any:
        """Execute one cell, unless the run has ended or there is nothing in it to do."""
        place = self._plan.places[index]
        if not (self.watch.has_ended or self._is_needless(place)):
            self._stopped: How | None = None if self.watch.left_s else How.OUT_OF_TIME
            try:
                if self._stopped is None:
                    cell, resources = super().preprocess_cell(cell, resources, index)
            except DeadKernelError:
                if self._stopped is None:
                    self._stopped = How.DIED
                elif self._stopped is How.INTERRUPTED:  # the interrupt was too much for it
                    self._stopped = How.KILLED
            finally:
                if self._stopped is not None:
                    self.watch.stops.append((place, self._stopped))
                if place.is_probe or place.is_canary:
                    self.evidence.is_memory_short |= self._is_memory_short()
                if place.is_probe:  # what the run's time was over for is not silence
                    self.evidence.was_probed = self._stopped is not How.OUT_OF_TIME
        if place.is_export:
            self._end_kernel()
        return cell, resources

    async def async_execute_cell(
        self,
        cell: Any,
        cell_index: int,
        execution_count: int | None = None,
        store_history: bool = True,  # noqa: FBT001, FBT002 - the base class has it so
    ) -> Any:
        """Execute one cell under guard."""
        guard = asyncio.ensure_future(self._guard(self._plan.places[cell_index]))
        try:
            return await super().async_execute_cell(
                cell, cell_index, execution_count, store_history
            )
        finally:
            guard.cancel()

    execute_cell = run_sync(async_execute_cell)

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Take what the kernel says, but for outputs past the budget."""
        if msg["msg_type"] in {
            "stream",
            "display_data",
            "update_display_data",
            "execute_result",
            "error",
            "comm_open",
            "comm_msg",
        } and not self.budget.take(_size(msg)):
            return None
        return super().process_message(msg, cell, cell_index)

    async def _guard(self, place: Place) -> None:
        """Let the present cell run as long as it may, then stop it."""
        left_s = self.watch.left_s
        # otter's own imports are nobody's endless loop, even on a machine with much to do
        cell_s = left_s if place == Place() else self.watch.cell_time_s
        await asyncio.sleep(min(cell_s, left_s))
        if cell_s < left_s:
            self._stopped = How.INTERRUPTED
            await ensure_async(self.km.interrupt_kernel())
            # one that has stopped itself would not notice before it goes on
            await ensure_async(self.km.signal_kernel(signal.SIGCONT))
            await asyncio.sleep(min(GRACE_S, self.watch.left_s))
            self._stopped = How.KILLED
        else:
            self._stopped = How.OUT_OF_TIME
        await ensure_async(self.km.signal_kernel(signal.SIGKILL))

    def _is_memory_short(self) -> bool:
        process = getattr(self.km.provisioner, "process", None)
        return process is not None and memory.is_short(process.pid)

    def _is_needless(self, place: Place) -> bool:
        """Whether a cell would do nothing, or do harm."""
        if place.is_export:
            # otter would try the failed ones once more here, and then write nothing at all
            return self._failed_checks
        if place.test is None:
            return False
        if self._checked is None:
            self._checked = unpickling.checked_tests(self._plan.kept_results)
        # otter's own rule; what it says is checked costs no round trip to the kernel
        return any(place.test in path or path in place.test for path in self._checked)

    def _end_kernel(self) -> None:
        """Kill the kernel: whatever counts is on disk, and nothing waits for it to say goodbye."""
        if self.km.has_kernel:
            run_sync(self.km.signal_kernel)(signal.SIGKILL)
            process = getattr(self.km.provisioner, "process", None)
            if process is not None:
                process.wait()  # jupyter_client would look ten times a second

    def _take_reply(self, cell: Any, cell_index: int, execute_reply: Any) -> None:  # noqa: ARG002 - nbclient names them
        place = self._plan.places[cell_index]
        is_ok = execute_reply["content"]["status"] == "ok"
        self._failed_checks |= place.test is not None and not is_ok
        self._exported |= place.is_export and is_ok
        self.evidence.has_all = self._exported

    def _settle_results(self) -> None:
        """Where otter's last cell did not write them, put what was kept in the results' place."""
        try:
            if not self._exported:
                self._plan.kept_results.replace(self._plan.results)
            self.watch.has_results = self._plan.results.stat().st_size > 0
        except OSError:
            return  # no check came to its end, or the notebook has been at its files


def executor_with(
    budget: OutputBudget, watch: Watch, evidence: Evidence, kernel: WarmKernel | None = None
) -> type[GuardedExecutePreprocessor]:
    """Make the executor of one run; without a kernel it starts its own."""

    class Executor(GuardedExecutePreprocessor):
        pass

    Executor.budget = budget
    Executor.watch = watch
    Executor.evidence = evidence
    Executor.kernel = kernel
    return Executor


def substitute_executor(
    budget: OutputBudget, watch: Watch, evidence: Evidence, kernel: WarmKernel | None = None
) -> None:
    """Let otter execute in `kernel`, or one of its own.

    Args:
        budget: of what cells may print.
        watch: over how long they run.
        evidence: of tampering, to be gathered.
        kernel: one that is ready.
    """
    _preprocessors.ExecutePreprocessor = executor_with(budget, watch, evidence, kernel)


def _size(msg: dict[str, Any]) -> int:
    content = msg["content"]
    text = content.get("text")
    return len(text) if isinstance(text, str) else len(json.dumps(content))
