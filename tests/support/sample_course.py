"""A course in the middle of its term, for screenshots: made up, and always the same."""

from __future__ import annotations

import hashlib
import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import update

from shared.catalogue import Defaults, load_catalogue, zip_sha256
from shared.gradebook.engine import open_gradebook
from shared.gradebook.passback_tables import passbacks
from shared.gradebook.record import GradingRun, record_autograder, record_run
from shared.gradebook.regrades.items import items_left, record_regrade_run
from shared.gradebook.regrades.starting import start_regrade
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
from shared.queue_snapshot import PassbackOutlook, QueueSnapshot, write_snapshot
from shared.requests import (
    Envelope,
    OverridePayload,
    PostSendPayload,
    PublishPayload,
    RegradeStartPayload,
    RetryPayload,
    Source,
    StaffPayload,
    StaffRequest,
    SubmitPayload,
)
from shared.spool import Spool
from tests.support.sample_notebook import sample_notebook
from tests.support.zips import autograder_zip, ok_test

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from shared.catalogue import Catalogue

NAMES: Final = (
    "ada",
    "ben",
    "chen",
    "dana",
    "emil",
    "fatima",
    "grace",
    "hugo",
    "ines",
    "jonas",
    "kira",
    "liam",
    "mei",
    "nora",
    "omar",
    "priya",
    "quinn",
    "rosa",
    "sami",
    "tara",
    "uma",
    "viktor",
    "wanda",
    "xenia",
    "yusuf",
    "zoe",
)
STUDENTS: Final = [f"{name}.{letter}" for letter in "abc" for name in NAMES]
QUESTIONS: Final = ("q1", "q2", "q3", "q4", "q5", "q6")
_EASE: Final = (0.95, 0.9, 0.75, 0.8, 0.55, 0.4)
_OLD_ZIP: Final = Sha256("0d" * 32)
_NOTEBOOK: Final = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


class SampleCourse:
    """Writes the volume and its catalogue.

    Args:
        folder: empty; the volume becomes `volume` in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.volume = folder / "volume"
        self.volume.mkdir(parents=True)
        self.random = random.Random(20)
        self.now = utc_now()
        self.catalogue = self._catalogue()
        self.zips = {one.key: zip_sha256(one) or _OLD_ZIP for one in self.catalogue}
        self.spool = Spool(self.volume)
        self.spool.prepare()
        self.gradebook: Engine = open_gradebook(self.volume)

    @property
    def environment(self) -> dict[str, str]:
        """Settings of a console on it."""
        return {
            "LOGNAME": "ta.kim",
            "GOFER_AUTOGRADERS": str(self.folder),
            "COURSE_CONFIG_PATH": str(self.folder / "courses.toml"),
        }

    def fill(self) -> None:
        """Let the term happen."""
        for sha256 in self.zips.values():
            questions = tuple(QuestionSpec(name, 2.0, hidden=False) for name in QUESTIONS)
            spec = AutograderSpec(sha256, questions, 12.0, otter_version="6.1.0")
            record_autograder(self.gradebook, spec, "sha256:5a1e")
        for number, assignment in enumerate(self.catalogue):
            due_at = assignment.policy.due_at or self.now
            if number < 4:
                self._class(assignment.key, due_at, old_zip=number == 1)
        self._passback()
        self._requests()
        self._regrade()
        self._failed()
        self._shown()
        self.speak()
        self.gradebook.dispose()

    def speak(self) -> None:
        """Let the grader say how its queue stands."""
        outlook = PassbackOutlook(queued=6, held=9, parked=3, failed=4)
        snapshot = QueueSnapshot(
            written_at=utc_now(),
            concurrency=4,
            typical_s=3.1,
            passback=outlook,
            warm_idle=4,
            backed_up_at=self.now - timedelta(hours=7),
        )
        write_snapshot(self.volume, snapshot)

    def _catalogue(self) -> Catalogue:
        lines = ["[courses.stat20]", 'timezone = "America/Los_Angeles"']
        lines += ["late = { percent = 10 }", "[courses.stat20.passback]", 'kind = "lti13"']
        lines += ['client_id = "gofer"', 'token_url = "https://lms.example.edu/token"']
        lines += ['private_key_file = "/etc/gofer/lti.pem"']
        lines += ['line_items = "https://lms.example.edu/courses/20/lineitems"']
        for number, name in enumerate(("hw01", "hw02", "lab01", "lab02", "project1")):
            due = self.now + timedelta(days=(number - 3) * 5)
            lines.append(f"[courses.stat20.sections.fa26.assignments.{name}]")
            lines.append(f'autograder = "{name}.zip"')
            lines.append(f"due = {due:%Y-%m-%dT%H:00:00}")
            if name != "project1":
                content = autograder_zip({one: ok_test(one, f"'{name}'") for one in QUESTIONS})
                (self.folder / f"{name}.zip").write_bytes(content)
        path = self.folder / "courses.toml"
        path.write_text("\n".join(lines), "utf-8")
        return load_catalogue(
            course_config=path, autograders=self.folder, defaults=Defaults(), course=None
        )

    def _class(self, key: AssignmentKey, due_at: datetime, *, old_zip: bool) -> None:
        for student in STUDENTS:
            if self.random.random() < 0.08:
                continue
            skill = self.random.gauss(0.0, 0.18)
            for attempt in range(self.random.choice((1, 1, 1, 2, 3))):
                hours = self.random.expovariate(1 / 22) - self.random.random() * 5
                at = min(due_at - timedelta(hours=hours), self.now - timedelta(minutes=9))
                self._run(student, key, at, skill + 0.05 * attempt, old_zip=old_zip)

    def _result(self, skill: float) -> GradingResult:
        if self.random.random() < 0.03:
            verdict = self.random.choice((Verdict.TIMED_OUT, Verdict.CRASHED))
            return GradingResult(
                verdict=verdict,
                score=None,
                questions=(),
                student_text="",
                staff_text="A cell hung.",
            )
        scores = [
            2.0 if self.random.random() < ease + skill else self.random.choice((0.0, 1.0))
            for ease in _EASE
        ]
        return GradingResult(
            verdict=Verdict.GRADED,
            score=Score(sum(scores), 12.0),
            questions=tuple(
                QuestionScore(name, score, 2.0)
                for name, score in zip(QUESTIONS, scores, strict=True)
            ),
            student_text="Your notebook was graded.",
            staff_text="",
            otter_version="6.1.0",
            wall_s=self.random.uniform(1.4, 6.0),
        )

    def _run(
        self, student: str, key: AssignmentKey, at: datetime, skill: float, *, old_zip: bool
    ) -> None:
        envelope = self._envelope(student, key, at)
        took = timedelta(seconds=self.random.lognormvariate(1.8, 1.1))
        run = GradingRun(
            run_id=new_run_id(),
            reason=RunReason.INITIAL,
            started_at=at + took / 2,
            finished_at=at + took,
            result=self._result(skill),
            autograder_sha256=_OLD_ZIP if old_zip else self.zips[key],
            image_id="sha256:5a1e",
            sandbox="docker",
            tries=1,
            regrade_id=None,
        )
        record_run(self.gradebook, envelope, run, self.catalogue.find(key).policy)

    def _envelope(
        self, student: str, key: AssignmentKey, at: datetime, notebook: bytes = _NOTEBOOK
    ) -> Envelope:
        payload = SubmitPayload(
            student=student,
            course=key.course,
            section=key.section,
            assignment=key.assignment,
            sha256=Sha256(hashlib.sha256(notebook).hexdigest()),
            size_bytes=len(notebook),
            source=Source.HUB,
        )
        return Envelope(
            id=new_submission_id(),
            action="submit",
            payload=payload,
            requested_by=student,
            received_at=at,
            reason="",
        )

    def _passback(self) -> None:
        c = passbacks.c
        said = {
            "failed": "The LMS says 422: the score is above the line item's maximum.",
            "parked": "The roster does not say who this student is to the LMS.",
            "held": "Held, as the course config says.",
        }
        with self.gradebook.begin() as connection:
            connection.execute(
                update(passbacks)
                .values(
                    state="sent", sent_at=self.now - timedelta(hours=2), answer_status=200, tries=1
                )
                .where(c.state == "queued")
            )
            for state, names in (
                ("failed", NAMES[:4]),
                ("parked", NAMES[4:7]),
                ("held", NAMES[7:16]),
                ("queued", NAMES[16:22]),
            ):
                connection.execute(
                    update(passbacks)
                    .where(c.state == "sent", c.assignment == "lab02")
                    .where(c.student.in_([f"{name}.a" for name in names]))
                    .values(
                        state=state,
                        message=said.get(state),
                        sent_at=None,
                        tries=3 if state == "failed" else 0,
                        answer_status=422 if state == "failed" else None,
                    )
                )

    def _asked(self, payload: StaffPayload, who: str, why: str, hours: float) -> StaffRequest:
        return StaffRequest(
            id=new_submission_id(),
            action=payload.action,
            payload=payload,
            requested_by=who,
            received_at=self.now - timedelta(hours=hours),
            reason=why,
        )

    def _requests(self) -> None:
        place = {"course": "stat20", "section": "fa26"}
        for payload, who, why, hours, outcome, message in (
            (
                PublishPayload(**place, assignment="hw01", rule="immediately"),
                "prof.ito",
                "All are in",
                30,
                Outcome.DONE,
                "Students see results.",
            ),
            (
                PostSendPayload(**place, assignment="hw01"),
                "prof.ito",
                "Before the drop date",
                29,
                Outcome.DONE,
                "72 grades to be sent.",
            ),
            (
                RetryPayload(entry=new_submission_id()),
                "ta.kim",
                "The engine is back",
                5,
                Outcome.REFUSED,
                "It is not set aside any more.",
            ),
        ):
            request = self._asked(payload, who, why, hours)
            record_request(self.gradebook, request, outcome, message)
        key = AssignmentKey("stat20", "fa26", "hw02")
        override = OverridePayload(
            student="mei.b",
            course=key.course,
            section=key.section,
            assignment=key.assignment,
            score=11.0,
            comment="q5 accepts the other estimator.",
        )
        request = self._asked(override, "ta.kim", "Asked in office hours", 3)
        policy = self.catalogue.find(key).policy
        record_override(
            self.gradebook, request, override, Score(11.0, 12.0), policy, "11 of 12 counts."
        )

    def _regrade(self) -> None:
        payload = RegradeStartPayload(course="stat20", section="fa26", assignment="hw02")
        request = self._asked(payload, "prof.ito", "q5 was too strict", 1)
        start_regrade(self.gradebook, request, payload, self.zips[payload.key])
        for item in items_left(self.gradebook):
            run = GradingRun(
                run_id=new_run_id(),
                reason=RunReason.REGRADE,
                started_at=self.now - timedelta(minutes=40),
                finished_at=self.now - timedelta(minutes=39),
                result=self._result(0.1),
                autograder_sha256=self.zips[payload.key],
                image_id="sha256:5a1e",
                sandbox="docker",
                tries=1,
                regrade_id=item.regrade_id,
            )
            record_regrade_run(self.gradebook, item, run)
        self.regrade_id = request.id

    def _failed(self) -> None:
        for student, name, reason in (
            ("omar.c", "lab02", "The engine could not make a container: no space left on device."),
            ("rosa.c", "lab02", "The engine could not make a container: no space left on device."),
            ("tara.b", "hw02", "The sandbox was not ready within 60 seconds, three times."),
        ):
            key = AssignmentKey("stat20", "fa26", name)
            envelope = self._envelope(student, key, self.now - timedelta(minutes=50))
            self.spool.deliver(envelope, _NOTEBOOK)
            self.spool.bury(SubmissionId(envelope.id), reason)

    def _shown(self) -> None:
        """Keep one submission with its notebook: `shown_id`."""
        key = AssignmentKey("stat20", "fa26", "lab02")
        notebook = sample_notebook(key)
        envelope = self._envelope("ada.d", key, self.now - timedelta(minutes=12), notebook)
        self.spool.deliver(envelope, notebook)
        scores = (2.0, 2.0, 1.0, 2.0, 0.0, 2.0)
        result = GradingResult(
            verdict=Verdict.GRADED,
            score=Score(sum(scores), 12.0),
            questions=tuple(map(QuestionScore, QUESTIONS, scores, [2.0] * len(scores))),
            student_text="Your notebook was graded.",
            staff_text="",
            log_tail="Loaded 120 rows.\n",
            otter_version="6.1.0",
            wall_s=1.9,
        )
        run = GradingRun(
            run_id=new_run_id(),
            reason=RunReason.INITIAL,
            started_at=self.now - timedelta(minutes=12),
            finished_at=self.now - timedelta(minutes=12) + timedelta(seconds=2),
            result=result,
            autograder_sha256=self.zips[key],
            image_id="sha256:5a1e",
            sandbox="docker",
            tries=1,
            regrade_id=None,
        )
        record_run(self.gradebook, envelope, run, self.catalogue.find(key).policy)
        self.spool.settle(SubmissionId(envelope.id))
        self.shown_id = envelope.id
