"""Where students ask for their submissions: it gathers what is known and has it decided.

It works with whatever is up. What the spool has is told without the gradebook, what the gradebook
has without the spool's entry, and neither needs the grader. Others' submissions look like none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gofer_ingest.server.errors import UnknownSubmission
from gofer_ingest.server.publishing import MANUAL
from gofer_ingest.server.recent_receipts import RecentReceipt
from gofer_ingest.server.status import (
    Facts,
    Submitted,
    decide_status,
    questions_told,
)
from shared.errors import DamagedEntry, GradebookError, UnknownEntry
from shared.gradebook.history import (
    History,
    grade_told,
    grades_without_submission,
    history_of,
    question_scores,
    student_of,
)
from shared.gradebook.queries import find_autograder
from shared.model import utc_now
from shared.spool import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from gofer_ingest.server.gradebook_reader import GradebookReader
    from gofer_ingest.server.identity import Person
    from gofer_ingest.server.publishing import Publishing
    from gofer_ingest.server.queue_view import QueueView
    from gofer_ingest.server.recent_receipts import RecentReceipts
    from gofer_ingest.server.status import QuestionsTold, Status
    from shared.gradebook.history import CountedResult, GradeTold, RecordedSubmission
    from shared.model import AssignmentKey, PublishRule, SubmissionId
    from shared.requests import Envelope
    from shared.spool import Spool

RECEIPTS_LOOKED_AT: Final = 200
"""How many of a student's last receipts may not be in the gradebook yet."""


@dataclass(frozen=True, slots=True)
class GivenGrade:
    """A grade that staff set where nothing was handed in."""

    key: AssignmentKey
    grade: GradeTold


@dataclass(frozen=True, slots=True)
class StatusPage:
    """A page of a student's submissions.

    Attributes:
        statuses: newest first.
        has_more: whether there are older ones.
        is_complete: whether all of them could be found; not so while the gradebook is out of reach.
        given: grades of assignments that show results, without a submission; on the first page.
    """

    statuses: tuple[Status, ...]
    has_more: bool
    is_complete: bool
    given: tuple[GivenGrade, ...] = ()


@dataclass(frozen=True, slots=True)
class Enquiries:
    """Answers students. It touches the disk: call it in a thread.

    Attributes:
        publishing: when students see results.
        spool: where entries lie.
        queue: who waits.
        gradebook: what was recorded.
        receipts: what was promised lately.
    """

    publishing: Publishing
    spool: Spool
    queue: QueueView
    gradebook: GradebookReader
    receipts: RecentReceipts

    def status_of(self, submission_id: SubmissionId, person: Person) -> Status:
        """Return the status of one submission, with its questions and the grade of its student.

        Raises:
            UnknownSubmission: there is none of this id, or it is another student's: which of the
                two is nobody's business, so that ids cannot be tried out.
            SpoolError: the spool cannot be read.
        """
        # The place before the gradebook: what is recorded between the two looks is then told as
        # recorded, and not as an archived entry of which the gradebook knows nothing.
        place = self.spool.find(submission_id)
        envelope = None if place is None else self._envelope(submission_id)
        student = self._student(submission_id, envelope)
        if student is None or (student != person.name and not person.is_staff):
            raise UnknownSubmission
        history, unrecorded = self._history(student, only=submission_id, limit=1)
        if history is not None and history.submissions:
            recorded = history.submissions[0]
            status = self._of_recorded(recorded, unrecorded)
            if status.is_published:
                status = replace(status, grade=self._grade(student, recorded.key))
            if status.verdict is None or recorded.result is None:
                return status
            return replace(status, questions=self._questions(recorded.result))
        if envelope is None or place is None:
            raise UnknownSubmission
        receipt = RecentReceipt(
            envelope.id, envelope.payload.key, envelope.payload.sha256, envelope.received_at
        )
        return self._of_receipt(receipt, place, student, history, unrecorded)

    def list_of(self, student: str, *, before: SubmissionId | None, limit: int) -> StatusPage:
        """Return a page of a student's submissions, without their questions.

        Args:
            student: whose.
            before: those alone whose id sorts before this one; None begins with the newest.
            limit: how many at most.

        Raises:
            SpoolError: the spool cannot be read.
        """
        history, unrecorded = self._history(student, before=before, limit=limit + 1)
        promised = self._promised(unrecorded, before)
        if history is not None and any(place is Place.ARCHIVED for _, place in promised.values()):
            # Recorded since the gradebook was asked, a moment ago.
            history, unrecorded = self._history(student, before=before, limit=limit + 1)
            promised = self._promised(unrecorded, before)
        recorded = {row.id: row for row in history.submissions} if history else {}
        newest_first = sorted(promised.keys() | recorded.keys(), reverse=True)
        statuses = [
            self._of_recorded(recorded[submission_id], unrecorded)
            if submission_id in recorded
            else self._of_receipt(*promised[submission_id], student, history, unrecorded)
            for submission_id in newest_first[:limit]
        ]
        return StatusPage(
            statuses=tuple(statuses),
            has_more=len(newest_first) > limit,
            is_complete=history is not None,
            given=() if history is None or before is not None else self._given(student),
        )

    # --- what is known ----------------------------------------------------------------------------

    def _envelope(self, submission_id: SubmissionId) -> Envelope | None:
        try:
            return self.spool.envelope_of(submission_id)
        except (UnknownEntry, DamagedEntry):
            return None  # the gradebook may still have it; a damaged one is nobody's to see

    def _student(self, submission_id: SubmissionId, envelope: Envelope | None) -> str | None:
        if envelope is not None:
            return envelope.payload.student
        try:
            return self.gradebook.ask(lambda engine: student_of(engine, submission_id))
        except GradebookError:
            return None

    def _history(
        self,
        student: str,
        *,
        limit: int,
        before: SubmissionId | None = None,
        only: SubmissionId | None = None,
    ) -> tuple[History | None, tuple[RecentReceipt, ...]]:
        """Return what the gradebook has, None where it is out of reach, and what it has not."""
        # The receipts first: what is recorded between the two looks is then in both of them.
        receipts = tuple(self.receipts.list_of(student)[:RECEIPTS_LOOKED_AT])

        def question(engine: Engine) -> History:
            keys = {receipt.id: receipt.key for receipt in receipts}
            return history_of(
                engine, student, unrecorded=keys, limit=limit, before=before, only=only
            )

        try:
            history = self.gradebook.ask(question)
        except GradebookError:
            return None, receipts
        if history is None:  # no gradebook yet, so nothing is in it
            history = History((), {receipt.id: 0 for receipt in receipts})
        return history, tuple(receipt for receipt in receipts if receipt.id in history.before)

    def _promised(
        self, unrecorded: Sequence[RecentReceipt], before: SubmissionId | None
    ) -> dict[SubmissionId, tuple[RecentReceipt, Place]]:
        """Return the receipts whose entries are there, with their places."""
        promised = {}
        for receipt in unrecorded:
            if before is None or receipt.id < before:
                place = self.spool.find(receipt.id)
                if place is not None:
                    promised[receipt.id] = receipt, place
        return promised

    def _of_recorded(
        self, recorded: RecordedSubmission, unrecorded: Sequence[RecentReceipt]
    ) -> Status:
        submitted = Submitted(
            id=recorded.id,
            student=recorded.student,
            key=recorded.key,
            sha256=recorded.sha256,
            received_at=recorded.received_at,
            attempt=recorded.attempt + _earlier(unrecorded, recorded.key, recorded.id),
        )
        return self._decided(submitted, Place.ARCHIVED, recorded.result)

    def _of_receipt(
        self,
        receipt: RecentReceipt,
        place: Place,
        student: str,
        history: History | None,
        unrecorded: Sequence[RecentReceipt],
    ) -> Status:
        attempt = None
        if history is not None and receipt.id in history.before:
            earlier = _earlier(unrecorded, receipt.key, receipt.id)
            attempt = history.before[receipt.id] + earlier + 1
        submitted = Submitted(
            id=receipt.id,
            student=student,
            key=receipt.key,
            sha256=receipt.sha256,
            received_at=receipt.received_at,
            attempt=attempt,
        )
        return self._decided(submitted, place, None)

    def _decided(self, submitted: Submitted, place: Place, result: CountedResult | None) -> Status:
        queue = self.queue.look()
        now = utc_now()
        facts = Facts(
            place=place,
            result=result,
            publish=self._publish_rule(submitted.key, result),
            snapshot=queue.snapshot,
            ahead=queue.ahead_of(submitted.id, now),
            now=now,
        )
        return decide_status(submitted, facts)

    def _publish_rule(self, key: AssignmentKey, result: CountedResult | None) -> PublishRule:
        if result is None:
            return self.publishing.rule_without_results(key)
        try:
            return self.publishing.rule_of(key)
        except GradebookError:
            return MANUAL  # a result at hand is not told on a guess

    def _grade(self, student: str, key: AssignmentKey) -> GradeTold | None:
        try:
            return self.gradebook.ask(lambda engine: grade_told(engine, student, key))
        except GradebookError:
            return None

    def _given(self, student: str) -> tuple[GivenGrade, ...]:
        now = utc_now()
        try:
            found = self.gradebook.ask(lambda engine: grades_without_submission(engine, student))
            return tuple(
                GivenGrade(key, grade)
                for key, grade in found or ()
                if self.publishing.rule_of(key).is_published(now)
            )
        except GradebookError:
            return ()

    def _questions(self, result: CountedResult) -> QuestionsTold | None:
        sha256, image_id = result.autograder_sha256, result.image_id
        if sha256 is None or image_id is None:
            return None

        def question(engine: Engine) -> QuestionsTold | None:
            return questions_told(
                question_scores(engine, result.run_id), find_autograder(engine, sha256, image_id)
            )

        try:
            return self.gradebook.ask(question)
        except GradebookError:
            return None


def _earlier(
    receipts: Sequence[RecentReceipt], key: AssignmentKey, submission_id: SubmissionId
) -> int:
    return sum(receipt.key == key and receipt.id < submission_id for receipt in receipts)
