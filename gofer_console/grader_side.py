"""The grader's side of the command line, asked as a process of its own.

The console may not import the grader, nor the engine's SDK; `python -m gofer_ingest.grader` answers
for both.
"""

from __future__ import annotations

import enum
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import GraderError

if TYPE_CHECKING:
    from collections.abc import Mapping

_GRADER: Final = (sys.executable, "-m", "gofer_ingest.grader")
_DOCTOR_DEADLINE_S: Final = 60.0


class Health(enum.StrEnum):
    """How one check came out."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Check(BaseModel):
    """One thing that was looked at.

    Attributes:
        name: one or two words, such as `engine` or `free disk`.
        status: how it came out.
        message: what was found, one sentence.
        advice: what to do about it; empty where nothing is to be done.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    status: Health
    message: str
    advice: str = ""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    checks: tuple[Check, ...]


def read_answer(answer: bytes) -> tuple[Check, ...]:
    """Return the checks in the grader's answer, `{"checks": [{name, status, message, advice}]}`.

    Raises:
        GraderError: it is something else.
    """
    try:
        return _Answer.model_validate_json(answer).checks
    except ValidationError:
        raise GraderError("The grader's own checks gave an answer that cannot be read.") from None


def ask_grader(environment: Mapping[str, str] | None = None) -> tuple[Check, ...]:
    """Run the grader's own checks and return them.

    Args:
        environment: what the grader is to see; None for this process's own.

    Raises:
        GraderError: they could not be run, took longer than a minute, or said nothing readable.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            [*_GRADER, "doctor", "--json"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_DOCTOR_DEADLINE_S,
        )
    except subprocess.TimeoutExpired:
        raise GraderError(
            f"The grader's own checks gave no answer within {_DOCTOR_DEADLINE_S:.0f} seconds."
        ) from None
    if not done.stdout.strip():
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise GraderError(
            f"The grader's own checks did not run: {said[-1] if said else 'they said nothing'}"
        )
    return read_answer(done.stdout)


def build_image(environment: Mapping[str, str] | None = None) -> int:
    """Build the grader image, its output on this terminal; return the exit code.

    An interrupt reaches the build as well, and its exit code is returned as ever.
    """
    build = subprocess.Popen([*_GRADER, "image"], env=environment)  # noqa: S603 - a fixed command
    try:
        while True:
            try:
                return build.wait()
            except KeyboardInterrupt:
                continue  # the same Ctrl-C went to the build, which tidies up and ends
    finally:
        if build.poll() is None:
            build.terminate()
            build.wait()
