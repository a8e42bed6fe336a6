"""What a hostile notebook is, and what has to be seen once it was graded.

The notebooks themselves stand in three tables by theme: `exhaustion`, `containment` and `forging`.
Each is graded by the zip of `ZIP`, and begins with the cell of `opening_cell`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from shared.model import FLAG_SUSPICIOUS_SOURCE, FLAG_TAMPERED, Verdict
from tests.support.zips import autograder_zip, ok_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.gradebook.queries import RecordedRun

GRADED: Final = frozenset({Verdict.GRADED})
CRASHED: Final = frozenset({Verdict.CRASHED})
TIMED_OUT: Final = frozenset({Verdict.TIMED_OUT})
INVALID: Final = frozenset({Verdict.INVALID})
OUT_OF_MEMORY: Final = frozenset({Verdict.OUT_OF_MEMORY})

SUSPICIOUS: Final = frozenset({FLAG_SUSPICIOUS_SOURCE})
"""What it names is seen before it runs, whatever comes of it."""
TAMPERED: Final = SUSPICIOUS | {FLAG_TAMPERED}

HIDDEN_WORD: Final = "the-hidden-word"
EARNED: Final = 10.0
HELD: Final = 1.0
ZIP: Final = autograder_zip(
    {
        "earned": ok_test(
            "earned", f"answer == 42 and '{HIDDEN_WORD}'", points=EARNED, hidden=True
        ),
        "held": ok_test("held", "gained == leaked == []", points=HELD),
    }
)
"""`earned` is what no attack gets, for none of them knows the answer. `held` is for an attack that
came to its end, and tells by an empty list that it gained nothing."""

HONEST: Final = ("answer = 42", "gained = []")

CATALOGUE: Final = """
[courses.c]
autograder = "{assignment}.zip"
output = "1m"

[courses.c.sections.1.assignments.roomy]
time_limit_s = 60
cell_time_limit_s = 25
memory = "768m"
pids = 128
disk = "300m"

[courses.c.sections.1.assignments.brief]
time_limit_s = 60
cell_time_limit_s = 4
memory = "1g"
pids = 64
disk = "32m"

[courses.c.sections.1.assignments.deadline]
time_limit_s = 8
cell_time_limit_s = 8
memory = "384m"
pids = 64
disk = "32m"

[courses.c.sections.1.assignments.neighbour]
time_limit_s = 60
memory = "512m"
"""


def _nothing_more(run: RecordedRun) -> None:
    """Look at nothing else."""


@dataclass(frozen=True)
class Hostile:
    """One hostile notebook.

    Attributes:
        cells: its code, after the opening cell.
        verdicts: any of which is right; more than one where the machine decides what gives way.
        points: what it has where it has a score.
        assignment: by which limits it is graded; see `CATALOGUE`.
        is_cheating: whether it has points that it did not earn, because otter runs the tests in the
            notebook's own process. What is expected of these is what is seen, not what is wished.
        flags: of its run, all of them.
        flags_may: flags that it may have as well, where the machine decides what gives way.
        metadata: of the notebook.
        content: all bytes of the notebook, where it is none that the cells make.
        look: one more look at its run.
    """

    cells: tuple[str, ...] = ()
    verdicts: frozenset[Verdict] = GRADED
    points: float = HELD
    assignment: str = "roomy"
    is_cheating: bool = False
    flags: frozenset[str] = frozenset()
    flags_may: frozenset[str] = frozenset()
    metadata: dict[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    look: Callable[[RecordedRun], None] = _nothing_more


_OPENING = """\
import contextlib, os
MARK, SECRET, CANARY, PORT = {mark!r}, {secret!r}, {canary!r}, {port!r}
PROC = os.sep + "proc"  # in two pieces: what is suspicious is for the next cells to say
# so that whatever this starts is found on the host: a fork has the name, a program the variable
os.environ["GOFER_HOSTILE"] = MARK
with open(PROC + "/self/comm", "w") as name:
    name.write(MARK)
for folder in {folders!r}:
    with contextlib.suppress(OSError), open(os.path.join(folder, MARK), "w") as file:
        file.write(MARK)
leaked = [path for path in {absent!r} if os.path.exists(path)]
for root in ("", "/1/root", "/self/root", "/self/cwd/../../..", "/../host", "/../mnt"):
    root = root and PROC + root
    with contextlib.suppress(OSError), open(root + CANARY) as file:
        leaked.append(file.read())
leaked += [name for name, value in os.environ.items() if "LTI" in name or SECRET[::-1] in value]
gained = None
"""


def opening_cell(
    *, mark: str, secret: str, canary: str, port: int, folders: list[str], absent: list[str]
) -> str:
    """Return the cell that every hostile notebook begins with.

    It marks the process, reaches for the host's secret, and leaves files wherever it may.

    Args:
        mark: a word of this notebook alone, at most 15 characters.
        secret: what the host's file holds, backwards: the notebook itself is not to hold it.
        canary: path of that file on the host.
        port: of the host's loopback, where something listens.
        folders: of the host, in which a file named by the mark would be seen.
        absent: paths of the host which no notebook should find.
    """
    return _OPENING.format(
        mark=mark, secret=secret, canary=canary, port=port, folders=folders, absent=absent
    )
