"""The console's pages run by Streamlit's AppTest: without a server, a browser or a sign-in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from streamlit.testing.v1 import AppTest

from gofer_console.views import room
from gofer_console.web.person import Person, Role, Visit
from shared.config import WebSettings
from shared.errors import NotAuthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUTER: Final = Path(room.__file__).with_name("router.py")
PATIENCE_S: Final = 30.0


class Visitors:
    """Who visits the console, as a test says.

    Attributes:
        visit: whose sessions they are; None lets nobody in.
        still: what the sign-in says of that visit when it is asked anew.
        is_away: whether nobody can say.
        asked: how often the sign-in was asked.
    """

    def __init__(self, visit: Visit | None) -> None:
        self.visit = visit
        self.still = visit
        self.is_away = False
        self.asked = 0

    def asked_anew(self, _visit_id: str) -> Visit | None:
        """Stand in for the sign-in."""
        self.asked += 1
        if self.is_away:
            raise NotAuthenticated("The Hub does not answer.")
        return self.still


def visit_of(name: str = "ta1", role: Role = Role.EDITOR) -> Visit:
    """Somebody's visit."""
    return Visit(Person(name, role), f"visit of {name}")


def furnish(
    settings: WebSettings, *, name: str = "ta1", role: Role = Role.EDITOR
) -> tuple[room.Room, Visitors]:
    """Have the pages work on this volume, for this person."""
    visitors = Visitors(visit_of(name, role))
    made = room.furnish(settings, still=visitors.asked_anew, visiting=lambda: visitors.visit)
    return made, visitors


def settings_of(volume: Path, **more: object) -> WebSettings:
    """Settings of a console on this volume, whose catalogue is empty unless more is said."""
    said = {"volume_path": volume, "autograders": volume / "autograders", **more}
    return WebSettings.model_validate(said)


def open_page(name: str, query: Mapping[str, str] | None = None) -> AppTest:
    """Open a page as its link does; look at `.exception` for what it failed with."""
    page = AppTest.from_file(str(ROUTER), default_timeout=PATIENCE_S)
    page.switch_page(f"{name}.py")
    for parameter, value in (query or {}).items():
        page.query_params[parameter] = value
    return page.run()
