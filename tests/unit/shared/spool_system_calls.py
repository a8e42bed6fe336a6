"""Stand between the spool and the operating system: count, record, refuse or die at a call."""

from __future__ import annotations

import functools
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SYSTEM_CALLS = (
    "open",
    "close",
    "read",
    "write",
    "fsync",
    "fstat",
    "lstat",
    "statvfs",
    "listdir",
    "scandir",
    "mkdir",
    "rename",
    "unlink",
    "rmdir",
)
"""Every function of `os` the spool uses; `os.makedirs` and `shutil.rmtree` are made of these."""


@contextmanager
def intercepted(around: Callable[[str, functools.partial[Any]], Any]) -> Iterator[None]:
    """Have `around(name, call)` make each system call, or not; it returns what the call gives."""
    with ExitStack() as stack:
        for name in SYSTEM_CALLS:
            real = getattr(os, name)

            def stand_in(*args: Any, _name: str = name, _real: Any = real, **kwargs: Any) -> Any:
                return around(_name, functools.partial(_real, *args, **kwargs))

            stack.enter_context(mock.patch.object(os, name, stand_in))
        yield
