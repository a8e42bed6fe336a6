"""The only place that touches logging handlers: text for people, JSON lines for machines.

Everything else logs through the standard library with a constant message and its data in `extra`;
both formats show every field of it. Line breaks never come through raw in either, so nothing that a
student names can forge a line.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUIET: Final = (
    "urllib3",
    "watchdog",
    "docker",
    "asyncio",
    "alembic",
    "httpx",
    "httpcore",
    "oauthlib",
    "streamlit",
    "uvicorn",
)
"""Libraries whose everyday chatter would hide ours, or tells what nobody may log: addresses with a
student's id in them, and what a signature is made of. Their warnings still come through."""
_UNHEARD: Final = "jupyterhub"
"""A library that logs through tornado's logger, at all levels, what nobody may log: ids of people's
sessions, and what the Hub answered. What matters of it is logged by those who use it."""


def _is_heard(record: logging.LogRecord) -> bool:
    library = sys.modules.get(_UNHEARD)
    folders = library.__path__ if library is not None else ()
    return not any(record.pathname.startswith(f"{folder}/") for folder in folders)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _one_line(value: object) -> str:
    text = str(value)
    is_plain = text.isprintable() and text and not any(mark in text for mark in ' "=')
    return text if is_plain else json.dumps(text, ensure_ascii=not text.isprintable())


class TextFormatter(logging.Formatter):
    """One line for a person; a traceback follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        message = record.getMessage()
        words = [
            _time(record).removesuffix("+00:00") + "Z",
            f"{record.levelname:<7}",
            message if message.isprintable() else _one_line(message),
            *(f"{name}={_one_line(value)}" for name, value in _fields(record).items()),
        ]
        line = " ".join(words)
        if record.exc_info:
            trace = self.formatException(record.exc_info).replace("\n", "\n    ")
            line = f"{line}\n    {trace}"
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `at`, `level`, `logger`, `message`, the extra fields, `traceback`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, object] = {
            "at": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((name, value) for name, value in _fields(record).items() if name not in line)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _Mark(logging.Filter):
    """Puts the same fields on every record."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        super().__init__()
        self._fields = dict(fields)

    def filter(self, record: logging.LogRecord) -> bool:
        """Mark the record, and let it through."""
        for name, value in self._fields.items():
            record.__dict__.setdefault(name, value)
        return True


def take_over(library: str) -> None:
    """Have a library, which gave its loggers handlers of their own, log as everything else does.

    It logs warnings and what is worse, if it is one of those whose chatter would hide ours.
    """
    for name in list(logging.root.manager.loggerDict):
        if name == library or name.startswith(f"{library}."):
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.propagate = True
            is_quiet = name == library and library in _QUIET
            logger.setLevel(logging.WARNING if is_quiet else logging.NOTSET)


def set_up_logging(
    level: str,
    format: str,  # noqa: A002 - the word of the setting
    marks: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Send this process's log to stderr; doing it again replaces what was set before.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        format: `text`, `json`, or `auto` for text on a terminal and JSON elsewhere.
        marks: fields that every line gets, which tell this process from others of its kind.
    """
    is_text = sys.stderr.isatty() if format == "auto" else format == "text"
    handler = logging.StreamHandler(sys.stderr)
    if marks:
        handler.addFilter(_Mark(marks))
    handler.setFormatter(TextFormatter() if is_text else JsonFormatter())
    handler.addFilter(_is_heard)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
