"""The demo's composition: sandbox, fresh volume, two processes, notebooks in, grades out."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from typing import TYPE_CHECKING, Final

from gofer_console import grader_side, terminal
from gofer_console.demo.grading import submit_samples, wait_for_outcomes
from gofer_console.demo.report import differences, results
from gofer_console.demo.samples import load_samples
from gofer_console.demo.sandbox_choice import engine_answers, is_image_missing, sandbox_problem
from gofer_console.demo.screen import progress, show_invitation, show_results
from gofer_console.demo.services import Services, demo_environment, free_port
from gofer_console.dump import dump_grades
from gofer_console.up import project_root
from shared.config import child_environment
from shared.errors import GoferError
from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from rich.console import Console

    from gofer_console.demo.report import Result
    from gofer_console.demo.samples import Sample
    from shared.config import ConsoleSettings

_POLL_S: Final = 0.5
_TERMINATED: Final = 128 + signal.SIGTERM

_WITHOUT_ENGINE: Final = (
    "No Docker engine answers: NOTEBOOKS RUN WITHOUT A CONTAINER, as processes of this machine. "
    "That is only for trying Gofer out, never for a course."
)
_WITHOUT_CONTAINERS: Final = (
    "GOFER_SANDBOX=process: NOTEBOOKS RUN WITHOUT A CONTAINER, as processes of this machine. "
    "That is only for trying Gofer out, never for a course."
)


def demo(settings: ConsoleSettings) -> int:
    """Run the demo; return its exit code: 0 where every sample ended as expected, else 1.

    On a terminal the services then stay up until Ctrl-C, unless `GOFER_DEMO_EXIT` is set.

    Raises:
        GoferError: it could not be run to its end.
    """
    started_s = time.monotonic()
    out = terminal.out()
    root = project_root()
    course = root / "examples" / "demo101"
    if not course.is_dir():
        raise GoferError(
            "The demo grades the sample course of Gofer's repository, and examples/demo101 is not "
            "here.\nClone the repository and run `make demo` in it."
        )
    samples = load_samples(course / "expected.toml")
    with _stopped_by_sigterm():
        volume = fresh_volume(root / "var" / "demo")
        environment = _prepare(settings, out, course / "course.toml", volume)
        sandbox = environment["GOFER_SANDBOX"]
        out.print("Starting the server and the grader …")
        with Services(environment, volume / "logs") as services:
            with _saying_that_it_stops(out):
                services.wait_until_ready()
                found = _grade(samples, course, services, out, volume, sandbox)
            show_results(found, out)
            path, rows = dump_grades(volume, None)
            out.print(f"\n{rows} graded submissions are in {path}", soft_wrap=True)
            out.print(
                f"Graded in the {sandbox} sandbox. "
                f"All of it took {time.monotonic() - started_s:.0f} seconds."
            )
            exit_code = int(bool(differences(found)))
            if out.is_terminal and not settings.demo_exit:
                show_invitation(services.url, course / samples[0].file, volume, out)
                _stay_up(services)
                out.print("Stopping …")
    return exit_code


def fresh_volume(parent: Path) -> Path:
    """Make a new folder named by the present time, and return it.

    Raises:
        GoferError: it cannot be made.
    """
    stamp = f"{utc_now():%Y-%m-%dT%H%M%SZ}"
    number = 1
    while True:
        volume = parent / (stamp if number == 1 else f"{stamp}-{number}")
        try:
            volume.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise GoferError(f"{volume} cannot be made: {error.strerror}.") from error
        else:
            return volume


def _prepare(
    settings: ConsoleSettings, out: Console, course_config: Path, volume: Path
) -> dict[str, str]:
    """Choose the sandbox and make it ready; return the environment of the demo's processes."""

    def environment(sandbox: str) -> dict[str, str]:
        return demo_environment(
            child_environment({}),
            volume=volume,
            course_config=course_config,
            sandbox=sandbox,
            port=free_port(),
        )

    if settings.sandbox == "process":
        out.print(_WITHOUT_CONTAINERS, style="bold yellow")
        return environment("process")
    with_engine = environment("docker")
    found = grader_side.ask_grader(with_engine)
    if not engine_answers(found):
        out.print(_WITHOUT_ENGINE, style="bold yellow")
        return environment("process")
    if is_image_missing(found):
        out.print("Building the grader image; that is done once.")
        # Named by the volume is also where wheels are kept between builds: beside the usual one.
        build_volume = {"VOLUME_PATH": str(volume.parent.parent)}
        if grader_side.build_image(with_engine | build_volume):
            raise GoferError("The grader image could not be built, so the demo cannot go on.")
    elif problem := sandbox_problem(found):
        raise GoferError(f"{problem.message}\n{problem.advice}")
    return with_engine


def _grade(
    samples: Sequence[Sample],
    course: Path,
    services: Services,
    out: Console,
    volume: Path,
    sandbox: str,
) -> tuple[Result, ...]:
    sent = submit_samples(samples, course, services.url)
    out.print(f"Submitted {len(sent)} notebooks as {len({s.student for s in samples})} students.")
    with progress(out, len(sent)) as on_outcome:
        outcomes = wait_for_outcomes(
            sent, volume, check_alive=services.check_alive, on_outcome=on_outcome
        )
    return results(samples, [outcomes[submission_id] for submission_id in sent], sandbox)


@contextlib.contextmanager
def _saying_that_it_stops(out: Console) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        out.print("Stopping …")
        raise


def _stay_up(services: Services) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            services.check_alive()
            time.sleep(_POLL_S)


@contextlib.contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM leave the block like an exception, so that the services are stopped."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        sys.exit(_TERMINATED)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
