"""The adapters against an LMS that takes nothing on trust; the suite is that of the real edX."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.lti.ags import GradeServices
from shared.lti.http import Deadlines, LmsHttp
from shared.lti.outcomes import Outcomes
from shared.lti.port import Answer, Lms, Recipient
from shared.lti.token import Registration
from tests.support.lms_contract import (
    STRANGER,
    STUDENTS,
    LmsContract,
    OrderedLmsContract,
    Place,
    grade,
)
from tests.support.lti_keys import OTHER_KEY, TOOL_KEY
from tests.support.strict_lms import StrictLms
from tests.support.strict_outcomes import sourcedid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.lti.tool_key import ToolKey


class ByOutcomes(Place):
    calls = "/service"
    tells_grades = True
    takes_grades_out = True

    def __init__(self, lms: StrictLms) -> None:
        super().__init__()
        self.lms = lms
        self.steering = lms.steering
        self.secrets = [lms.secret, sourcedid(STUDENTS[0]), STUDENTS[0]]

    def client(self, deadlines: Deadlines | None = None, secret: str = "") -> Lms:
        return Outcomes(
            self.lms.key,
            secret or self.lms.secret,
            service_url=self.lms.service_url,
            http=LmsHttp(deadlines),
        )

    def locked_out(self) -> Lms:
        return self.client(secret="another")

    def recipient(self, student: str) -> Recipient:
        return Recipient(sourcedid=sourcedid(student))

    def history(self, student: str) -> list[float]:
        return self.lms.history().get(student, [])


class ByGradeServices(ByOutcomes):
    calls = "/scores"

    def client(self, deadlines: Deadlines | None = None, key: ToolKey = TOOL_KEY) -> Lms:  # type: ignore[override]
        return GradeServices(
            Registration(self.lms.client_id, self.lms.token_url, key),
            line_items_url=self.lms.line_items_url,
            http=LmsHttp(deadlines),
        )

    def locked_out(self) -> Lms:
        return self.client(key=OTHER_KEY)

    def recipient(self, student: str) -> Recipient:
        return Recipient(user_id=student, resource_id="lab01", label="Lab 1")


@pytest.fixture
def lms() -> Iterator[StrictLms]:
    with StrictLms(STUDENTS, TOOL_KEY.public_pem()) as lms:
        yield lms


class TestOutcomes(LmsContract):
    @pytest.fixture
    def place(self, lms: StrictLms) -> Place:
        return ByOutcomes(lms)

    def test_a_stranger_is_refused_by_name(self, place: Place, client: Lms) -> None:
        answer = client.post(grade(place, STRANGER, 5))
        assert (answer.answer, answer.status) == (Answer.REFUSED, 422)
        assert answer.cause == "unknown_user"


class TestGradeServices(OrderedLmsContract):
    @pytest.fixture
    def place(self, lms: StrictLms) -> Place:
        return ByGradeServices(lms)

    def test_a_stranger_is_refused_by_name(self, place: Place, client: Lms) -> None:
        answer = client.post(grade(place, STRANGER, 5))
        assert (answer.answer, answer.status) == (Answer.REFUSED, 422)
