"""Gofer itself: real server and grader processes, notebooks over HTTP, scores as recorded."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self

from gofer_console.demo.services import Services, demo_environment, free_port
from gofer_console.submit import open_client, submit_notebook
from gofer_ingest.grader.docker_sandbox import DockerSandbox
from shared.config import child_environment
from shared.errors import GoferError, GradebookError
from shared.gradebook.engine import open_reader
from shared.gradebook.queries import run_of_submission
from shared.model import SubmissionId, Verdict, utc_now
from shared.queue_snapshot import read_snapshot
from shared.spool import Spool
from tests.bench.scores import NotebookScore, Timed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import httpx
    from sqlalchemy import Engine

    from shared.gradebook.queries import RecordedRun

_POLL_S = 0.05
_LOOK_AROUND_S = 1.0
_START_DEADLINE_S = 60.0
_DEADLINE_S = 600.0


class GoferRoute:
    """A server and a grader with a volume of their own; leaving the block stops both.

    Args:
        volume: an empty folder on the disk that is to be measured too.
        logs: where the two processes log.
        course_config: the catalogue.
        image_id: the grader image.
        docker_host: the engine, or None for this machine's.
        concurrency: how many notebooks are graded at one time.
        shared_start: whether runs share their containers' start.
    """

    def __init__(
        self,
        *,
        volume: Path,
        logs: Path,
        course_config: Path,
        image_id: str,
        docker_host: str | None,
        concurrency: int,
        shared_start: bool,
    ) -> None:
        self._volume = volume
        self._image_id = image_id
        self._docker_host = docker_host
        self._numbers = itertools.count(1)
        self._spool = Spool(volume)
        environment = demo_environment(
            child_environment({}),
            volume=volume,
            course_config=course_config,
            sandbox="docker",
            port=free_port(),
        )
        environment |= {
            "GOFER_GRADER_IMAGE": image_id,
            "GOFER_CONCURRENCY": str(concurrency),
            "GOFER_SHARED_START": "on" if shared_start else "off",
            "GOFER_LOG_FORMAT": "json",
        }
        self._services = Services(environment, logs)
        self._graded_at = utc_now()
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            # Last of all: what a grader that had to be killed left behind.
            stack.callback(self._reap)
            stack.enter_context(self._services)
            self._services.wait_until_ready()
            self._reader = self._open_gradebook()
            stack.callback(self._reader.dispose)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._cleanup.close()

    def grade(self, notebooks: Sequence[Path]) -> Timed:
        """Submit notebooks at once, each as a student of its own, and wait for their records.

        The clock runs from before the first request until the last grade stands in the gradebook,
        seen by asking it every 50 ms.

        Raises:
            GoferError: one was refused, buried, or has no score.
        """
        contents = [path.read_bytes() for path in notebooks]
        with ExitStack() as stack:
            # Students' clients are there before they press the button.
            clients = [
                stack.enter_context(open_client(self._services.url, f"student {number}"))
                for number in itertools.islice(self._numbers, len(notebooks))
            ]
            pool = stack.enter_context(ThreadPoolExecutor(len(notebooks)))
            cpu_began_s, began_s = time.process_time(), time.perf_counter()
            ids = list(pool.map(_submit, clients, contents))
            deadline = time.monotonic() + _DEADLINE_S
            runs = [self._wait_for_record(submission_id, deadline) for submission_id in ids]
            seconds = time.perf_counter() - began_s
            students_cpu_s = time.process_time() - cpu_began_s
        self._graded_at = utc_now()
        scores = [self._score(path, run) for path, run in zip(notebooks, runs, strict=True)]
        return Timed(seconds, scores, students_cpu_s)

    def rest(self) -> None:
        """Wait until the grader has a sandbox ready again, as it has when notebooks are few.

        Raises:
            GoferError: it makes none.
        """
        deadline = time.monotonic() + _START_DEADLINE_S
        while time.monotonic() < deadline:
            self._services.check_alive()
            told = read_snapshot(self._volume)
            if told is not None and told.written_at >= self._graded_at and told.warm_idle > 0:
                return
            time.sleep(_POLL_S)
        raise GoferError(
            f"The grader has no sandbox ready; its log is {self._services.log_of('grader')}."
        )

    def _open_gradebook(self) -> Engine:
        deadline = time.monotonic() + _START_DEADLINE_S
        while time.monotonic() < deadline:
            self._services.check_alive()
            with suppress(GradebookError):  # the grader is just making it
                reader = open_reader(self._volume)
                if reader is not None:
                    return reader
            time.sleep(_POLL_S)
        raise GoferError(
            f"The grader made no gradebook; its log is {self._services.log_of('grader')}."
        )

    def _wait_for_record(self, submission_id: SubmissionId, deadline: float) -> RecordedRun:
        next_look = time.monotonic() + _LOOK_AROUND_S
        while (run := run_of_submission(self._reader, submission_id)) is None:
            time.sleep(_POLL_S)
            if time.monotonic() < next_look:
                continue
            next_look += _LOOK_AROUND_S
            self._services.check_alive()
            failure = self._spool.failure_of(submission_id)
            if failure is not None:
                raise GoferError(f"Gofer set a notebook aside: {failure.reason}")
            if time.monotonic() > deadline:
                raise GoferError(
                    f"Gofer has not graded everything within {_DEADLINE_S:.0f} seconds; its log is "
                    f"{self._services.log_of('grader')}."
                )
        return run

    def _score(self, notebook: Path, run: RecordedRun) -> NotebookScore:
        if run.verdict is not Verdict.GRADED:
            raise GoferError(f"Gofer ended {notebook} as {run.verdict}: {run.staff_text}")
        if run.image_id != self._image_id:
            raise GoferError(f"Gofer graded in the image {run.image_id}, not in {self._image_id}.")
        return NotebookScore(
            notebook.parent.name,
            {q.question: (q.score, q.points_possible) for q in run.questions},
        )

    def _reap(self) -> None:
        DockerSandbox(self._image_id, self._volume, self._docker_host).reap()


def _submit(client: httpx.Client, notebook: bytes) -> SubmissionId:
    return SubmissionId(submit_notebook(client, notebook).id)
