"""The sandbox port: where student code runs. The worker calls it; adapters stand behind it.

Two successes are kept apart. The *machinery* failing raises a `GraderError`. Everything that
happens after the harness said it has the job is the notebook's doing and comes back as a
`RawResult`, bytes from an enemy that `results` has yet to read.
"""

from __future__ import annotations

import abc
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from shared.model import Limits, RunId

ImageId = NewType("ImageId", str)
"""What an adapter grades in, fixed by content: an image's digest, or the host's environment."""


class Ending(enum.StrEnum):
    """How a run ended, as seen from outside the sandbox."""

    ANSWERED = "answered"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    DIED = "died"
    TOO_MUCH_OUTPUT = "too_much_output"


@dataclass(frozen=True, slots=True)
class Job:
    """One notebook to grade.

    Attributes:
        run_id: its slot's.
        notebook: the submission's bytes as stored.
        autograder_zip: the zip's bytes.
        limits: what the run may use.
    """

    run_id: RunId
    notebook: bytes
    autograder_zip: bytes
    limits: Limits


@dataclass(frozen=True, slots=True)
class RawResult:
    """What came back from a sandbox: untrusted.

    Attributes:
        ending: how the run ended.
        answer: the harness's answer, JSON from an enemy, at most `ANSWER_MAX_BYTES`, or None.
        log_tail: the end of what was printed, at most `LOG_TAIL_MAX_BYTES`.
        wall_s: seconds from job sent to the end.
        oom_killed: whether the engine saw a process of the run killed for want of memory.
        exit_code: of the harness's process where it ended by itself, else None.
    """

    ending: Ending
    answer: bytes | None
    log_tail: bytes
    wall_s: float
    oom_killed: bool
    exit_code: int | None


ANSWER_MAX_BYTES = 4 << 20
LOG_TAIL_MAX_BYTES = 64 << 10
LOG_MAX_BYTES = 64 << 20
"""Printing past the notebook's own cells (raw writes to a descriptor) ends the run beyond this."""


IDLE_MAX_S = 3600.0
"""How long a slot may wait for its job; then its harness ends by itself, grader or no grader."""


class Slot(abc.ABC):
    """One place prepared for one run. Its adapter knows what is inside.

    Attributes:
        run_id: of the run that it is for; whatever the adapter made for it carries it as a mark.
        idle_bytes: memory that it takes while it waits, as its harness tells, or None where
            nothing counts it.
    """

    def __init__(self, run_id: RunId, idle_bytes: int | None = None) -> None:
        self.run_id = run_id
        self.idle_bytes = idle_bytes

    @abc.abstractmethod
    def is_waiting(self) -> bool:
        """Whether its harness is there and still waits for a job; asks no engine."""

    @abc.abstractmethod
    def discard(self) -> None:
        """Give it back; safe to call twice and after a run."""


class Sandbox(abc.ABC):
    """A way to run untrusted notebooks.

    Threads may call every method at the same time; a slot belongs to one thread.
    """

    name: str
    """`docker` or `process`."""

    @abc.abstractmethod
    def image_id(self, image: str | None) -> ImageId:
        """Return what runs in `image`, or in the default one, would be graded in now.

        Raises:
            SandboxUnavailable: the engine does not answer.
            ImageMissing: there is no grader image.
        """

    @abc.abstractmethod
    def extend(self, image: str | None, requirements: tuple[str, ...]) -> str:
        """Return the name of an image that has `requirements` as well, making it if need be.

        May take minutes the first time; asked again, it answers at once.

        Raises:
            ImageBuildFailed: the requirements cannot be had or installed; the text says why.
            SandboxUnavailable: the engine does not answer.
            ImageMissing: there is no image to begin with.
        """

    @abc.abstractmethod
    def inspect(self, image: str | None, autograder_zip: bytes) -> bytes:
        """Inspect a zip without any student code; return the harness's JSON.

        Raises:
            SandboxUnavailable: the engine does not answer.
            ImageMissing: there is no grader image.
            HarnessNotReady: the harness did not start, or did not take the zip.
            InspectionFailed: it had the zip, and came to no end with it.
            RunInterrupted: somebody outside ended it.
        """

    @abc.abstractmethod
    def prepare(
        self, image: str | None, limits: Limits, run_id: RunId, *, is_ahead: bool = False
    ) -> Slot:
        """Hand out a slot whose harness waits for a job.

        Args:
            image: to grade in, or None for the default one.
            limits: what its run may use. A run's time begins with its job, whenever that comes.
            run_id: the run's; a slot that was there already has its own.
            is_ahead: whether it is made for a run that nobody has asked for yet; so it is marked.

        Raises:
            SandboxUnavailable: the engine does not answer.
            ImageMissing: there is no grader image.
            HarnessNotReady: the harness did not start in time.
        """

    @abc.abstractmethod
    def run(self, slot: Slot, job: Job) -> RawResult:
        """Grade one notebook in a slot, which is used up whatever happens.

        Raises:
            SandboxUnavailable: the engine stopped answering; what the notebook did is unknown.
            HarnessNotReady: the harness ended before it had the whole job.
            RunInterrupted: somebody outside ended it.
        """

    @abc.abstractmethod
    def reap(self) -> int:
        """Remove what is left behind; return how many.

        That is what carries this volume's mark and no slot of this object has in use: of earlier
        graders, or of a run whose container could not be removed at its end.

        Raises:
            SandboxUnavailable: the engine does not answer.
        """

    def close(self) -> None:  # noqa: B027 - not all adapters keep something
        """Give up what is kept for later runs, at the end of all; an adapter may keep nothing.

        A slot that somebody has stays good, and is given up when it is given back.
        """
