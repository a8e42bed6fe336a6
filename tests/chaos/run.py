"""The chaos test: `make chaos`, or in a short form a test that `make test` runs.

Submissions flow while processes, containers and the engine are killed, the disk fills up, the
gradebook is locked and events are lost. When peace has come, the receipts are audited. Random
choices come from a seed that is printed. The same seed makes the same troubles, though hardly at
the same moments of what they disturb.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.chaos.audit import Evidence, Finding, audit
from tests.chaos.engine import PrivateEngine, obstacle
from tests.chaos.installation import Installation
from tests.chaos.students import Students
from tests.chaos.troubles import Trouble, all_troubles
from tests.support.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

STANDSTILL_S: Final = 150.0
"""Once peace has come, nothing may stand still for longer: twice the longest pause and a run."""


@dataclass(frozen=True, slots=True)
class Options:
    """How much chaos there is to be.

    Attributes:
        seed: of all random choices.
        kills: so many SIGKILLs at least; each trouble comes once at least.
        pause_s: between two troubles, on average.
        student_pause_s: between two students of one thread, on average.
        threads: of students.
        concurrency: how many notebooks are graded at one time.
        image: the grader image, by a tag.
    """

    seed: int
    kills: int
    pause_s: float = 3.0
    student_pause_s: float = 6.0
    threads: int = 3
    concurrency: int = 3
    image: str = "gofer-grader"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    findings: list[Finding]
    troubles: dict[str, int]
    kills: int
    answers: Counter[str]
    receipts: int
    verdicts: Counter[str]
    own_ends: dict[str, int]
    seconds: float


def chaos(
    options: Options, engine: PrivateEngine, folder: Path, say: Callable[[str], None]
) -> Outcome:
    """Run the whole test.

    Args:
        options: how much of it.
        engine: to be stopped and killed; it holds the image and no containers.
        folder: empty; the logs stay there.
        say: told what is done.
    """
    began = time.monotonic()
    say(f"seed {options.seed}, logs in {folder}")
    with Installation(folder, engine, options.image, concurrency=options.concurrency) as gofer:
        gofer.wait_until_ready()
        with Students(
            gofer.url,
            folder / "receipts.jsonl",
            seed=options.seed,
            threads=options.threads,
            pause_s=options.student_pause_s,
        ) as students:
            troubles = all_troubles(options.seed, gofer, students)
            _make_trouble(options, troubles, gofer, students, say)
            say("peace: the students come to an end, and what is pending is graded")
            students.stop()
        _come_to_rest(gofer, say)
        findings = _stop(gofer)
        if left := engine.containers():
            # Of an engine that was away when their run ended. The reaper's next look would have
            # come within a minute; a grader's start is one too.
            say(f"{len(left)} containers are left to the next grader")
            gofer.start_and_stop_a_grader()
        notebooks, runs = students.notebooks(), gofer.runs()
        evidence = Evidence(
            notebooks=notebooks,
            runs=runs,
            new=gofer.new(),
            failed=gofer.failed(),
            archived=gofer.archived(),
            containers=frozenset(engine.containers()),
        )
        (folder / "evidence.txt").write_text(repr(evidence), "utf-8")
    return Outcome(
        findings=findings + audit(evidence),
        troubles={trouble.name: trouble.done for trouble in troubles},
        kills=sum(trouble.kills for trouble in troubles),
        answers=students.answers,
        receipts=sum(len(notebook.receipts) for notebook in notebooks),
        verdicts=Counter(f"{run.verdict} {run.score:g}" for run in runs if run.score is not None)
        + Counter(run.verdict for run in runs if run.score is None),
        own_ends={"server": gofer.server.own_ends, "grader": gofer.grader.own_ends},
        seconds=time.monotonic() - began,
    )


def _make_trouble(
    options: Options,
    troubles: list[Trouble],
    gofer: Installation,
    students: Students,
    say: Callable[[str], None],
) -> None:
    dice = random.Random(options.seed)
    weights = [trouble.weight for trouble in troubles]
    to_come = dice.sample(troubles, len(troubles))
    lasting: Future[bool] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="lasting trouble") as pool:
        while True:
            threading.Event().wait(dice.expovariate(1 / options.pause_s))
            if lasting is not None and lasting.done():
                lasting.result()
                lasting = None
            kills = sum(trouble.kills for trouble in troubles)
            missing = [trouble for trouble in to_come if not trouble.done]
            if kills >= options.kills and not missing and lasting is None:
                return
            if missing and dice.random() < 0.5:
                trouble = missing[0]
            else:
                [trouble] = dice.choices(troubles, weights)
            if trouble.is_lasting:
                if lasting is not None:
                    continue
                lasting = pool.submit(trouble.do)
                came_about = True
            else:
                came_about = trouble.do()
            if came_about:
                say(
                    f"{trouble.name:18} kills {kills:3}  receipts {students.receipts:4}  "
                    f"pending {len(gofer.new()):3}"
                )


def _come_to_rest(gofer: Installation, say: Callable[[str], None]) -> None:
    """Wait until nothing is pending, for as long as it goes on."""
    moved_at = time.monotonic()
    pending = gofer.new()
    while pending and time.monotonic() - moved_at < STANDSTILL_S:
        threading.Event().wait(1.0)
        now_pending = gofer.new()
        if now_pending != pending:
            moved_at = time.monotonic()
            if len(now_pending) // 10 != len(pending) // 10:
                say(f"pending {len(now_pending)}")
        pending = now_pending


def _stop(gofer: Installation) -> list[Finding]:
    """Stop both processes in order; an exit code other than 0 is a finding."""
    return [
        Finding("unclean stop", f"{service.name} ended with {code}")
        for service in (gofer.grader, gofer.server)
        if (code := service.stop()) != 0
    ]


def summary(outcome: Outcome) -> str:
    """Return the summary table."""
    rows: list[tuple[str, Any]] = [
        ("SIGKILLs", outcome.kills),
        *((f"  {name}", number) for name, number in outcome.troubles.items()),
        ("answers to students", ""),
        *((f"  {answer}", number) for answer, number in sorted(outcome.answers.items())),
        ("receipts", outcome.receipts),
        ("runs recorded", sum(outcome.verdicts.values())),
        *((f"  {verdict}", number) for verdict, number in sorted(outcome.verdicts.items())),
        *((f"{name} ended by itself", number) for name, number in outcome.own_ends.items()),
        ("seconds", f"{outcome.seconds:.0f}"),
        ("findings of the audit", len(outcome.findings)),
    ]
    lines = [f"{name:28}{number:>8}" for name, number in rows]
    return "\n".join(lines + [f"  {kind}: {what}" for kind, what in outcome.findings])


def main() -> int:
    """Run the long form; return 1 where the audit found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.run", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--pause-s", type=float, default=3.0)
    parser.add_argument("--student-pause-s", type=float, default=8.0)
    parser.add_argument("--concurrency", type=int, default=3)
    parser.add_argument("--image", default=os.environ.get("GOFER_GRADER_IMAGE", "gofer-grader"))
    options = Options(**vars(parser.parse_args()))
    reason = obstacle()
    if reason is not None:
        sys.stderr.write(f"The chaos test cannot run: {reason}.\n")
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that all is cleaned up
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.0f} s  {line}\n")
        sys.stdout.flush()

    kept = ROOT / "var"
    kept.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{options.seed}-", dir=kept))
    say("starting a container engine of this test's own")
    with PrivateEngine(options.image) as engine:
        outcome = chaos(options, engine, folder, say)
    sys.stdout.write(f"{summary(outcome)}\n")
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main())
