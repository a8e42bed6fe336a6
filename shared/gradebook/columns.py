"""How the gradebook stores values whose form the databases do not agree on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, String, Text
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

UTC_TEXT_LENGTH = 27
"""Of `2026-09-01T08:30:00.000000Z`."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware going in, aware and in UTC coming out, to the microsecond.

    PostgreSQL has a type for it. SQLite has none, and gets ISO 8601 of fixed width that ends in
    `Z`: it sorts as text, SQLite's own date functions read it, and so do people and other tools.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(UTC_TEXT_LENGTH))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return what is stored."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone is no moment")
        moment = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
        return moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return what was meant."""
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if dialect.name == "sqlite" else value
        return moment.astimezone(UTC)


class StoredText(TypeDecorator[str]):
    """Text that came from anywhere. What no database takes is replaced by U+FFFD.

    That is half of a surrogate pair, which UTF-8 cannot hold and JSON can name, and NUL, which
    PostgreSQL refuses: neither may keep a run from being recorded.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return what is stored."""
        del dialect
        return None if value is None else as_stored(value)


def as_stored(text: str) -> str:
    """Return text with what no database takes replaced by U+FFFD: also what is searched for."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "�")
