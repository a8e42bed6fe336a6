"""Sends the grades of a volume, and dies as from `kill -9` around its first one.

    python -m tests.integration.passback_kill VOLUME before|after|never

The LMS is a file, `lms.jsonl` in the volume: a line for each grade that it saved.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from gofer_ingest.grader.passback.lanes import Lane
from gofer_ingest.grader.passback.loop import PassbackLoop
from shared.gradebook.engine import open_gradebook
from shared.lti.port import Answer, Lms, LmsAnswer, PostedGrade, Recipient, Withdrawal
from tests.support.posting_room import KEY, posted
from tests.support.processes import wait_until


class FileLms(Lms):
    """An LMS whose memory outlives the process."""

    def __init__(self, path: Path, dies: str) -> None:
        self._path = path
        self._dies = dies

    def post(self, grade: PostedGrade) -> LmsAnswer:
        if self._dies == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        with self._path.open("a") as file:
            row = [grade.recipient.user_id, grade.points, grade.graded_at.isoformat()]
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if self._dies == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return LmsAnswer(Answer.ARRIVED, "The LMS has the grade.", 200)

    def withdraw(self, withdrawal: Withdrawal) -> LmsAnswer:
        raise NotImplementedError

    def read(self, recipient: Recipient) -> tuple[LmsAnswer, float | None]:
        raise NotImplementedError

    def test(self) -> LmsAnswer:
        raise NotImplementedError

    def close(self) -> None:
        """There is nothing to let go of."""


def main(volume: Path, dies: str) -> None:
    gradebook = open_gradebook(volume)
    lane = Lane("file", {KEY: posted()}, lambda: FileLms(volume / "lms.jsonl", dies))
    loop = PassbackLoop(gradebook, [lane], holds_unless_told=False)
    thread = threading.Thread(target=loop.run)
    thread.start()
    wait_until(lambda: (o := loop.outlook()) is not None and o.queued == 0)
    loop.stop()
    thread.join()
    gradebook.dispose()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
