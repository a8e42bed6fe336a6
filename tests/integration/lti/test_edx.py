"""The adapters against Open edX's own LTI consumer, in a process and an environment of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.lti.ags import GradeServices
from shared.lti.edx import edx_recipient
from shared.lti.http import Deadlines, LmsHttp
from shared.lti.outcomes import Outcomes
from shared.lti.port import Answer, Lms, PostedGrade, Recipient
from shared.lti.token import Registration
from tests.support.edx import EdxConsumer
from tests.support.faulty_http import Fault
from tests.support.lms_contract import (
    START,
    STRANGER,
    STUDENTS,
    LmsContract,
    OrderedLmsContract,
    Place,
    grade,
)
from tests.support.lti_keys import OTHER_KEY, TOOL_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from shared.lti.tool_key import ToolKey


class EdxOutcomes(Place):
    """LTI 1.1, its places built from the words of a classic course config."""

    calls = "/outcome_service_handler"
    tells_grades = False
    takes_grades_out = False

    def __init__(self, edx: EdxConsumer, students: Sequence[str]) -> None:
        super().__init__(students)
        self.edx = edx
        self.steering = edx.steering
        self.secrets = [edx.secret, STUDENTS[0][3:]]

    def client(self, deadlines: Deadlines | None = None, secret: str = "") -> Lms:
        return Outcomes(
            self.edx.key,
            secret or self.edx.secret,
            service_url=self.recipient(STUDENTS[0]).service_url,
            http=LmsHttp(deadlines),
        )

    def locked_out(self) -> Lms:
        return self.client(secret="another")

    def recipient(self, student: str) -> Recipient:
        course_id = self.edx.places["course"].removeprefix("course-v1:")
        return edx_recipient(
            self.edx.places["url"], course_id, self.edx.places["outcome_block"], student
        )

    def history(self, student: str) -> list[float]:
        return self.edx.history(student)


class EdxGradeServices(EdxOutcomes):
    """LTI 1.3 with the one line item that edX made, found by its label."""

    calls = "/scores"
    tells_grades = True

    def client(self, deadlines: Deadlines | None = None, key: ToolKey = TOOL_KEY) -> Lms:  # type: ignore[override]
        return GradeServices(
            Registration(self.edx.places["client_id"], self.edx.places["token_url"], key),
            line_items_url=self.edx.places["line_items_url"],
            http=LmsHttp(deadlines),
        )

    def locked_out(self) -> Lms:
        return self.client(key=OTHER_KEY)

    def recipient(self, student: str) -> Recipient:
        user_id = self.edx.places["external_ids"].get(student, student)
        return Recipient(user_id=user_id, label=self.edx.places["label"])


@pytest.fixture(scope="module")
def edx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdxConsumer]:
    folder = tmp_path_factory.mktemp("edx")
    with EdxConsumer(STUDENTS, TOOL_KEY.public_pem(), folder) as edx:
        yield edx


@pytest.fixture(scope="module")
def outcomes(edx: EdxConsumer) -> EdxOutcomes:
    return EdxOutcomes(edx, STUDENTS[:80])


@pytest.fixture(scope="module")
def services(edx: EdxConsumer) -> EdxGradeServices:
    return EdxGradeServices(edx, STUDENTS[80:])


class TestEdxOutcomes(LmsContract):
    @pytest.fixture
    def place(self, outcomes: EdxOutcomes) -> Place:
        return outcomes

    def test_what_a_launch_would_say_is_what_was_built(self, outcomes: EdxOutcomes) -> None:
        built = outcomes.recipient(STUDENTS[0]).service_url
        assert built == outcomes.edx.places["service_url"]

    def test_an_address_with_escapes_as_launches_have_it_arrives(
        self, outcomes: EdxOutcomes, client: Lms
    ) -> None:
        student = outcomes.fresh()
        built = outcomes.recipient(student)
        assert built.service_url is not None
        scheme, _, rest = built.service_url.partition("://")
        host, _, path = rest.partition("/")
        escaped = path.replace(":", "%3A").replace("+", "%2B").replace("@", "%40")
        captured = Recipient(built.sourcedid, f"{scheme}://{host}/{escaped}")
        assert client.post(PostedGrade(captured, 1, 2, START)).answer is Answer.ARRIVED
        assert outcomes.history(student) == [0.5]

    def test_a_stranger_is_refused_by_name(self, place: Place, client: Lms) -> None:
        answer = client.post(grade(place, STRANGER, 5))
        assert (answer.answer, answer.cause) == (Answer.REFUSED, "unknown_user")

    def test_an_assignment_past_due_is_closed(self, outcomes: EdxOutcomes, client: Lms) -> None:
        places = outcomes.edx.places
        place = edx_recipient(places["url"], places["course"], places["closed_block"], STUDENTS[0])
        answer = client.post(PostedGrade(place, 1, 2, START))
        assert (answer.answer, answer.cause) == (Answer.REFUSED, "closed")

    def test_a_block_that_is_not_there_is_no_address(
        self, outcomes: EdxOutcomes, client: Lms
    ) -> None:
        places = outcomes.edx.places
        place = edx_recipient(places["url"], places["course"], "nothing", STUDENTS[0])
        answer = client.post(PostedGrade(place, 1, 2, START))
        assert (answer.answer, answer.cause) == (Answer.REFUSED, "not_found")


class TestEdxGradeServices(OrderedLmsContract):
    @pytest.fixture
    def place(self, services: EdxGradeServices) -> Place:
        return services

    def test_a_grade_sent_twice_is_there_once(
        self, services: EdxGradeServices, client: Lms
    ) -> None:
        sent = grade(services, services.fresh(), 4)
        assert client.post(sent).answer is Answer.ARRIVED
        again = client.post(sent)
        assert (again.answer, again.status) == (Answer.ARRIVED, 400)

    def test_the_address_of_the_line_item_serves_as_well(
        self, services: EdxGradeServices, client: Lms
    ) -> None:
        student = services.fresh()
        user_id = services.edx.places["external_ids"][student]
        place = Recipient(user_id=user_id, line_item=services.edx.places["line_item_url"])
        assert client.post(PostedGrade(place, 3, 4, START)).answer is Answer.ARRIVED
        assert services.history(student) == [0.75]
        assert client.read(place)[1] == 0.75

    def test_a_stranger_is_an_error_of_edx_for_ever(self, place: Place, client: Lms) -> None:
        """So whoever posts has to give up at some time."""
        answer = client.post(grade(place, STRANGER, 5))
        assert (answer.answer, answer.status) == (Answer.TRY_LATER, 500)

    def test_a_token_that_edx_no_longer_takes_is_replaced(
        self, services: EdxGradeServices, client: Lms
    ) -> None:
        student = services.fresh()
        assert client.post(grade(services, student, 1)).answer is Answer.ARRIVED
        said = '{"detail": "Invalid token signature."}'
        services.steering.plan(Fault(of="/scores", status=403, body=said))
        assert client.post(grade(services, student, 2, nth=2)).answer is Answer.ARRIVED
        assert services.history(student) == [0.1, 0.2]

    def test_the_line_item_is_found_by_the_name_of_its_block(
        self, services: EdxGradeServices, client: Lms
    ) -> None:
        student = services.fresh()
        places = services.edx.places
        place = Recipient(
            user_id=places["external_ids"][student], resource_id=places["usage"], label="Other"
        )
        assert client.post(PostedGrade(place, 3, 4, START)).answer is Answer.ARRIVED
        assert services.history(student) == [0.75]

    def test_no_line_item_is_made_that_edx_would_not_show(
        self, services: EdxGradeServices, client: Lms
    ) -> None:
        user_id = services.edx.places["external_ids"][STUDENTS[0]]
        place = Recipient(user_id=user_id, label="No such assignment")
        answer = client.post(PostedGrade(place, 1, 2, START))
        assert (answer.answer, answer.cause) == (Answer.REFUSED, "not_found")


def test_a_line_item_of_the_block_is_made_once_where_edx_lets_tools_make_them(
    tmp_path: Path,
) -> None:
    with EdxConsumer(STUDENTS[:1], TOOL_KEY.public_pem(), tmp_path, "programmatic") as edx:
        registration = Registration(edx.places["client_id"], edx.places["token_url"], TOOL_KEY)
        user_id = edx.places["external_ids"][STUDENTS[0]]
        line_items = edx.places["line_items_url"]
        for nth, points in enumerate((1, 2.5)):
            place = Recipient(user_id=user_id, resource_id=edx.places["usage"], label="Lab 1")
            sent = PostedGrade(place, points, 2.5, START + timedelta(seconds=nth))
            # Anew each time: what the one before had found is not known.
            with GradeServices(registration, line_items_url=line_items) as client:
                assert client.post(sent).answer is Answer.ARRIVED
        assert edx.history(STUDENTS[0]) == [0.4, 1.0]

        with GradeServices(registration, line_items_url=line_items) as client:
            elsewhere = Recipient(user_id=user_id, resource_id="lab02", label="Lab 2")
            answer = client.post(PostedGrade(elsewhere, 1, 2, START))
        assert (answer.answer, answer.cause) == (Answer.REFUSED, "not_found")
        assert "block-v1" in answer.text
