"""The processes, each with the class of its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.config.grader import GraderSettings
from shared.config.server import ServerSettings
from shared.config.web import WebSettings

if TYPE_CHECKING:
    from shared.config.environment import ProcessSettings

PROCESSES: Final[dict[str, type[ProcessSettings]]] = {
    "server": ServerSettings,
    "grader": GraderSettings,
    "console": WebSettings,
}
