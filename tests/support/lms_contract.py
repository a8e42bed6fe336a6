"""What every adapter of the LMS port keeps, whichever LMS answers: shown on each by one suite.

A file of tests takes `LmsContract` as a base class and has a fixture `place`, see `Place`.
"""

from __future__ import annotations

import abc
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from shared.lti.http import Deadlines
from shared.lti.port import Answer, Lms, LmsAnswer, PostedGrade, Recipient, Withdrawal
from tests.support.faulty_http import Fault
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.faulty_http import Steering

STUDENTS: Final = [f"{n:03}0252236e467a695663b9aed8d3e5d" for n in range(160)]
STRANGER: Final = "nobody-of-this-course"
START: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
QUICK: Final = Deadlines(connect_s=5.0, read_s=0.8, total_s=1.2)
"""On a busy machine a good answer may be later than that as well: it is waited for."""


class Place(abc.ABC):
    """One LMS as a suite sees it.

    Attributes:
        steering: what goes wrong with it.
        calls: text in the path of the calls that carry grades.
        tells_grades: whether it says what it holds.
        takes_grades_out: whether a grade can be taken back there.
        secrets: what may never be shown.
    """

    steering: Steering
    calls: str
    tells_grades: bool
    takes_grades_out: bool
    secrets: list[str]

    def __init__(self, students: Sequence[str] = STUDENTS) -> None:
        self._unused = iter(students)

    def fresh(self) -> str:
        """Return a student of whom the LMS has no grade yet."""
        return next(self._unused)

    @abc.abstractmethod
    def client(self, deadlines: Deadlines | None = None) -> Lms: ...

    @abc.abstractmethod
    def locked_out(self) -> Lms:
        """Return a client with the wrong secret."""

    @abc.abstractmethod
    def recipient(self, student: str) -> Recipient: ...

    @abc.abstractmethod
    def history(self, student: str) -> list[float]:
        """Return the fractions that its gradebook has had, in order."""


def grade(place: Place, student: str, points: float, nth: int = 0) -> PostedGrade:
    at = START + timedelta(seconds=nth)
    return PostedGrade(place.recipient(student), points, 10, at)


def withdrawal(place: Place, student: str, nth: int = 0) -> Withdrawal:
    return Withdrawal(place.recipient(student), START + timedelta(seconds=nth))


def nothing_secret(place: Place, answer: LmsAnswer) -> None:
    assert len(answer.text) <= 500
    assert answer.text.isprintable()
    assert answer.text
    for secret in place.secrets:
        assert secret not in answer.text


class LmsContract:
    @pytest.fixture(autouse=True)
    def _heals(self, place: Place) -> Iterator[None]:
        yield
        place.steering.plan()

    @pytest.fixture
    def client(self, place: Place) -> Iterator[Lms]:
        with place.client() as client:
            yield client

    @pytest.fixture
    def hasty(self, place: Place) -> Iterator[Lms]:
        with place.client(QUICK) as client:
            # What it needs beforehand, such as a token, is there before anything goes wrong.
            first = grade(place, place.fresh(), 1)
            wait_until(lambda: client.post(first).answer is Answer.ARRIVED)
            yield client

    def test_a_grade_arrives_with_its_value(self, place: Place, client: Lms) -> None:
        student = place.fresh()
        answer = client.post(grade(place, student, 7.5))
        assert answer.answer is Answer.ARRIVED
        assert place.history(student) == [pytest.approx(0.75)]
        nothing_secret(place, answer)

    def test_a_newer_grade_takes_its_place_also_a_lower_one(
        self, place: Place, client: Lms
    ) -> None:
        student = place.fresh()
        for nth, points in enumerate([4, 9, 2]):
            assert client.post(grade(place, student, points, nth)).answer is Answer.ARRIVED
        assert place.history(student) == [pytest.approx(part) for part in (0.4, 0.9, 0.2)]

    def test_a_grade_of_nothing_is_a_grade(self, place: Place, client: Lms) -> None:
        student = place.fresh()
        assert client.post(grade(place, student, 0)).answer is Answer.ARRIVED
        assert place.history(student) == [0.0]

    def test_bonus_points_arrive_as_all_that_the_lms_takes(self, place: Place, client: Lms) -> None:
        student = place.fresh()
        assert client.post(grade(place, student, 12)).answer is Answer.ARRIVED
        assert place.history(student) == [1.0]

    def test_an_awkward_fraction_keeps_its_value(self, place: Place, client: Lms) -> None:
        student = place.fresh()
        third = PostedGrade(place.recipient(student), 1, 3, START)
        assert client.post(third).answer is Answer.ARRIVED
        assert place.history(student) == [pytest.approx(1 / 3, abs=1e-6)]

    def test_a_comment_does_no_harm(self, place: Place, client: Lms) -> None:
        student = place.fresh()
        said = PostedGrade(place.recipient(student), 5, 10, START, "<b>gut</b> & schön ✓")
        assert client.post(said).answer is Answer.ARRIVED
        assert place.history(student) == [0.5]

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_an_lms_that_is_busy_has_the_grade_when_it_is_sent_again(
        self, place: Place, client: Lms, status: int
    ) -> None:
        student = place.fresh()
        fault = Fault(of=place.calls, count=2, status=status, headers={"Retry-After": "7"})
        place.steering.plan(fault)
        sent = grade(place, student, 6)
        for _ in range(2):
            answer = client.post(sent)
            assert (answer.answer, answer.status) == (Answer.TRY_LATER, status)
            assert answer.retry_after_s == 7.0
            nothing_secret(place, answer)
        assert client.post(sent).answer is Answer.ARRIVED
        assert place.history(student)[-1:] == [0.6]

    @pytest.mark.parametrize("kind", ["cut_before", "cut_after", "half"])
    def test_a_connection_cut_at_any_moment_ends_in_the_right_value(
        self, place: Place, client: Lms, kind: str
    ) -> None:
        student = place.fresh()
        assert client.post(grade(place, student, 2)).answer is Answer.ARRIVED
        place.steering.plan(Fault(kind, of=place.calls))
        sent = grade(place, student, 8, nth=2)
        answer = client.post(sent)
        assert (answer.answer, answer.cause) == (Answer.TRY_LATER, "cut")
        assert client.post(sent).answer is Answer.ARRIVED
        assert place.history(student)[-1] == 0.8
        assert set(place.history(student)) == {0.2, 0.8}

    @pytest.mark.parametrize("kind", ["hold", "drip"])
    def test_an_lms_that_never_comes_to_an_end_is_left_at_the_deadline(
        self, place: Place, hasty: Lms, kind: str
    ) -> None:
        student = place.fresh()
        place.steering.plan(Fault(kind, of=place.calls))
        sent = grade(place, student, 3, nth=3)
        answer = hasty.post(sent)
        assert (answer.answer, answer.cause) == (Answer.TRY_LATER, "timeout")
        wait_until(lambda: hasty.post(sent).answer is Answer.ARRIVED)
        assert place.history(student)[-1] == 0.3

    def test_a_redirect_is_not_followed(self, place: Place, client: Lms) -> None:
        student = place.fresh()
        headers = {"Location": "http://127.0.0.1:9/elsewhere?secret=1"}
        place.steering.plan(Fault(of=place.calls, status=302, headers=headers, body=""))
        answer = client.post(grade(place, student, 3))
        assert (answer.answer, answer.status) == (Answer.REFUSED, 302)
        assert answer.cause == "redirect"
        assert place.history(student) == []

    def test_the_wrong_secret_is_told_from_other_refusals(self, place: Place) -> None:
        student = place.fresh()
        with place.locked_out() as client:
            for answer in (client.post(grade(place, student, 3)), client.test()):
                assert answer.answer is Answer.REFUSED
                assert answer.cause in {"signature", "credentials"}
                nothing_secret(place, answer)
        assert place.history(student) == []

    def test_asking_whether_it_lets_us_in_changes_nothing(self, place: Place, client: Lms) -> None:
        before = place.steering.told()
        answer = client.test()
        assert answer.answer is Answer.ARRIVED
        assert place.steering.told() == before
        nothing_secret(place, answer)

    def test_a_grade_can_be_read_where_the_lms_tells(self, place: Place, client: Lms) -> None:
        student = place.fresh()
        answer, fraction = client.read(place.recipient(student))
        assert fraction is None
        assert client.post(grade(place, student, 2.5)).answer is Answer.ARRIVED
        answer, fraction = client.read(place.recipient(student))
        if place.tells_grades:
            assert answer.answer is Answer.ARRIVED
            assert fraction == pytest.approx(0.25)
        else:
            assert (answer.answer, answer.cause) == (Answer.REFUSED, "unsupported")
            assert fraction is None
        nothing_secret(place, answer)

    def test_a_grade_is_taken_out_where_the_lms_lets_us(self, place: Place, client: Lms) -> None:
        student = place.fresh()
        assert client.post(grade(place, student, 2.5)).answer is Answer.ARRIVED
        taken_back = withdrawal(place, student, nth=1)
        answers = [client.withdraw(taken_back), client.withdraw(taken_back)]
        for answer in answers:
            nothing_secret(place, answer)
        # No 0 is written in its place, anywhere.
        assert place.history(student) == [0.25]
        if place.takes_grades_out:
            assert [answer.answer for answer in answers] == [Answer.ARRIVED] * 2
            assert client.read(place.recipient(student))[1] is None
        else:
            for answer in answers:
                assert (answer.answer, answer.cause) == (Answer.REFUSED, "unsupported")
        assert client.post(grade(place, student, 7.5, nth=2)).answer is Answer.ARRIVED
        assert place.history(student) == [0.25, 0.75]

    def test_a_grade_that_is_not_there_is_taken_out_as_well(
        self, place: Place, client: Lms
    ) -> None:
        assert client.post(grade(place, place.fresh(), 1)).answer is Answer.ARRIVED
        answer = client.withdraw(withdrawal(place, place.fresh()))
        assert (answer.answer is Answer.ARRIVED) == place.takes_grades_out

    @pytest.mark.parametrize("kind", ["cut_before", "cut_after", "half"])
    def test_a_connection_cut_while_a_grade_is_taken_out_ends_without_it(
        self, place: Place, client: Lms, kind: str
    ) -> None:
        if not place.takes_grades_out:
            return
        student = place.fresh()
        assert client.post(grade(place, student, 2)).answer is Answer.ARRIVED
        place.steering.plan(Fault(kind, of=place.calls))
        taken_back = withdrawal(place, student, nth=2)
        assert client.withdraw(taken_back).answer is Answer.TRY_LATER
        assert client.withdraw(taken_back).answer is Answer.ARRIVED
        assert client.read(place.recipient(student))[1] is None

    def test_many_threads_post_at_once(self, place: Place, client: Lms) -> None:
        students = [place.fresh() for _ in range(20)]
        sent = [grade(place, student, 5, nth=20) for student in students]
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(client.post, sent))
        assert {answer.answer for answer in answers} == {Answer.ARRIVED}
        assert {place.history(student)[-1] for student in students} == {0.5}

    def test_nothing_secret_is_logged(
        self, place: Place, client: Lms, caplog: pytest.LogCaptureFixture
    ) -> None:
        student = place.fresh()
        caplog.set_level(logging.DEBUG)
        for name in ("httpx", "httpcore", "oauthlib"):  # as `shared.logs` sets them
            caplog.set_level(logging.WARNING, name)
        client.post(grade(place, student, 5, nth=30))
        client.post(grade(place, STRANGER, 5))
        client.read(place.recipient(student))
        logged: list[Any] = [vars(record) for record in caplog.records]
        for secret in (*place.secrets, student):
            assert secret not in str(logged)


class OrderedLmsContract(LmsContract):
    """What LTI 1.3 adds: grades have times. In LTI 1.1 whoever posts keeps the order."""

    def test_an_older_grade_does_not_undo_a_newer_one(self, place: Place, client: Lms) -> None:
        student = place.fresh()
        assert client.post(grade(place, student, 9, nth=9)).answer is Answer.ARRIVED
        answer = client.post(grade(place, student, 1, nth=1))
        assert (answer.answer, answer.cause) == (Answer.REFUSED, "too_old")
        assert place.history(student) == [0.9]

    def test_an_older_withdrawal_does_not_undo_a_newer_grade(
        self, place: Place, client: Lms
    ) -> None:
        student = place.fresh()
        assert client.post(grade(place, student, 9, nth=9)).answer is Answer.ARRIVED
        answer = client.withdraw(withdrawal(place, student, nth=1))
        expected = "too_old" if place.takes_grades_out else "unsupported"
        assert (answer.answer, answer.cause) == (Answer.REFUSED, expected)
        assert client.read(place.recipient(student))[1] == 0.9
