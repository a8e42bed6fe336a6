"""A volume as a course leaves it behind: submissions that wait, are graded, failed, set aside."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from gofer_ingest.server.recent_receipts import RecentReceipt, RecentReceipts
from shared.grade_policy import GradePolicy
from shared.gradebook.flagged import accept_run, flagged_runs
from shared.gradebook.record import GradingRun, record_autograder, record_run
from shared.gradebook.staff_decisions import record_override
from shared.gradebook.staff_requests import Outcome, record_request
from shared.model import (
    AssignmentKey,
    AutograderSpec,
    GradingResult,
    QuestionScore,
    QuestionSpec,
    RunReason,
    Score,
    Sha256,
    SubmissionId,
    Verdict,
    new_run_id,
    new_submission_id,
    utc_now,
)
from shared.queue_snapshot import QueueSnapshot, write_snapshot
from shared.requests import (
    AcceptFlaggedPayload,
    Envelope,
    OverridePayload,
    PublishPayload,
    Source,
    StaffRequest,
    SubmitPayload,
)
from shared.spool import Spool
from tests.unit.shared.gradebook_samples import fresh_gradebook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from sqlalchemy import Engine

LAB01 = AssignmentKey("demo101", "1", "lab01")
HW02 = AssignmentKey("demo101", "1", "hw02")
ZIP = Sha256("a" * 64)
IMAGE = "sha256:0123"
NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'

QUESTIONS = (
    QuestionSpec("q1", 2.0, hidden=False),
    QuestionSpec("q2_secret", 3.0, hidden=True),
    QuestionSpec("q3", 4.0, hidden=False),
    QuestionSpec("q4_secret", 1.0, hidden=True),
)
STAFF_TEXT = "for staff alone"
LOG = "what the notebook printed"
FLAG = "output_truncated"


class Term:
    """A volume with its gradebook, and ways to bring submissions into every state.

    It plays the grader in tests that have none: it writes what the grader writes.
    """

    def __init__(self, volume: Path) -> None:
        volume.mkdir(parents=True, exist_ok=True)
        self.volume = volume
        self.spool = Spool(volume)
        self.spool.prepare()
        self.gradebook: Engine = fresh_gradebook(volume)
        self.receipts = RecentReceipts(volume / "spool" / "index" / "receipts", timedelta(0))

    def close(self) -> None:
        """Let go of the gradebook."""
        self.gradebook.dispose()

    def submitted(
        self,
        student: str = "ada",
        key: AssignmentKey = LAB01,
        *,
        hours_ago: float = 0.0,
        is_noted: bool = True,
    ) -> SubmissionId:
        """Deliver a notebook and note its receipt, as the server does."""
        envelope = Envelope(
            id=new_submission_id(),
            action="submit",
            payload=SubmitPayload(
                student=student,
                course=key.course,
                section=key.section,
                assignment=key.assignment,
                sha256=Sha256(hashlib.sha256(NOTEBOOK).hexdigest()),
                size_bytes=len(NOTEBOOK),
                source=Source.DEV,
            ),
            requested_by=student,
            received_at=utc_now() - timedelta(hours=hours_ago),
        )
        self.spool.deliver(envelope, NOTEBOOK)
        if is_noted:
            with self.receipts.locked(student) as given:
                given.note(
                    RecentReceipt(envelope.id, key, envelope.payload.sha256, envelope.received_at)
                )
        return envelope.id

    def override(self, student: str, key: AssignmentKey, comment: str) -> None:
        """Set a student's grade to 9 of 10, as staff do."""
        payload = OverridePayload(
            student=student,
            course=key.course,
            section=key.section,
            assignment=key.assignment,
            score=9,
            comment=comment,
        )
        request = StaffRequest(
            id=new_submission_id(),
            action="override",
            payload=payload,
            requested_by="ta",
            received_at=utc_now(),
            reason="not for the student",
        )
        score = Score(9, 10)
        record_override(self.gradebook, request, payload, score, GradePolicy(), "Done.")

    def graded(
        self,
        submission_id: SubmissionId,
        scores: Sequence[float] = (2.0, 1.5, 4.0, 0.0),
        questions: tuple[QuestionSpec, ...] = QUESTIONS,
        flag: str = FLAG,
    ) -> None:
        """Record a score and settle the entry, as the grader does."""
        possible = sum(question.points for question in questions)
        record_autograder(self.gradebook, AutograderSpec(ZIP, questions, possible), IMAGE)
        self._record(
            submission_id,
            GradingResult(
                verdict=Verdict.GRADED,
                score=Score(sum(scores), possible),
                questions=tuple(
                    QuestionScore(question.name, score, question.points)
                    for question, score in zip(questions, scores, strict=True)
                ),
                student_text="Your notebook was graded.",
                staff_text=STAFF_TEXT,
                flags=frozenset({flag}),
                log_tail=LOG,
            ),
        )

    def accepted(self, submission_id: SubmissionId) -> None:
        """Let staff accept a run that is held, as the grader does."""
        (run,) = [run for run in flagged_runs(self.gradebook) if run.submission_id == submission_id]
        request = StaffRequest(
            id=new_submission_id(),
            action="accept_flagged",
            payload=AcceptFlaggedPayload(run=SubmissionId(run.run_id)),
            requested_by="tess",
            received_at=utc_now(),
            reason="Their own library.",
        )
        accept_run(self.gradebook, request, run, GradePolicy(), "Accepted.")

    def published(self, key: AssignmentKey, rule: str | None) -> None:
        """Let staff decide when results are shown, as the grader records it."""
        payload = PublishPayload(
            course=key.course, section=key.section, assignment=key.assignment, rule=rule
        )
        request = StaffRequest(
            id=new_submission_id(),
            action="publish",
            payload=payload,
            requested_by="tess",
            received_at=utc_now(),
            reason="",
        )
        record_request(self.gradebook, request, Outcome.DONE, "Done.")

    def failed(
        self,
        submission_id: SubmissionId,
        verdict: Verdict = Verdict.TIMED_OUT,
        text: str = "Your notebook did not finish in the time it has.",
    ) -> None:
        """Record a verdict without a score, as the grader does."""
        self._record(
            submission_id,
            GradingResult(
                verdict=verdict,
                score=None,
                questions=(),
                student_text=text,
                staff_text=STAFF_TEXT,
                log_tail=LOG,
            ),
        )

    def announced(self, *running: SubmissionId, **more: Any) -> None:
        """Write the queue's snapshot, as the grader does."""
        write_snapshot(
            self.volume,
            QueueSnapshot(
                **{
                    "written_at": utc_now(),
                    "concurrency": 2,
                    "running": running,
                    "typical_s": 30.0,
                    **more,
                }
            ),
        )

    def _record(self, submission_id: SubmissionId, result: GradingResult) -> None:
        now = utc_now()
        run = GradingRun(
            run_id=new_run_id(),
            reason=RunReason.INITIAL,
            started_at=now - timedelta(seconds=6),
            finished_at=now,
            result=result,
            autograder_sha256=ZIP,
            image_id=IMAGE,
            sandbox="process",
            tries=1,
        )
        envelope = self.spool.envelope_of(submission_id)
        record_run(self.gradebook, envelope, run, GradePolicy())
        self.spool.settle(submission_id)
