"""Measure Gofer beside `otter grade`, in one run, on one machine, image and autograder zip.

`python -m tests.bench.grading [--rounds 20] [--notebooks 56]` prints a table and writes
`var/bench/grading.json`. It exits 1 where the two do not give the same scores or one cannot grade,
and never for a time. What is timed and what is not: `docs/performance.md`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

from gofer_console import terminal
from gofer_console.demo.samples import load_samples
from gofer_ingest.grader.engine import connect, engine_errors
from shared.config import GraderSettings, read_settings
from shared.errors import GoferError
from shared.model import Verdict
from tests.bench.gofer_route import GoferRoute
from tests.bench.machine import spending
from tests.bench.otter_route import OtterRoute
from tests.bench.report import PEER, Conditions, Report, load, show, write
from tests.bench.scores import Measured, differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

    from rich.console import Console

    from tests.bench.scores import Timed

    Route = Callable[[Sequence[Path]], Timed]

ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "examples" / "demo101"
ASSIGNMENT = "lab01"
KINDS = {"Gofer": False, "Gofer, shared start": True}
"""What is measured beside the peer, and whether its runs share a start."""
ROUNDS = 20
NOTEBOOKS = 56


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return its exit code."""
    options = _options(arguments)
    out = terminal.out()
    signal.signal(signal.SIGTERM, _leave)
    try:
        report = _measure(options.rounds, options.notebooks, out)
    except GoferError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's own last words
        return 1
    path = ROOT / "var" / "bench" / "grading.json"
    write(report, path)
    show(report, out)
    out.print(f"Every figure, machine-readable: {path.relative_to(ROOT)}", soft_wrap=True)
    return 1 if report.differences else 0


def _measure(rounds: int, notebooks: int, out: Console) -> Report:
    settings = read_settings(GraderSettings)
    cores = len(os.sched_getaffinity(0))
    api = connect(settings.docker_host)
    with engine_errors():
        # by its digest, so that both grade in the same image even if its tag moves meanwhile
        image_id = str(api.inspect_image(settings.grader_image)["Id"])  # type: ignore[no-untyped-call]  # stubs lag
        engine = str(api.version()["Version"])
    conditions = Conditions.now(cores=cores, engine=engine, image_id=image_id)
    with _workspace() as folder:
        many = _lay_out(folder / "notebooks", notebooks)
        one = many[:1]
        zipped = COURSE / "autograders" / ASSIGNMENT / "autograder.zip"
        with ExitStack() as stack:
            otter = stack.enter_context(OtterRoute(api, image_id, zipped))
            gofers = {
                name: stack.enter_context(
                    GoferRoute(
                        volume=folder / f"volume-{'shared' if shared_start else 'own'}",
                        logs=ROOT
                        / "var"
                        / "bench"
                        / "logs"
                        / ("shared" if shared_start else "own"),
                        course_config=COURSE / "course.toml",
                        image_id=image_id,
                        docker_host=settings.docker_host,
                        concurrency=cores,
                        shared_start=shared_start,
                    )
                )
                for name, shared_start in KINDS.items()
            }
            routes: dict[str, Route] = {
                PEER: lambda paths: otter.grade(paths, num_containers=cores)
            }
            routes |= {name: gofer.grade for name, gofer in gofers.items()}

            def rest() -> None:
                for gofer in gofers.values():
                    gofer.rest()

            peer, *ours = _measure_in_turn(routes, one, many, rounds, out, rest)
    different = [
        f"{name}, {text}"
        for name, measured in zip(KINDS, ours, strict=True)
        for a, b in zip(peer.timed, measured.timed, strict=True)
        for text in differences(a.scores, b.scores)
    ]
    return Report(conditions, peer, dict(zip(KINDS, ours, strict=True)), different)


def _measure_in_turn(
    routes: Mapping[str, Route],
    one: Sequence[Path],
    many: Sequence[Path],
    rounds: int,
    out: Console,
    rest: Callable[[], None],
) -> list[Measured]:
    """Measure the routes round by round, each time one after the other.

    What else the machine is busy with then meets all of them alike. While one is measured the other
    only waits, which costs nothing: what it does for its next notebook is done before.
    """
    loads = {name: load() for name in routes}
    warm_ups = {}
    for name, grade in routes.items():
        out.print(f"{name}: a first notebook, to warm up … ", end="")
        warm_ups[name] = grade(one)
        out.print(f"{warm_ups[name].seconds:.2f} s")
    singles: dict[str, list[Timed]] = {name: [] for name in routes}
    for number in range(1, rounds + 1):
        for name, grade in routes.items():
            rest()
            singles[name].append(grade(one))
            seconds = singles[name][-1].seconds
            out.print(f"{name}: one notebook, {number} of {rounds} … {seconds:.2f} s")
    bursts, burst_loads = {}, {}
    for name, grade in routes.items():
        rest()
        burst_loads[name] = load()
        with spending() as spent:
            timed = grade(many)
        bursts[name] = replace(timed, cpu_s=spent.cpu_s, memory_bytes=spent.memory_bytes)
        out.print(f"{name}: {len(many)} notebooks at once … {bursts[name].seconds:.2f} s")
    return [
        Measured(warm_ups[name], singles[name], bursts[name], loads[name], burst_loads[name])
        for name in routes
    ]


def _lay_out(folder: Path, number: int) -> list[Path]:
    """Make `number` copies of the samples that end by themselves, each in a folder of its own.

    All are named as the assignment's notebook is: students' notebooks look for themselves by that
    name.
    """
    samples = [
        COURSE / sample.file
        for sample in load_samples(COURSE / "expected.toml")
        if sample.assignment == ASSIGNMENT
        and sample.verdict is Verdict.GRADED
        and "cell_timeout" not in sample.flags
    ]
    copies = []
    for place, sample in enumerate(islice(cycle(samples), number), start=1):
        copy = folder / f"{place:02} {sample.stem}" / f"{ASSIGNMENT}.ipynb"
        copy.parent.mkdir(parents=True)
        shutil.copyfile(sample, copy)
        copies.append(copy)
    return copies


@contextmanager
def _workspace() -> Iterator[Path]:
    """Make a folder for the volume on the project's own disk: `/tmp` may be memory."""
    parent = ROOT / "var" / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(parent / "logs", ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix="run-") as folder:
        yield Path(folder)


def _leave(_number: int, _frame: FrameType | None) -> None:
    # as an exception, so that containers and processes go with the benchmark
    sys.exit(128 + signal.SIGTERM)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.grading",
        description="Measure Gofer beside `otter grade` in one run on this machine.",
    )
    parser.add_argument(
        "--rounds",
        type=_positive,
        default=os.environ.get("GOFER_BENCH_ROUNDS", str(ROUNDS)),
        help=f"how often one notebook is timed (default: GOFER_BENCH_ROUNDS or {ROUNDS})",
    )
    parser.add_argument(
        "--notebooks",
        type=_positive,
        default=NOTEBOOKS,
        help=f"how many are handed in at once (default: {NOTEBOOKS})",
    )
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1 is needed")
    return number


if __name__ == "__main__":
    sys.exit(main())
