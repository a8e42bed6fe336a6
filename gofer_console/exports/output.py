"""Where an export goes: a file that appears whole or not at all, or standard output."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from typing import TYPE_CHECKING

from shared.errors import GoferError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def appearing(path: Path, *, replace: bool) -> Iterator[Path]:
    """Yield where to write, in the same folder; it becomes `path` when the block ends well.

    Through a link, what it points at is replaced and not the link. A file that is replaced keeps
    its permissions: grades made private stay private.

    Args:
        path: the file.
        replace: whether one that is there already is replaced.

    Raises:
        GoferError: it is there already and not to be replaced, is no ordinary file, or cannot be
            written.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise GoferError(f"{path} is no ordinary file. Name another one.")
    if target.exists() and not replace:
        raise _there_already(path)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.open("xb").close()
        if target.exists():
            shutil.copymode(target, temporary)
        yield temporary
        _make_durable(temporary)
        if replace:
            temporary.replace(target)
        else:
            _appear(temporary, target, path)
    except OSError as error:
        raise GoferError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _appear(temporary: Path, target: Path, path: Path) -> None:
    """Give a file its name unless something has taken it meanwhile."""
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        raise _there_already(path) from None
    except OSError:
        # A file system without hard links: looking once more leaves the least time for another.
        if target.exists():
            raise _there_already(path) from None
        temporary.replace(target)


def _there_already(path: Path) -> GoferError:
    return GoferError(f"{path} is there already. --force replaces it.")


def _make_durable(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
