"""Tokens and line items of LTI 1.3 against the strict LMS."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from shared.lti.ags import GradeServices, below
from shared.lti.http import LmsHttp
from shared.lti.port import Answer, PostedGrade, Recipient
from shared.lti.token import RESULT_READ, SCORE, Registration, Tokens
from tests.support.faulty_http import Fault
from tests.support.lti_keys import TOOL_KEY
from tests.support.strict_lms import StrictLms

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def lms() -> Iterator[StrictLms]:
    with StrictLms(["ada", "bob"], TOOL_KEY.public_pem()) as lms:
        yield lms


def client_of(lms: StrictLms, *, may_make: bool = True) -> GradeServices:
    registration = Registration(lms.client_id, lms.token_url, TOOL_KEY)
    return GradeServices(registration, line_items_url=lms.line_items_url, may_make=may_make)


def grade(points: float = 5, nth: int = 0, **place: str) -> PostedGrade:
    recipient = Recipient(user_id="ada", **place)
    return PostedGrade(recipient, points, 10, AT + timedelta(seconds=nth))


# --- tokens ---------------------------------------------------------------------------------------


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.mark.parametrize(("life_s", "used_s"), [(3600.0, 3540.0), (100.0, 80.0)])
def test_a_token_is_used_until_shortly_before_it_expires(
    lms: StrictLms, life_s: float, used_s: float
) -> None:
    lms.tokens.life_s = life_s
    clock = Clock()
    http = LmsHttp()
    tokens = Tokens(Registration(lms.client_id, lms.token_url, TOOL_KEY), http, clock=clock)
    first = tokens.token(SCORE)
    clock.at = used_s - 1
    assert tokens.token(SCORE) == first
    clock.at = used_s + 1
    assert tokens.token(SCORE) != first
    assert lms.tokens.count == 2
    http.close()


def test_threads_share_one_request_for_a_token(lms: StrictLms) -> None:
    http = LmsHttp()
    tokens = Tokens(Registration(lms.client_id, lms.token_url, TOOL_KEY), http)
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(tokens.token, [SCORE] * 30 + [RESULT_READ] * 30))
    assert len(found) == lms.tokens.count == 2
    http.close()


def test_dropping_an_old_token_leaves_a_newer_one(lms: StrictLms) -> None:
    http = LmsHttp()
    tokens = Tokens(Registration(lms.client_id, lms.token_url, TOOL_KEY), http)
    old = tokens.token(SCORE)
    tokens.drop(SCORE, old)
    new = tokens.token(SCORE)
    tokens.drop(SCORE, old)
    assert tokens.token(SCORE) == new
    http.close()


def test_tokens_that_the_lms_forgot_are_replaced_in_passing(lms: StrictLms) -> None:
    with client_of(lms) as client:
        assert client.post(grade(1, resource_id="lab")).answer is Answer.ARRIVED
        lms.tokens.drop_all()
        assert client.post(grade(2, 1, resource_id="lab")).answer is Answer.ARRIVED
    assert lms.history() == {"ada": [0.1, 0.2]}


def test_an_audience_of_its_own_is_told_to_the_platform(lms: StrictLms) -> None:
    registration = Registration(lms.client_id, lms.token_url, TOOL_KEY, "https://elsewhere")
    with GradeServices(registration) as client:
        answer = client.test()
    assert (answer.answer, answer.cause) == (Answer.REFUSED, "credentials")


def test_only_the_scope_that_is_needed_is_asked_for(lms: StrictLms) -> None:
    lms.tokens.scopes = {"score"}
    address = lms.services.add("Lab 1")
    with client_of(lms) as client:
        assert client.test().answer is Answer.ARRIVED
        assert client.post(grade(line_item=address)).answer is Answer.ARRIVED
        answer, fraction = client.read(grade(line_item=address).recipient)
    assert (answer.answer, answer.cause, fraction) == (Answer.REFUSED, "scope", None)


# --- line items -----------------------------------------------------------------------------------


def test_a_line_item_is_found_by_its_resource_id_on_any_page(lms: StrictLms) -> None:
    for number in range(5):
        lms.services.add("Lab", f"lab{number}")
    with client_of(lms) as client:
        assert client.post(grade(resource_id="lab3")).answer is Answer.ARRIVED
        assert client.post(grade(label="Lab", resource_id="lab9")).cause == "ambiguous"
    assert len(lms.services.line_items()) == 5


def test_a_line_item_is_found_by_its_label_where_only_that_is_known(lms: StrictLms) -> None:
    lms.services.add("Lab 1")
    lms.services.add("Lab 2")
    with client_of(lms, may_make=False) as client:
        assert client.post(grade(label="Lab 2")).answer is Answer.ARRIVED
        answer = client.post(grade(label="Lab 3"))
    assert (answer.answer, answer.cause) == (Answer.REFUSED, "not_found")
    assert len(lms.services.line_items()) == 2


def test_threads_make_a_line_item_once(lms: StrictLms) -> None:
    sent = [grade(1, nth, resource_id="lab", label="L" * 300) for nth in range(12)]
    with client_of(lms) as client, ThreadPoolExecutor(6) as threads:
        list(threads.map(client.post, sent))
    (item,) = lms.services.line_items()
    assert (item["resourceId"], item["label"]) == ("lab", "L" * 100)


def test_a_line_item_whose_making_went_unanswered_is_found_the_next_time(lms: StrictLms) -> None:
    lms.services.add("Other")
    with client_of(lms) as client:
        # The look-up by resource id and by label are answered; the making is not.
        lms.steering.plan(Fault("cut_after", of="/lineitems", one_in=3))
        answer = client.post(grade(resource_id="lab", label="Lab"))
        assert (answer.answer, answer.cause) == (Answer.TRY_LATER, "cut")
        assert client.post(grade(resource_id="lab", label="Lab")).answer is Answer.ARRIVED
    assert [item["label"] for item in lms.services.line_items()] == ["Other", "Lab"]


def test_a_line_item_that_was_deleted_is_looked_for_again(lms: StrictLms) -> None:
    with client_of(lms) as client:
        assert client.post(grade(1, resource_id="lab")).answer is Answer.ARRIVED
        lms.services.remove_all()
        assert client.post(grade(2, 1, resource_id="lab")).answer is Answer.ARRIVED
        lms.services.remove_all()
        gone = client.post(grade(3, 2, line_item=f"{lms.services.url}/1?type_id=1"))
    assert (gone.answer, gone.cause) == (Answer.REFUSED, "not_found")
    assert lms.history() == {"ada": [0.1, 0.2]}


def test_looking_only_needs_the_right_to_read(lms: StrictLms) -> None:
    lms.tokens.scopes = {"score", "lineitem.readonly"}
    lms.services.add("Lab 1", "lab01")
    with client_of(lms) as client:
        assert client.post(grade(resource_id="lab01")).answer is Answer.ARRIVED
        answer = client.post(grade(resource_id="lab02"))
    assert (answer.answer, answer.cause) == (Answer.REFUSED, "scope")


def test_a_query_stays_behind_the_path() -> None:
    address = below("https://moodle.org/2/lineitems/3/lineitem?type_id=1", "results", "a/b")
    assert address == "https://moodle.org/2/lineitems/3/lineitem/results/a%2Fb?type_id=1"
