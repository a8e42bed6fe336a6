"""How cells are executed: nbconvert's executor with an end to what the cells may print.

otter asks for `nbconvert.preprocessors.ExecutePreprocessor` by name, so the name is what is
replaced: its files stay as they are.
"""

from __future__ import annotations

import json
from typing import Any

import nbconvert.preprocessors
from nbconvert.preprocessors import ExecutePreprocessor


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


def executor_with(budget: OutputBudget) -> type[ExecutePreprocessor]:
    """Make an executor that drops outputs once `budget` is spent."""

    class BudgetedExecutePreprocessor(ExecutePreprocessor):  # type: ignore[misc]
        def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
            if msg["msg_type"] in {
                "stream",
                "display_data",
                "update_display_data",
                "execute_result",
                "error",
                "comm_open",
                "comm_msg",
            } and not budget.take(_size(msg)):
                return None
            return super().process_message(msg, cell, cell_index)

    return BudgetedExecutePreprocessor


def substitute_executor(budget: OutputBudget) -> None:
    """Let otter execute notebooks within `budget`."""
    nbconvert.preprocessors.ExecutePreprocessor = executor_with(budget)


def _size(msg: dict[str, Any]) -> int:
    content = msg["content"]
    text = content.get("text")
    return len(text) if isinstance(text, str) else len(json.dumps(content))
