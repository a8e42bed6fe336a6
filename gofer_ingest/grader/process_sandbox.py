"""Runs each notebook in a process on this machine: for trying Gofer out, with trusted notebooks.

The same harness as in the image, with rlimits instead of a container. It holds back mistakes, not
an attacker: the network is on, files that this user may read can be read.
"""

from __future__ import annotations

import hashlib
import math
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import gofer_ingest
from gofer_ingest.grader import harness_link
from gofer_ingest.grader.harness_link import Channel, Stream, Transcript
from gofer_ingest.grader.sandbox import IDLE_MAX_S, Ending, ImageId, Job, RawResult, Sandbox, Slot
from shared.errors import HarnessNotReady, ImageBuildFailed, SandboxUnavailable
from shared.model import Limits, RunId, new_run_id

if TYPE_CHECKING:
    from typing import IO

READY_WITHIN_S = 60.0
TAKEN_WITHIN_S = 60.0
INSPECT_WITHIN_S = 120.0
LIFE_AFTER_DEADLINE_S = 120.0
STOP_WITHIN_S = 10.0
UNPRIVILEGED_ID = 65534
"""`nobody`, on every Debian: whom root becomes to run a notebook."""
FOLDER_PREFIX = "gofer-run-"
"""Followed by the volume's mark: a grader tidies up after its own volume's graders only."""


class ProcessSlot(Slot):
    """One harness process that is ready, and the folder it may write to."""

    def __init__(
        self,
        sandbox: ProcessSandbox,
        run_id: RunId,
        process: subprocess.Popen[bytes],
        folder: Path,
    ) -> None:
        super().__init__(run_id)
        self._is_gone = False
        self._sandbox = sandbox
        self.process = process
        self.folder = folder
        self.channel = _PipeChannel(process)
        self.transcript = Transcript()

    def is_waiting(self) -> bool:
        """Whether the harness runs and is silent; see the port."""
        return not self._is_gone and harness_link.is_waiting(self.channel, self.transcript)

    def discard(self) -> None:
        """End the whole tree of processes and remove the folder."""
        if self._is_gone:
            return
        self._is_gone = True
        if self.process.poll() is None:
            self.process.terminate()  # the supervisor kills whatever the notebook started
            try:
                self.process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.channel.close()
        self._sandbox.let_go(self.folder)


class ProcessSandbox(Sandbox):
    """The adapter to this machine's processes."""

    name = "process"

    def __init__(self, volume: Path) -> None:
        mark = hashlib.sha256(str(volume.resolve()).encode()).hexdigest()[:16]
        self._prefix = f"{FOLDER_PREFIX}{mark}-"
        self._in_use: set[Path] = set()
        self._making = threading.Lock()

    def image_id(self, image: str | None) -> ImageId:  # noqa: ARG002 - there is but one
        """Return a name for this interpreter; see the port."""
        return ImageId(f"process:{sys.version_info.major}.{sys.version_info.minor}:{sys.prefix}")

    def extend(self, image: str | None, requirements: tuple[str, ...]) -> str:  # noqa: ARG002 - there is but one
        """Refuse: this environment is Gofer's own. See the port."""
        raise ImageBuildFailed(
            f"{', '.join(requirements)} cannot be installed for the process sandbox, which runs "
            "notebooks in Gofer's own environment."
        )

    def inspect(self, image: str | None, autograder_zip: bytes) -> bytes:
        """Inspect a zip in a process of its own; see the port."""
        slot = self.prepare(image, Limits(time_s=INSPECT_WITHIN_S), new_run_id())
        try:
            ending, answer = harness_link.ask_about(
                *(slot.channel, slot.transcript, autograder_zip),
                taken_within_s=TAKEN_WITHIN_S,
                within_s=INSPECT_WITHIN_S,
            )
        finally:
            slot.discard()
        if answer is None:
            raise harness_link.inspection_failed(ending, slot.transcript, within_s=INSPECT_WITHIN_S)
        return answer

    def prepare(
        self,
        image: str | None,  # noqa: ARG002 - there is but one
        limits: Limits,
        run_id: RunId,
        *,
        is_ahead: bool = False,
    ) -> ProcessSlot:
        """Start a harness and wait for it; see the port."""
        with self._making:
            folder = Path(tempfile.mkdtemp(prefix=self._prefix))
            self._in_use.add(folder)
        command = [sys.executable, "-I", "-m", "gofer_ingest.grader.harness"]
        command += ["--folder", str(folder / run_id)]
        command += ["--lifetime-s", str(limits.time_s + LIFE_AFTER_DEADLINE_S)]
        command += ["--idle-s", str(READY_WITHIN_S + IDLE_MAX_S + TAKEN_WITHIN_S)]
        command += ["--memory-bytes", str(limits.memory_bytes)]
        command += ["--file-bytes", str(limits.disk_bytes)]
        if is_ahead:
            command += ["--ahead"]
        if os.geteuid() == 0:
            os.chown(folder, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
            command += ["--uid", str(UNPRIVILEGED_ID), "--gid", str(UNPRIVILEGED_ID)]
            command += ["--processes", str(limits.pids)]
            for needed in _what_a_run_reads():
                command += ["--needs", str(needed)]
        try:
            process = subprocess.Popen(  # noqa: S603 - our own harness, our own words
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env=_environment(folder / run_id, limits),
                start_new_session=True,
            )
        except OSError as error:
            self.let_go(folder)
            raise SandboxUnavailable(f"No process could be started: {error}") from error
        slot = ProcessSlot(self, run_id, process, folder)
        try:
            slot.idle_bytes = harness_link.await_ready(
                slot.channel, slot.transcript, READY_WITHIN_S
            )
        except HarnessNotReady:
            slot.discard()
            raise
        return slot

    def run(self, slot: Slot, job: Job) -> RawResult:
        """Grade one notebook; see the port."""
        if not isinstance(slot, ProcessSlot):
            raise TypeError("this slot belongs to another sandbox")
        packed = harness_link.pack_run(job)
        try:
            harness_link.hand_over(slot.channel, slot.transcript, packed, TAKEN_WITHIN_S)
            started = time.monotonic()
            deadline = started + job.limits.time_s + harness_link.LAST_WORDS_S
            ending, answer = harness_link.await_answer(
                slot.channel, slot.transcript, packed, deadline
            )
            wall_s = time.monotonic() - started
        finally:
            slot.discard()
        return RawResult(
            ending=ending,
            answer=answer,
            log_tail=slot.transcript.log_tail,
            wall_s=wall_s,
            oom_killed=False,
            exit_code=slot.process.returncode if ending is Ending.DIED else None,
        )

    def reap(self) -> int:
        """Remove the folders; a harness whose grader is gone has ended itself. See the port."""
        with self._making:
            folders = set(Path(tempfile.gettempdir()).glob(f"{self._prefix}*")) - self._in_use
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        return len(folders)

    def let_go(self, folder: Path) -> None:
        """Remove a run's folder at its end."""
        shutil.rmtree(folder, ignore_errors=True)
        with self._making:
            self._in_use.discard(folder)


def _what_a_run_reads() -> list[Path]:
    """The folders of the interpreter and of Gofer: root may keep them where others cannot go."""
    package = Path(next(iter(gofer_ingest.__path__))).resolve()
    return sorted({Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), package})


def _environment(folder: Path, limits: Limits) -> dict[str, str]:
    """An allow-list: no variable of the grader's reaches a notebook."""
    threads = str(max(1, math.ceil(limits.cpus)))
    return {
        "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": threads,
        "OMP_NUM_THREADS": threads,
        "MALLOC_ARENA_MAX": "2",  # arenas count as memory before anything is in them
    }


class _PipeChannel(Channel):
    """The three pipes of one process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("the harness needs all three of its pipes")
        self._stdin: IO[bytes] = process.stdin
        os.set_blocking(self._stdin.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._outputs: dict[IO[bytes], Stream] = {
            process.stdout: Stream.FRAMES,
            process.stderr: Stream.LOG,
        }
        for pipe, stream in self._outputs.items():
            self._selector.register(pipe, selectors.EVENT_READ, stream)

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of `data`; see the port."""
        remaining = memoryview(data)
        with selectors.DefaultSelector() as writable:
            writable.register(self._stdin, selectors.EVENT_WRITE)
            while remaining:
                wait_s = deadline - time.monotonic()
                if wait_s <= 0 or not writable.select(wait_s):
                    raise TimeoutError
                remaining = remaining[os.write(self._stdin.fileno(), remaining) :]

    def receive(self, deadline: float) -> tuple[Stream, bytes] | None:
        """Return the next chunk; see the port."""
        while True:
            wait_s = deadline - time.monotonic()
            ready = self._selector.select(wait_s) if wait_s > 0 else []
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                if data:
                    return Stream(key.data), data
                if key.data is Stream.FRAMES:
                    return None  # a process left behind may hold the log open for ever
                self._selector.unregister(key.fileobj)

    def close(self) -> None:
        """Close the pipes."""
        self._selector.close()
        for pipe in (self._stdin, *self._outputs):
            pipe.close()
