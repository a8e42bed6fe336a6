"""The key that signs sign-in cookies, made once and kept.

Several server processes on one volume find the same one, and a restart signs nobody out.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_NAME: Final = "cookie_secret"
_SECRET: Final = re.compile(r"[0-9a-f]{64}")
_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def kept_secret(folder: Path) -> str:
    """Return the key that is kept in a folder; make both where they are not there.

    A file that holds no key, as of a process that was killed while making it, gets a fresh one:
    that signs people out, and they sign in again.

    Raises:
        OSError: the folder cannot be used.
    """
    folder.mkdir(mode=0o750, exist_ok=True)
    descriptor = os.open(folder / _NAME, _OPEN, 0o600)
    with os.fdopen(descriptor, "r+", encoding="ascii", errors="replace") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # let go when the file is closed
        os.fchmod(file.fileno(), 0o600)
        kept = file.read()
        if _SECRET.fullmatch(kept):
            return kept
        made = secrets.token_hex(32)
        file.seek(0)
        file.truncate()
        file.write(made)
        file.flush()
        os.fsync(file.fileno())
        return made
