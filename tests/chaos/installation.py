"""Gofer as the chaos test runs it: a volume, a course, and two processes under a supervisor."""

from __future__ import annotations

import hashlib
import json
import signal
import sqlite3
import subprocess
import threading
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING, Final, Self

from gofer_console.demo.services import free_port
from tests.chaos.audit import Run
from tests.support.processes import LoggedProcess, wait_until
from tests.support.zips import autograder_zip, ok_test

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.engine import PrivateEngine

COURSE: Final = {"course": "c", "section": "1", "assignment": "lab01"}
PREFIX: Final = "/services/gofer_nb/"
RESTART_AFTER_S: Final = 0.3
_RUNS: Final = """
    SELECT submissions.id, submissions.student, grading_runs.verdict, grading_runs.score
    FROM submissions JOIN grading_runs ON grading_runs.submission_id = submissions.id
"""


class Supervised:
    """One process that is started anew whenever it ends, as systemd would do it."""

    def __init__(self, name: str, module: str, environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.own_ends = 0
        """How often it ended by itself, because something it needs at its start was not there."""
        self._module = module
        self._environment = environment
        self._log = log
        self._lock = threading.Lock()
        self._is_stopping = threading.Event()
        self._kills: set[int] = set()
        self._current = self._started()
        self._thread = threading.Thread(target=self._supervise, name=f"supervisor of {name}")
        self._thread.start()

    @property
    def current(self) -> LoggedProcess:
        """The process that runs now."""
        with self._lock:
            return self._current

    def kill(self) -> bool:
        """Send SIGKILL; return whether there was a process to kill."""
        with self._lock:
            if self._current.process.poll() is not None:
                return False
            self._kills.add(self._current.process.pid)
            self._current.process.kill()
            return True

    def stop(self) -> int:
        """Ask it to stop, and start it no more; return its exit code."""
        self._is_stopping.set()
        with self._lock, suppress(ProcessLookupError):
            self._current.process.send_signal(signal.SIGTERM)
        self._thread.join()
        return self._current.process.returncode

    def close(self) -> None:
        """End it whatever it does."""
        self._is_stopping.set()
        with self._lock, suppress(ProcessLookupError):
            self._current.process.kill()
        self._thread.join()

    def _started(self) -> LoggedProcess:
        return LoggedProcess(self._module, self._environment)

    def _supervise(self) -> None:
        while True:
            process = self._current
            process.process.wait()
            process.wait()
            self._keep_log(process)
            if self._is_stopping.is_set():
                return
            self.own_ends += process.process.pid not in self._kills
            self._is_stopping.wait(RESTART_AFTER_S)
            with self._lock:
                if self._is_stopping.is_set():
                    return
                self._current = self._started()

    def _keep_log(self, process: LoggedProcess) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            for line in process.lines:
                log.write(json.dumps(line, ensure_ascii=False) + "\n")
            log.write(json.dumps({"action": "ended", "code": process.process.returncode}) + "\n")


class Installation:
    """One server and one grader with a volume on a small disk of its own.

    Args:
        folder: empty; logs and the course go there.
        engine: where notebooks run.
        image: in which.
        concurrency: how many notebooks are graded at one time.
        disk_bytes: size of the volume's disk.
    """

    def __init__(
        self,
        folder: Path,
        engine: PrivateEngine,
        image: str,
        *,
        concurrency: int = 3,
        disk_bytes: int = 64 << 20,
    ) -> None:
        self.volume = folder / "volume"
        self.engine = engine
        self._folder = folder
        self._disk_bytes = disk_bytes
        self._cleanup = ExitStack()
        self.url = f"http://127.0.0.1:{free_port()}{PREFIX}"
        self._environment = {
            "VOLUME_PATH": str(self.volume),
            "GOFER_AUTOGRADERS": str(folder / "autograders"),
            "GOFER_IDENTITY": "dev",
            "GOFER_PORT": self.url.split(":")[2].split("/")[0],
            "GOFER_RATE": "off",
            "GOFER_MIN_FREE_DISK": "64k",
            "GOFER_SANDBOX": "docker",
            "GOFER_GRADER_IMAGE": image,
            "GOFER_CONCURRENCY": str(concurrency),
            "GOFER_MEMORY_LIMIT": "512m",
            "GOFER_TIME_LIMIT_S": "180",
            "GOFER_SWEEP_S": "3",
            "GOFER_DRAIN_S": "120",
            # Whoever is in hand when the grader is killed has begun a try, and here it is killed a
            # hundred times: nobody is to be set aside for that.
            "GOFER_MAX_TRIES": "1000",
            "DOCKER_HOST": engine.host,
            "HOME": str(folder),
        }

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._mount(stack)
            self._write_course()
            self.server = self._supervised("server", "gofer_ingest.server")
            stack.callback(self.server.close)
            self.grader = self._supervised("grader", "tests.chaos.deaf_grader")
            stack.callback(self.grader.close)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._cleanup.close()

    def start_and_stop_a_grader(self) -> None:
        """Let one more grader begin, which looks for what was left behind, and end it in order."""
        with LoggedProcess("gofer_ingest.grader", self._environment) as grader:
            grader.logged("started")
            grader.stop()

    def _supervised(self, name: str, module: str) -> Supervised:
        return Supervised(name, module, self._environment, self._folder / f"{name}.jsonl")

    def _mount(self, stack: ExitStack) -> None:
        """Put the volume on a disk of its own, so that filling it fills nothing else."""
        self.volume.mkdir()
        size = f"size={self._disk_bytes}"
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", size, "gofer-chaos", str(self.volume)], check=True
        )
        stack.callback(
            subprocess.run, ["umount", "--lazy", str(self.volume)], check=False, capture_output=True
        )

    def _write_course(self) -> None:
        assignment = self._folder / "autograders" / "c" / "lab" / "1" / "lab01"
        assignment.mkdir(parents=True)
        tests = {
            "q1": ok_test("q1", "total == 5", points=2.0),
            "q2": ok_test("q2", "name == 'ada'", points=1.0),
        }
        (assignment / "autograder.zip").write_bytes(autograder_zip(tests))

    # --- what is there, read without Gofer's own code ---------------------------------------------

    def new(self) -> frozenset[str]:
        """Names in `spool/new`."""
        return frozenset(entry.name for entry in (self.volume / "spool" / "new").iterdir())

    def failed(self) -> dict[str, str]:
        """Names in `spool/failed`, each with its reason."""
        found = {}
        for entry in (self.volume / "spool" / "failed").iterdir():
            note = json.loads((entry / "failure.json").read_text("utf-8"))
            found[entry.name] = str(note["reason"])
        return found

    def archived(self) -> dict[str, str]:
        """Names in the archive, each with the SHA-256 of its notebook."""
        return {
            entry.name: hashlib.sha256((entry / "submission.ipynb").read_bytes()).hexdigest()
            for shard in (self.volume / "submissions").iterdir()
            if shard.is_dir()
            for entry in shard.iterdir()
        }

    def runs(self) -> list[Run]:
        """All runs in the gradebook."""
        path = f"file:{self.volume}/gradebook.db?mode=ro"
        with closing(sqlite3.connect(path, uri=True, timeout=30)) as connection:
            return [Run(*row) for row in connection.execute(_RUNS)]

    def wait_until_ready(self) -> None:
        """Wait until both processes work."""
        wait_until((self.volume / "gradebook.db").exists)
        self.server.current.logged("listening")
        self.grader.current.logged("started")
