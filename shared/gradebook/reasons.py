"""Why a database or a disk refused, in plain words that quote no row and no address."""

from __future__ import annotations

from typing import Final

_LOCKED: Final = "another program keeps it locked. Stop that program, or try again later"
_RULES: Final = "it does not take such values, by its own rules"
_FULL: Final = "the disk is full. Make room on the volume"

_SQLITE: Final = (
    ("SQLITE_BUSY", _LOCKED),
    ("SQLITE_LOCKED", _LOCKED),
    ("SQLITE_FULL", _FULL),
    ("SQLITE_IOERR", "the disk refused to read or write. Look at the disk and the system's log"),
    ("SQLITE_READONLY", "it cannot be written. Look at the owner and permissions of the volume"),
    ("SQLITE_CANTOPEN", "it cannot be opened. Look at the owner and permissions of the volume"),
    ("SQLITE_PERM", "it cannot be opened. Look at the owner and permissions of the volume"),
    ("SQLITE_CORRUPT", "its file is damaged. Keep a copy of it and restore a backup"),
    ("SQLITE_NOTADB", "its file is not a database. Move it elsewhere, or restore a backup"),
    ("SQLITE_CONSTRAINT", _RULES),
)
"""By the beginning of the names in sqlite.org/rescode.html."""

_POSTGRESQL: Final = (
    ("08", "its database server does not answer. Start it, or look at the network"),
    ("22", "it does not take such values"),
    ("23", _RULES),
    ("25006", "it can only be read. Look at whether the database server is a standby"),
    ("28", "its database server does not let this user in. Look at GOFER_DATABASE_URL"),
    ("3D", "its database server has no such database. Make it, or look at GOFER_DATABASE_URL"),
    ("40", "another program keeps changing it. Try again"),
    ("42501", "this user may not do that in the database. Make it the owner of the database"),
    ("53100", "the disk of its database server is full. Make room there"),
    ("53", "its database server has no room for more: connections or memory"),
    ("55P03", _LOCKED),
    ("57P", "its database server is stopping or starting. Try again in a moment"),
)
"""By the beginning of the codes in PostgreSQL's manual, appendix A."""


def reason(error: BaseException) -> str:
    """Return what is wrong and what to do, to follow a colon.

    Args:
        error: what SQLAlchemy, a driver or the operating system raised.
    """
    origin = getattr(error, "orig", None) or error
    if isinstance(origin, OSError):
        return origin.strerror or type(origin).__name__
    if hasattr(origin, "sqlstate"):
        return _postgresql_reason(origin)
    name = getattr(origin, "sqlite_errorname", None) or ""
    for start, words in _SQLITE:
        if name.startswith(start):
            # A constraint's own words name a rule, never a value.
            return f"{words} ({origin})" if start == "SQLITE_CONSTRAINT" else words
    return f"the database says {name or type(origin).__name__}"


def _postgresql_reason(origin: object) -> str:
    # Without a code no server has spoken: it was the driver that refused a value, or there was no
    # connection, or it broke.
    unsaid = "22000" if type(origin).__name__ == "DataError" else "08000"
    state = getattr(origin, "sqlstate", None) or unsaid
    for start, words in _POSTGRESQL:
        if state.startswith(start):
            rule = getattr(getattr(origin, "diag", None), "constraint_name", None)
            return f"{words} ({rule})" if rule else words
    return f"the database says {type(origin).__name__}"
