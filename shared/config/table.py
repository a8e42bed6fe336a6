"""Settings as people read them: what is in effect, and the table of the documentation."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from shared.config.environment import ProcessSettings, is_secret, read_settings, variable_of
from shared.config.processes import PROCESSES
from shared.errors import ConfigError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_INTRODUCTION: Final = """\
# Configuration

Gofer is configured by environment variables. Each process reads its own once, at its start, and
says in one line which of them it cannot use. An empty variable counts as unset. `python -m
shared.config` prints what is in effect.

A variable marked *secret* can also come from a file: name the file in `NAME_FILE`, or put it, named
as the variable in small letters, into `$CREDENTIALS_DIRECTORY` (systemd) or `/run/secrets`
(containers). They are looked at in this order.

<!-- written by `python -m shared.config --table`; do not edit by hand -->

"""


def effective(settings: ProcessSettings) -> list[tuple[str, str]]:
    """Return (variable, value) for each setting, in the order of their declaration.

    Secrets are told only as set or not set.
    """
    rows = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if value is None:
            text = "(not set)"
        elif is_secret(field):
            text = "(set, hidden)"
        elif isinstance(value, tuple):
            text = ", ".join(value)
        else:
            text = str(value)
        rows.append((variable_of(field, name), text))
    return rows


def documentation() -> str:
    """Return the page `docs/configuration.md`: every variable with its default and meaning."""
    fields: dict[str, FieldInfo] = {}
    readers: dict[str, list[str]] = {}
    for process, cls in PROCESSES.items():
        for name, field in cls.model_fields.items():
            variable = variable_of(field, name)
            fields.setdefault(variable, field)
            readers.setdefault(variable, []).append(process)
    rows = ["| variable | default | read by | meaning |", "|---|---|---|---|"]
    for variable, field in sorted(fields.items()):
        read_by = (
            "all" if len(readers[variable]) == len(PROCESSES) else ", ".join(readers[variable])
        )
        mark = " *(secret)*" if is_secret(field) else ""
        meaning = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{variable}`{mark} | {_default(field)} | {read_by} | {meaning} |")
    return _INTRODUCTION + "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    if isinstance(extra, dict) and extra.get("shown"):
        return str(extra["shown"])
    if field.default in {None, (), ""}:
        return ""
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default}`"


def main(arguments: list[str]) -> int:
    """Print the settings in effect, or the documentation's page; return the exit code."""
    if arguments == ["--table"]:
        sys.stdout.write(documentation())
        return 0
    if arguments:
        sys.stderr.write("usage: python -m shared.config [--table]\n")
        return 2
    exit_code = 0
    for process, cls in PROCESSES.items():
        sys.stdout.write(f"[{process}]\n")
        try:
            rows = effective(read_settings(cls))
        except ConfigError as error:
            sys.stdout.flush()
            sys.stderr.write(f"{error}\n")
            exit_code = 2
        else:
            width = max(len(variable) for variable, _ in rows)
            sys.stdout.writelines(f"{variable:<{width}}  {text}\n" for variable, text in rows)
        sys.stdout.write("\n")
    return exit_code
