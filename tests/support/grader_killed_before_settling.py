"""The grader, killed at its first settling: what it has in hand is recorded and not yet moved."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from gofer_ingest.grader import __main__ as grader
from shared.spool import Spool

if TYPE_CHECKING:
    from shared.model import SubmissionId


class DeadlySpool(Spool):
    """A spool at which the process dies before it moves anything to the archive."""

    def settle(self, submission_id: SubmissionId) -> None:
        """Die as from `kill -9`."""
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    vars(grader)["Spool"] = DeadlySpool
    sys.exit(grader.main([]))
