"""A grader of its own for the hostile notebooks: a real process, spool, catalogue and engine."""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Self

from gofer_ingest.grader.docker_sandbox import LABEL_RUN, LABEL_VOLUME, DockerSandbox
from gofer_ingest.grader.engine import connect
from shared.gradebook.engine import open_reader
from shared.gradebook.queries import RecordedRun, run_of_submission
from shared.model import Sha256, SubmissionId, new_submission_id, utc_now
from shared.queue_snapshot import read_snapshot
from shared.requests import Envelope, Source, SubmitPayload
from shared.spool import Spool
from tests.docker.conftest import DOCKER_HOST, IMAGE, SHARED_START
from tests.docker.hostile.case import CATALOGUE, HONEST, ZIP, Hostile, opening_cell
from tests.docker.hostile.host import Canary, Listener, processes_marked
from tests.support.processes import LoggedProcess, wait_until
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from pathlib import Path

CONCURRENCY: Final = 3
RECORDED_S: Final = 180.0
"""Three runs side by side, each of which may take a minute, on a machine with much else to do."""
NEIGHBOUR_POINTS: Final = 2.0
_NEIGHBOUR_ZIP: Final = autograder_zip(
    {"sum": ok_test("sum", "total == 499500"), "alone": ok_test("alone", "mine and not strangers")}
)
_NEIGHBOUR: Final = """
import pathlib, time
paper = pathlib.Path("paper.txt")
paper.write_text("mine")
started = time.monotonic()
while time.monotonic() < started + 1:  # long enough for harm to come
    total = sum(range(1000))
    time.sleep(0.02)
mine = paper.read_text() == "mine"
names = [name.read_text() for name in pathlib.Path("/proc").glob("[0-9]*/comm")]
strangers = [name for name in names if name.startswith("hm")]
"""
_HOST_FOLDERS: Final = ("/", "/etc", "/home", "/root", "/tmp", "/var/tmp", "/dev/shm", "/run")
_ABSENT: Final = ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock")


class Installation:
    """One running grader, what is delivered to it, and what can be seen of it.

    Args:
        folder: empty, for everything on disk.
    """

    def __init__(self, folder: Path) -> None:
        self.volume = folder / "volume"
        self._spool = Spool(self.volume)
        self._folders = [*_HOST_FOLDERS, str(folder), str(self.volume), str(self.volume / "spool")]
        self._absent = [*_ABSENT, str(folder), str(self.volume / "gradebook.db")]
        zips = folder / "autograders"
        zips.mkdir()
        for assignment in ("roomy", "brief", "deadline"):
            (zips / f"{assignment}.zip").write_bytes(ZIP)
        (zips / "neighbour.zip").write_bytes(_NEIGHBOUR_ZIP)
        config = folder / "course.toml"
        config.write_text(CATALOGUE)
        secret_folder = folder / "secret"
        secret_folder.mkdir()
        self.canary = Canary(secret_folder)
        self.listener = Listener()
        self._environment = {
            "VOLUME_PATH": str(self.volume),
            "COURSE_CONFIG_PATH": str(config),
            "GOFER_AUTOGRADERS": str(zips),
            "GOFER_SANDBOX": "docker",
            "GOFER_GRADER_IMAGE": IMAGE,
            "GOFER_CONCURRENCY": str(CONCURRENCY),
            "GOFER_SHARED_START": SHARED_START,
            "GOFER_SWEEP_S": "1",
            # what the grader itself knows is nothing for notebooks either
            "LTI_CONSUMER_KEY": "key",
            "LTI_CONSUMER_SECRET": self.canary.secret,
        }
        if DOCKER_HOST is not None:
            self._environment["DOCKER_HOST"] = DOCKER_HOST
        self._mark_of_volume = DockerSandbox(IMAGE, self.volume, DOCKER_HOST)._volume_mark
        self._lines_read = 0
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        self._cleanup.enter_context(self.canary)
        self._cleanup.enter_context(self.listener)
        self._grader = self._cleanup.enter_context(
            LoggedProcess("gofer_ingest.grader", self._environment)
        )
        self._grader.logged("started")
        # each zip is inspected before the first notebook that it grades
        firsts = [self.deliver_honest("ada", "roomy"), self.deliver_neighbour("ada")]
        for first in firsts:
            self.recorded(first)
        return self

    def __exit__(self, *exception: object) -> None:
        self._cleanup.close()

    def stop(self) -> int:
        """Let the grader stop; return its exit code."""
        return self._grader.stop()

    # --- in and out -------------------------------------------------------------------------------

    def deliver(self, student: str, assignment: str, content: bytes) -> SubmissionId:
        """Put a submission into the spool."""
        payload = SubmitPayload(
            student=student,
            course="c",
            section="1",
            assignment=assignment,
            sha256=Sha256(hashlib.sha256(content).hexdigest()),
            size_bytes=len(content),
            source=Source.DEV,
        )
        envelope = Envelope(
            id=new_submission_id(),
            action="submit",
            payload=payload,
            requested_by=student,
            received_at=utc_now(),
        )
        self._spool.deliver(envelope, content)
        return envelope.id

    def deliver_hostile(self, student: str, hostile: Hostile, mark: str) -> SubmissionId:
        """Deliver a hostile notebook of this mark."""
        opening = opening_cell(
            mark=mark,
            secret=self.canary.secret[::-1],
            canary=str(self.canary.path),
            port=self.listener.port,
            folders=self._folders,
            absent=self._absent,
        )
        made = notebook(opening, *hostile.cells, metadata=hostile.metadata)
        return self.deliver(student, hostile.assignment, hostile.content or made)

    def deliver_honest(self, student: str, assignment: str) -> SubmissionId:
        """Deliver a notebook that has full points in one of the hostile ones' assignments."""
        return self.deliver(student, assignment, notebook("leaked = []", *HONEST))

    def deliver_neighbour(self, student: str) -> SubmissionId:
        """Deliver a notebook that has full points unless somebody harms it."""
        return self.deliver(student, "neighbour", notebook(_NEIGHBOUR))

    def recorded(self, submission_id: SubmissionId) -> RecordedRun:
        """Wait until a submission is in the gradebook and settled; return its run."""
        self._grader.logged("run_recorded", within_s=RECORDED_S, submission_id=submission_id)
        reader = open_reader(self.volume)
        assert reader is not None
        run = run_of_submission(reader, submission_id)
        reader.dispose()
        assert run is not None
        return run

    # --- what is there afterwards -----------------------------------------------------------------

    def containers(self) -> list[dict[str, Any]]:
        """Return the containers of this volume, whatever they do."""
        found: list[dict[str, Any]] = connect(DOCKER_HOST).containers(
            all=True, filters={"label": f"{LABEL_VOLUME}={self._mark_of_volume}"}
        )
        return found

    def runs_in_containers(self) -> set[str]:
        """Return the ids of the runs whose containers are there, whatever they do."""
        return {container["Labels"][LABEL_RUN] for container in self.containers()}

    def assert_untouched(self, marks: list[str], runs: list[RecordedRun]) -> None:
        """Assert that what bore these marks, in these runs, is gone and has done no harm."""
        ids = {run.run_id for run in runs}
        wait_until(lambda: not ids & self.runs_in_containers(), within_s=10)
        assert [pid for mark in marks for pid in processes_marked(mark)] == []
        left = [f"{folder}/{mark}" for folder in self._folders for mark in marks]
        assert [path for path in left if os.path.lexists(path)] == []
        assert self.canary.touches == []
        assert self.listener.guests == 0
        secret = self.canary.secret.encode()
        books = [path for path in self.volume.glob("gradebook.db*") if secret in path.read_bytes()]
        assert books == []

    def assert_at_work(self) -> None:
        """Assert that the grader that was started grades on, and of late nothing failed."""
        assert self._grader.process.poll() is None
        assert self._spool.failed() == []
        assert self._spool.pending() == []
        news = self._grader.lines[self._lines_read :]
        self._lines_read += len(news)
        troubles = {"paused", "run_failed", "buried", "unreadable", "container_left", "single_use"}
        assert [line for line in news if line.get("action") in troubles] == []
        snapshot = read_snapshot(self.volume)
        assert snapshot is not None
        assert snapshot.paused is None
