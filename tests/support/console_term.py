"""A course's volume for the console's pages, and what the grader would do on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.gradebook.staff_requests import Outcome, record_request
from shared.model import utc_now
from shared.queue_snapshot import QueueSnapshot, write_snapshot
from tests.support.console_pages import furnish, settings_of
from tests.support.told import Term
from tests.support.zips import autograder_zip, ok_test

if TYPE_CHECKING:
    from pathlib import Path

    from gofer_console.views.room import Room
    from gofer_console.web.person import Role
    from shared.requests import StaffRequest
    from tests.support.console_pages import Visitors

COURSES = """
[courses.demo101]
timezone = "Europe/Berlin"
[courses.demo101.sections.1.assignments.lab01]
autograder = "lab01.zip"
due = 2026-09-01T18:00:00
[courses.demo101.sections.1.assignments.hw02]
autograder = "gone.zip"
publish = "manual"
"""


class ConsoleTerm(Term):
    """A term whose console is open.

    Attributes:
        room: of the pages.
        visitors: who looks at them.
    """

    def __init__(self, folder: Path, *, role: Role | None = None, courses: str = COURSES) -> None:
        super().__init__(folder / "volume")
        (folder / "courses.toml").write_text(courses, "utf-8")
        (folder / "lab01.zip").write_bytes(autograder_zip({"q1": ok_test("q1", "True")}))
        settings = settings_of(
            self.volume, autograders=folder, course_config_path=folder / "courses.toml"
        )
        self.room: Room
        self.visitors: Visitors
        self.room, self.visitors = furnish(settings, **({} if role is None else {"role": role}))

    def at_work(self, **more: object) -> None:
        """Let the grader speak."""
        snapshot = QueueSnapshot.model_validate({"written_at": utc_now(), "concurrency": 2, **more})
        write_snapshot(self.volume, snapshot)

    def requests(self) -> list[StaffRequest]:
        """Return the requests that lie in the spool."""
        return list(self.room.pending.look())

    def carried_out(self, message: str = "Done.", outcome: Outcome = Outcome.DONE) -> None:
        """Do what was asked for, as far as the record goes."""
        for request in self.requests():
            record_request(self.gradebook, request, outcome, message)
            self.spool.settle(request.id)
