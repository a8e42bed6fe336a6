"""Tells staff when an autograder zip is another one than made the grades there are.

At the grader's start, and whenever a zip changes on disk. It regrades nothing: that is for staff to
ask. In a thread of its own, so that it holds no run up.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.catalogue import zip_sha256
from shared.errors import GradebookError
from shared.gradebook.old_zips import grades_by_other_zips

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from shared.catalogue import Assignment, Catalogue
    from shared.model import AssignmentKey, Sha256

log = logging.getLogger(__name__)

_Stamp = tuple[int, int, int]


class ZipWatch:
    """Looks at the zips of a catalogue; one thread uses it.

    Args:
        gradebook: whose grades it compares them with.
        catalogue: where the zips lie.
    """

    def __init__(self, gradebook: Engine, catalogue: Catalogue) -> None:
        self._gradebook = gradebook
        self._catalogue = catalogue
        self._stamps: dict[AssignmentKey, _Stamp] = {}
        self._told: dict[AssignmentKey, Sha256] = {}

    def look(self) -> None:
        """Tell of each zip that is another one than at the last look, if any grade is older.

        Raises:
            GradebookError: the gradebook cannot be read; the next look tells it.
        """
        changed = {}
        stamps = {}
        for assignment in self._catalogue:
            stamp = _stamp(assignment)
            if stamp is None or stamp == self._stamps.get(assignment.key):
                continue
            sha256 = zip_sha256(assignment)
            if sha256 is None:
                continue
            stamps[assignment.key] = stamp
            if sha256 != self._told.get(assignment.key):
                changed[assignment.key] = sha256
        if changed:
            for key, grades in grades_by_other_zips(self._gradebook, list(changed.items())).items():
                log.warning(
                    "Grades were made with another autograder zip than the one that is there now. "
                    "Nothing is regraded by itself; `gofer regrade start --old-zip` does it",
                    extra={
                        "action": "zip_changed",
                        "assignment": str(key),
                        "autograder_sha256": changed[key],
                        "grades": grades,
                    },
                )
        self._told |= changed
        self._stamps |= stamps


@contextmanager
def watching_zips(gradebook: Engine, catalogue: Catalogue, every_s: float) -> Iterator[None]:
    """Look at the zips inside the block, every so many seconds."""
    watch = ZipWatch(gradebook, catalogue)
    is_over = threading.Event()

    def go_on() -> None:
        while not is_over.is_set():
            try:
                watch.look()
            except GradebookError as error:
                log.warning(
                    "Zips could not be compared with the grades there are",
                    extra={"action": "zip_watch_failed", "reason": str(error)},
                )
            is_over.wait(every_s)

    thread = threading.Thread(target=go_on, name="zips", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(5.0)  # it reads through an engine that is closed next


def _stamp(assignment: Assignment) -> _Stamp | None:
    try:
        found = assignment.autograder_zip.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
