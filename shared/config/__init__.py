"""The environment, typed: one settings class per process, each naming only what it needs.

`environment` is the one reader, `values` says how a text becomes a value, `sections` groups what
several processes share, and each process has a module of its own. `python -m shared.config` prints
the effective settings with the secrets hidden, and `--table` the table in `docs/configuration.md`.
"""

from shared.config.console import ConsoleSettings
from shared.config.environment import (
    ProcessSettings,
    child_environment,
    is_secret,
    read_settings,
    variable_of,
)
from shared.config.grader import GraderSettings
from shared.config.processes import PROCESSES
from shared.config.server import ServerSettings
from shared.config.web import WebSettings

__all__ = [
    "PROCESSES",
    "ConsoleSettings",
    "GraderSettings",
    "ProcessSettings",
    "ServerSettings",
    "WebSettings",
    "child_environment",
    "is_secret",
    "read_settings",
    "variable_of",
]
