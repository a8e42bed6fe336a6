"""The receipt audit: was every promise kept, once, and rightly? Pure: evidence in, findings out.

It trusts nothing of the code under test. Its evidence is what the students hold (receipts), what a
walk through the folders finds, and what plain SQL reads.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Expected(NamedTuple):
    """What a notebook has to get."""

    verdict: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Notebook:
    """One notebook that a student sent, perhaps several times until a receipt came.

    Attributes:
        student: who sent it; nobody sends two alike.
        sends: how often it was sent.
        receipts: the ids of the receipts that came back.
        expected: how its grading has to end.
        sha256: the notebook's bytes, by the receipt; None where none came.
    """

    student: str
    sends: int
    receipts: frozenset[str]
    expected: Expected
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A row of the gradebook: one grading run with its submission."""

    submission: str
    student: str
    verdict: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found at the end.

    Attributes:
        notebooks: what the students sent.
        runs: all recorded runs.
        new: ids in `spool/new`.
        failed: ids in `spool/failed`, with the reasons.
        archived: ids in the archive, with the SHA-256 of the notebook's file.
        containers: what the engine still has.
        odd_names: names in the spool's folders that are no entry's.
    """

    notebooks: list[Notebook]
    runs: list[Run]
    new: frozenset[str] = frozenset()
    failed: dict[str, str] = field(default_factory=dict)
    archived: dict[str, str] = field(default_factory=dict)
    containers: frozenset[str] = frozenset()
    odd_names: frozenset[str] = frozenset()


class Finding(NamedTuple):
    """One broken promise."""

    kind: str
    what: str


def audit(evidence: Evidence) -> list[Finding]:
    """Return every broken promise; none is what is wanted."""
    return [
        *_stuck(evidence),
        *_receipts(evidence),
        *_submissions(evidence),
        *_verdicts(evidence),
        *_places(evidence),
    ]


def _stuck(evidence: Evidence) -> Iterator[Finding]:
    for entry in sorted(evidence.new):
        yield Finding("stuck", f"{entry} still lies in spool/new")
    for entry, reason in sorted(evidence.failed.items()):
        yield Finding("set aside", f"{entry}: {reason}")
    for container in sorted(evidence.containers):
        yield Finding("orphan container", container[:12])
    for name in sorted(evidence.odd_names):
        yield Finding("odd name", name)


def _receipts(evidence: Evidence) -> Iterator[Finding]:
    runs = Counter(run.submission for run in evidence.runs)
    for notebook in evidence.notebooks:
        for receipt in sorted(notebook.receipts):
            if not runs[receipt]:
                yield Finding("lost", f"{receipt} of {notebook.student} has no run")
            elif runs[receipt] > 1:
                yield Finding("doubled", f"{receipt} has {runs[receipt]} runs")


def _submissions(evidence: Evidence) -> Iterator[Finding]:
    """Check that nothing was recorded that nobody sent, and nothing more often than it was sent."""
    sent = {notebook.student: notebook for notebook in evidence.notebooks}
    recorded: defaultdict[str, set[str]] = defaultdict(set)
    for run in evidence.runs:
        recorded[run.student].add(run.submission)
    for student, submissions in sorted(recorded.items()):
        if student not in sent:
            yield Finding("invented", f"{student} sent nothing and has {len(submissions)} runs")
            continue
        notebook = sent[student]
        # a send that got no receipt may have arrived none the less
        unanswered = notebook.sends - len(notebook.receipts)
        if len(submissions - notebook.receipts) > unanswered:
            yield Finding(
                "doubled", f"{student} sent {notebook.sends} times: {sorted(submissions)}"
            )


def _verdicts(evidence: Evidence) -> Iterator[Finding]:
    sent = {notebook.student: notebook for notebook in evidence.notebooks}
    for run in evidence.runs:
        if run.student not in sent:
            continue
        expected = sent[run.student].expected
        if run.verdict != expected.verdict:
            yield Finding(
                "wrong verdict",
                f"{run.submission} is {run.verdict}, and should be {expected.verdict}",
            )
        elif run.score != expected.score:
            yield Finding(
                "wrong score", f"{run.submission} has {run.score}, and should have {expected.score}"
            )


def _places(evidence: Evidence) -> Iterator[Finding]:
    """Check that what was recorded lies in the archive, as it was sent, and nothing else does."""
    recorded = {run.submission for run in evidence.runs}
    sha256_of = {
        receipt: notebook.sha256
        for notebook in evidence.notebooks
        for receipt in notebook.receipts
        if notebook.sha256 is not None
    }
    for entry in sorted(recorded - evidence.archived.keys() - evidence.new):
        yield Finding("not archived", f"{entry} was recorded, and its notebook is gone")
    for entry in sorted(evidence.archived.keys() - recorded):
        yield Finding("archived without a run", entry)
    for entry in sorted(evidence.archived.keys() & (evidence.new | evidence.failed.keys())):
        yield Finding("doubled", f"{entry} lies in the archive and in the spool")
    for entry, sha256 in sorted(evidence.archived.items()):
        if sha256_of.get(entry, sha256) != sha256:
            yield Finding("damaged", f"{entry} is not the notebook of its receipt")
