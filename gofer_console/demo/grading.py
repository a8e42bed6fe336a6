"""Handing the samples in and waiting for their verdicts, as a student and a teacher would."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from gofer_console.demo.samples import Outcome
from gofer_console.submit import open_client, read_notebook, submit_notebook
from shared.errors import GoferError, SubmissionRejected
from shared.gradebook.engine import open_reader
from shared.gradebook.queries import run_of_submission
from shared.model import Score, SubmissionId
from shared.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Engine

    from gofer_console.demo.samples import Sample
    from shared.gradebook.queries import RecordedRun

DEADLINE_S: Final = 600.0
_POLL_S: Final = 0.2


def submit_samples(samples: Sequence[Sample], folder: Path, url: str) -> dict[SubmissionId, Sample]:
    """Submit each sample as its student; return them by the ids of their receipts.

    Args:
        samples: in the order in which they are sent.
        folder: that their files are named in.
        url: of the server.

    Raises:
        GoferError: one was refused, or the server does not answer.
    """
    sent: dict[SubmissionId, Sample] = {}
    for sample in samples:
        with open_client(url, sample.student) as client:
            try:
                receipt = submit_notebook(client, read_notebook(folder / sample.file))
            except SubmissionRejected as refusal:
                raise GoferError(f"{sample.file} was refused: {refusal}") from refusal
        sent[SubmissionId(receipt.id)] = sample
    return sent


def wait_for_outcomes(
    sent: Mapping[SubmissionId, Sample],
    volume: Path,
    *,
    check_alive: Callable[[], None],
    on_outcome: Callable[[Sample, Outcome], None],
) -> dict[SubmissionId, Outcome]:
    """Wait until every submission has a verdict, and return how each ended.

    Args:
        sent: the samples by submission.
        volume: the demo's.
        check_alive: raises where waiting has become pointless.
        on_outcome: told of each in the order in which they end.

    Raises:
        GoferError: one was buried, or not all ended within ten minutes.
    """
    deadline = time.monotonic() + DEADLINE_S
    spool = Spool(volume)
    outcomes: dict[SubmissionId, Outcome] = {}
    engine: Engine | None = None
    try:
        while len(outcomes) < len(sent):
            check_alive()
            engine = engine or open_reader(volume)
            for submission_id in sent.keys() - outcomes.keys():
                run = run_of_submission(engine, submission_id) if engine else None
                if run:
                    outcomes[submission_id] = outcome_of(run)
                    on_outcome(sent[submission_id], outcomes[submission_id])
                else:
                    _check_not_buried(spool, submission_id, sent[submission_id])
            if time.monotonic() > deadline:
                raise GoferError(
                    f"{len(sent) - len(outcomes)} of {len(sent)} notebooks have no verdict after "
                    f"{DEADLINE_S / 60:.0f} minutes; the logs in {volume / 'logs'} may say why."
                )
            time.sleep(_POLL_S)
    finally:
        if engine is not None:
            engine.dispose()
    return outcomes


def outcome_of(run: RecordedRun) -> Outcome:
    """Return what the demo shows of a recorded run."""
    score = None
    if run.score is not None and run.points_possible is not None:
        score = Score(run.score, run.points_possible)
    grading_s = (run.finished_at - run.started_at).total_seconds()
    return Outcome(run.verdict, score, grading_s, flags=frozenset(run.flags))


def _check_not_buried(spool: Spool, submission_id: SubmissionId, sample: Sample) -> None:
    failure = spool.failure_of(submission_id)
    if failure is not None:
        raise GoferError(f"{sample.file} could not be graded: {failure.reason}")
