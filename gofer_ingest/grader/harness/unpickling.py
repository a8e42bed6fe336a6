"""What otter may unpickle: exactly the classes its results are made of.

otter's runner unpickles two things that student code can write: the results file, which the
student's kernel makes, and log records sent to a local socket. Both go through here.
"""

from __future__ import annotations

import io
import os
import pickle
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, BinaryIO

import otter.execute
import otter.execute.logging
from otter.test_files import GradingResults, TestCase
from otter.test_files.abstract_test import TestCaseResult
from otter.test_files.exception_test import ExceptionTestFile, test_case
from otter.test_files.metadata_test import (
    NotebookMetadataExceptionTestFile,
    NotebookMetadataOKTestFile,
)
from otter.test_files.ok_test import OKTestFile

if TYPE_CHECKING:
    from pathlib import Path

ALLOWED_CLASSES = {
    (cls.__module__, cls.__qualname__): cls
    for cls in (
        GradingResults,
        TestCase,
        TestCaseResult,
        OKTestFile,
        ExceptionTestFile,
        test_case,
        NotebookMetadataOKTestFile,
        NotebookMetadataExceptionTestFile,
    )
}
RESULTS_MAX_BYTES = 32 << 20


class AllowListUnpickler(pickle.Unpickler):
    """Unpickles plain values and `ALLOWED_CLASSES`, nothing else."""

    def find_class(self, module: str, name: str) -> type:
        """Return an allowed class; anything else is refused before it is even imported."""
        try:
            return ALLOWED_CLASSES[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a result") from None

    def persistent_load(self, pid: Any) -> Any:  # noqa: ARG002 - the base class names it
        """Refuse references to things outside the pickle."""
        raise pickle.UnpicklingError("a result refers to nothing outside itself")


def load(file: BinaryIO) -> Any:
    """Stand in for `pickle.load`.

    Raises:
        pickle.UnpicklingError: it is too large, or holds a class that is not allowed.
    """
    data = file.read(RESULTS_MAX_BYTES + 1)
    if len(data) > RESULTS_MAX_BYTES:
        raise pickle.UnpicklingError(f"the results are over {RESULTS_MAX_BYTES} bytes")
    return loads(data)


def checked_tests(path: Path) -> list[str]:
    """Return the paths of the tests that a file of results has, as otter knows them.

    Whatever the notebook may have put there instead holds none.
    """
    try:
        # neither a link nor a pipe that nobody writes to may hold this up
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            test_files = load(file).results.values()
            return [test.path for test in test_files if isinstance(test.path, str)]
    except Exception:  # noqa: BLE001 - a pickle that the notebook made up raises what it likes
        return []


def loads(data: bytes) -> Any:
    """Stand in for `pickle.loads`."""
    return AllowListUnpickler(io.BytesIO(data)).load()


def guard_otter() -> None:
    """Make otter's runner and its log server unpickle through here."""
    guarded = SimpleNamespace(load=load, loads=loads, UnpicklingError=pickle.UnpicklingError)
    for module in (otter.execute, otter.execute.logging):
        if not hasattr(module, "pickle"):
            raise RuntimeError(f"{module.__name__} no longer uses pickle here: look again")
        module.pickle = guarded
