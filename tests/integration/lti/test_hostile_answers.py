"""What an LMS may answer at its worst, and what becomes of it: never an exception."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from shared.lti.ags import GradeServices
from shared.lti.http import Deadlines, LmsHttp
from shared.lti.outcomes import Outcomes
from shared.lti.port import Answer, Lms, LmsAnswer, PostedGrade, Recipient
from shared.lti.token import Registration
from tests.support.faulty_http import FaultyServer, Request, Response
from tests.support.lti_keys import TOOL_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLACE = "course:block-1:ada-lovelace"
AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
QUICK = Deadlines(connect_s=2, read_s=2, total_s=4)
POX = (
    '<imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0">'
    "<imsx_codeMajor>{}</imsx_codeMajor><imsx_description>{}</imsx_description>"
    "<textString>{}</textString></imsx_POXEnvelopeResponse>"
)


class Scripted:
    """An LMS that says what it was told to say, whatever it is asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Response] = {}
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Response:
        self.asked.append(request)
        path = request.path.partition("?")[0]
        return self.answers.get(path) or self.answers[""]


@pytest.fixture
def lms() -> Scripted:
    return Scripted()


@pytest.fixture
def url(lms: Scripted) -> Iterator[str]:
    with FaultyServer(lms.answer) as server:
        yield server.url


def pox(status: int, major: str, said: str = "", score: str = "") -> Response:
    return Response(status, POX.format(major, said, score).encode(), {"Content-Type": "text/xml"})


def is_clean(answer: LmsAnswer) -> bool:
    shown = f"{answer.text} {answer.cause}"
    return (
        answer.text.isprintable()
        and 0 < len(answer.text) <= 500
        and not any(
            word in shown for word in ("ada-", "lovelace", "s3cret", "<", "oauth_signature")
        )
    )


# --- LTI 1.1 --------------------------------------------------------------------------------------


@pytest.fixture
def outcomes(url: str) -> Iterator[Lms]:
    with Outcomes("key", "s3cret", service_url=f"{url}/service", http=LmsHttp(QUICK)) as client:
        yield client


def posted(client: Lms) -> LmsAnswer:
    answer = client.post(PostedGrade(Recipient(sourcedid=PLACE), 3, 4, AT))
    assert is_clean(answer)
    return answer


BOMB = '<!DOCTYPE a [<!ENTITY a "ha">]><a><imsx_codeMajor>success&a;</imsx_codeMajor></a>'


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Response(200, b"<html>Please sign in</html>"), "not_understood"),
        (Response(200, b""), "not_understood"),
        (Response(204, b""), "not_understood"),
        (Response(200, b"\x00\xff" * 500), "not_understood"),
        (Response(200, BOMB.encode()), "not_understood"),
        (Response(200, POX.format("success", "", "")[:150].encode()), "not_understood"),
        (Response(200, POX.format("success", "a" * 10_000_000, "").encode()), "not_understood"),
        (
            Response(200, gzip.compress(POX.encode()), {"Content-Encoding": "gzip"}),
            "not_understood",
        ),
        (pox(200, "processing"), "processing"),
        (pox(200, "whatever"), "not_understood"),
        (pox(500, "success"), "server_error"),
        (pox(503, "failure", "The signature is bad"), "server_error"),
        (Response(500, b"<h1>Traceback</h1> ada-lovelace s3cret"), "server_error"),
        (Response(403, b"403 Forbidden (Rate Limit Exceeded)"), "throttled"),
    ],
)  # fmt: skip
def test_what_may_be_over_the_next_time(
    lms: Scripted, outcomes: Lms, answer: Response, cause: str
) -> None:
    lms.answers[""] = answer
    for _ in range(2):
        found = posted(outcomes)
        assert (found.answer, found.cause) == (Answer.TRY_LATER, cause)
        assert found.status == answer.status


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (pox(200, "failure", "Grade is past due"), "closed"),
        (pox(200, "failure", "User not found."), "unknown_user"),
        (pox(200, "failure", f"XML parsing error: no &lt;a&gt; {PLACE}"), "unreadable"),
        (pox(200, "failure", "OAuth verification error: OAuth body hash"), "signature"),
        (pox(200, "failure", "Message signature not valid"), "signature"),
        (pox(200, "failure", "The signature was not accepted"), "signature"),
        (pox(200, "failure", "Score not between 0.0 and 1.0"), "score"),
        (pox(200, "failure", "SourcedId hash not valid"), "unknown_user"),
        (pox(200, "failure", "Tool does not accept grades"), "closed"),
        (pox(200, "failure", f"{PLACE} {PLACE.replace(':', '%3A')} s3cret"), "refused"),
        (pox(200, "unsupported", "no"), "unsupported"),
        (pox(422, "failure", "[EID_1] Assignment has no points possible."), "score"),
        (pox(422, "unsupported"), "unsupported"),
        (pox(401, "failure", "no"), "signature"),
        (Response(401, b'{"errors": ["Duplicate nonce detected"]}'), "signature"),
        (Response(415, b""), "refused"),
        (Response(404, b"<html>"), "not_found"),
        (Response(301, b"", {"Location": "https://s3cret.example/ada"}), "redirect"),
        (Response(307, POX.format("success", "", "").encode(), {"Location": "/"}), "redirect"),
    ],
)  # fmt: skip
def test_what_needs_a_person(lms: Scripted, outcomes: Lms, answer: Response, cause: str) -> None:
    lms.answers[""] = answer
    found = posted(outcomes)
    assert (found.answer, found.cause, found.status) == (Answer.REFUSED, cause, answer.status)
    assert len(lms.asked) == 1


def test_the_lmss_own_words_reach_staff(lms: Scripted, outcomes: Lms) -> None:
    lms.answers[""] = pox(422, "failure", "[EID_2] Course not available")
    assert "[EID_2] Course not available" in posted(outcomes).text


def test_each_try_is_signed_anew(lms: Scripted, outcomes: Lms) -> None:
    lms.answers[""] = pox(200, "success")
    posted(outcomes)
    posted(outcomes)
    one, other = (request.headers["authorization"] for request in lms.asked)
    assert one != other
    assert "oauth_body_hash" in one
    assert 'oauth_signature_method="HMAC-SHA1"' in one


def test_cookies_are_not_kept(lms: Scripted, outcomes: Lms) -> None:
    body = POX.format("success", "", "").encode()
    lms.answers[""] = Response(200, body, {"Set-Cookie": "session=1; Path=/"})
    posted(outcomes)
    posted(outcomes)
    assert not any("cookie" in request.headers for request in lms.asked)


@pytest.mark.parametrize(
    ("score", "answer", "fraction"),
    [
        ("0.25", Answer.ARRIVED, 0.25),
        ("", Answer.ARRIVED, None),
        ("25 %", Answer.REFUSED, None),
        ("nan", Answer.REFUSED, None),
        ("7", Answer.REFUSED, None),
    ],
)
def test_a_reading_is_a_fraction_or_nothing(
    lms: Scripted, outcomes: Lms, score: str, answer: Answer, fraction: float | None
) -> None:
    lms.answers[""] = pox(200, "success", "", score)
    found, read = outcomes.read(Recipient(sourcedid=PLACE))
    assert (found.answer, read) == (answer, fraction)


@pytest.mark.parametrize(
    ("recipient", "cause"),
    [
        (Recipient(), "unknown_user"),
        (Recipient(sourcedid="a\x00b"), "unknown_user"),
        (Recipient(sourcedid=PLACE, service_url="not an address"), "address"),
        (Recipient(sourcedid=PLACE, service_url="file:///etc/passwd"), "address"),
    ],
)
def test_a_recipient_that_cannot_be_sent_to(
    lms: Scripted, outcomes: Lms, recipient: Recipient, cause: str
) -> None:
    answer = outcomes.post(PostedGrade(recipient, 3, 4, AT))
    assert (answer.answer, answer.cause) == (Answer.REFUSED, cause)
    assert lms.asked == []


def test_an_lms_that_is_not_there_is_tried_later() -> None:
    with Outcomes("key", "s3cret", service_url="http://127.0.0.1:9/", http=LmsHttp(QUICK)) as away:
        answer = posted(away)
        assert (answer.answer, answer.cause) == (Answer.TRY_LATER, "unreachable")
        assert away.test() == answer


def test_no_address_at_all_is_said() -> None:
    with Outcomes("key", "s3cret") as nowhere:
        assert nowhere.test().cause == "address"


# --- LTI 1.3 --------------------------------------------------------------------------------------

TOKEN = Response.of_json(200, {"access_token": "t0ken", "expires_in": 3600})
ITEMS = "/items"
ITEM = "/items/1"


@pytest.fixture
def services(url: str, lms: Scripted) -> Iterator[Lms]:
    lms.answers["/token"] = TOKEN
    lms.answers[ITEMS] = Response.of_json(200, [{"id": f"{url}{ITEM}", "resourceId": "lab"}])
    registration = Registration("client", f"{url}/token", TOOL_KEY)
    with GradeServices(registration, line_items_url=f"{url}{ITEMS}", http=LmsHttp(QUICK)) as client:
        yield client


def scored(client: Lms) -> LmsAnswer:
    place = Recipient(user_id="ada-lovelace", resource_id="lab")
    answer = client.post(PostedGrade(place, 3, 4, AT, "a comment on ada"))
    assert is_clean(answer)
    assert "t0ken" not in answer.text
    return answer


@pytest.mark.parametrize(
    ("answer", "expected", "cause"),
    [
        (Response(200, b"<html>"), Answer.ARRIVED, None),
        (Response(204), Answer.ARRIVED, None),
        (Response(201, b"a" * 10_000_000), Answer.ARRIVED, None),
        (Response(302, b"", {"Location": "/elsewhere"}), Answer.REFUSED, "redirect"),
        (Response.of_json(400, {"error": "no ada-lovelace here"}), Answer.REFUSED, "refused"),
        (Response.of_json(422, {"errors": {"message": "odd"}}), Answer.REFUSED, "refused"),
        (Response.of_json(403, "Rate Limit Exceeded"), Answer.TRY_LATER, "throttled"),
        (Response(403, b"403 Forbidden (Rate Limit Exceeded)"), Answer.TRY_LATER, "throttled"),
        (Response(500, b"[" * 100_000), Answer.TRY_LATER, "server_error"),
        (Response.of_json(401, {"detail": "Bearer t0ken"[:6]}), Answer.REFUSED, "credentials"),
        (Response(403, b"Forbidden"), Answer.REFUSED, "credentials"),
        (Response(412), Answer.REFUSED, "refused"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_score(
    lms: Scripted, services: Lms, answer: Response, expected: Answer, cause: str | None
) -> None:
    lms.answers[f"{ITEM}/scores"] = answer
    found = scored(services)
    assert (found.answer, found.cause, found.status) == (expected, cause, answer.status)


def test_a_refused_token_is_tried_with_a_new_one_once(lms: Scripted, services: Lms) -> None:
    lms.answers[f"{ITEM}/scores"] = Response(401)
    scored(services)
    paths = [request.path for request in lms.asked]
    assert paths.count(f"{ITEM}/scores") == 2


def test_the_reason_of_a_refusal_reaches_staff(lms: Scripted, services: Lms) -> None:
    said = {"errors": {"message": "User ada-lovelace is not a student"}, "echo": "a comment on ada"}
    lms.answers[f"{ITEM}/scores"] = Response.of_json(422, said)
    assert scored(services).text.endswith("It said: User … is not a student")


def test_edxs_list_of_sentences_is_read(lms: Scripted, services: Lms) -> None:
    said = {"timestamp": ["Score already exists for the provided timestamp"]}
    lms.answers[f"{ITEM}/scores"] = Response.of_json(400, said)
    assert scored(services).answer is Answer.ARRIVED


@pytest.mark.parametrize(
    ("results", "answer", "cause"),
    [
        ([{"userId": "ada-lovelace", "resultScore": 7.5, "resultMaximum": 10}], "arrived", None),
        ([{"userId": "ada-lovelace", "resultScore": 0.75}], "arrived", None),
        ([{"userId": "ada-lovelace", "resultScore": 1, "resultMaximum": 10}], "refused", "too_old"),
        ([{"userId": "bob", "resultScore": 7.5, "resultMaximum": 10}], "refused", "too_old"),
        ([], "refused", "too_old"),
        ({"odd": 1}, "try_later", "not_understood"),
        ([{"userId": "ada-lovelace", "resultScore": "x"}], "try_later", "not_understood"),
        ([{"userId": "ada-lovelace", "resultScore": 1, "resultMaximum": 0}], "try_later",
         "not_understood"),
    ],
)  # fmt: skip
def test_moodles_conflict_is_told_apart_by_what_it_holds(
    lms: Scripted, services: Lms, results: object, answer: str, cause: str | None
) -> None:
    lms.answers[f"{ITEM}/scores"] = Response.of_json(409, {"reason": "refused"})
    lms.answers[f"{ITEM}/results"] = Response.of_json(200, results)
    found = scored(services)
    assert (found.answer, found.cause) == (Answer(answer), cause)


@pytest.mark.parametrize(
    ("answer", "expected", "cause"),
    [
        (Response(200, b"OK"), Answer.TRY_LATER, "not_understood"),
        (Response.of_json(200, {"access_token": "a\nb"}), Answer.TRY_LATER, "not_understood"),
        (Response.of_json(200, {"access_token": ""}), Answer.TRY_LATER, "not_understood"),
        (Response.of_json(200, ["t0ken"]), Answer.TRY_LATER, "not_understood"),
        (Response.of_json(200, {"access_token": "t", "scope": "a b"}), Answer.REFUSED, "scope"),
        (Response.of_json(400, {"error": "invalid_scope"}), Answer.REFUSED, "scope"),
        (Response.of_json(400, {"error": "invalid_client"}), Answer.REFUSED, "credentials"),
        (Response.of_json(401, {"error": ["odd"]}), Answer.REFUSED, "credentials"),
        (Response(404), Answer.REFUSED, "not_found"),
        (Response(302), Answer.REFUSED, "redirect"),
        (Response(503, b"", {"Retry-After": "9"}), Answer.TRY_LATER, "server_error"),
    ],
)  # fmt: skip
def test_what_becomes_of_the_request_for_a_token(
    lms: Scripted, services: Lms, answer: Response, expected: Answer, cause: str
) -> None:
    lms.answers["/token"] = answer
    for found in (scored(services), services.test()):
        assert (found.answer, found.cause) == (expected, cause)
        assert found.retry_after_s == (9.0 if answer.status == 503 else None)


def test_a_missing_life_of_a_token_is_no_trouble(lms: Scripted, services: Lms) -> None:
    lms.answers["/token"] = Response.of_json(200, {"access_token": "t", "expires_in": None})
    assert services.test().answer is Answer.ARRIVED


@pytest.mark.parametrize(
    ("listed", "cause"),
    [
        (lambda url: {"not": "a list"}, "not_understood"),
        (lambda url: [{"label": "no id"}], "not_understood"),
        (lambda url: [{"id": "https://elsewhere.example/1", "resourceId": "lab"}], "address"),
        (lambda url: [{"id": f"{url}0/1", "resourceId": "lab"}], "address"),
        (lambda url: [{"id": "javascript:1", "resourceId": "lab"}], "address"),
    ],
)
def test_a_token_goes_to_no_other_host(
    lms: Scripted, services: Lms, url: str, listed: Callable[[str], object], cause: str
) -> None:
    lms.answers[ITEMS] = Response(200, json.dumps(listed(url)).encode())
    assert scored(services).cause == cause
    assert {request.path.partition("?")[0] for request in lms.asked} <= {"/token", ITEMS}


def test_a_list_without_end_is_left(lms: Scripted, services: Lms, url: str) -> None:
    link = f'<{url}{ITEMS}?page=1>; rel="next"'
    lms.answers[ITEMS] = Response(200, b"[]", {"Link": link})
    answer = scored(services)
    assert (answer.answer, answer.cause) == (Answer.REFUSED, "not_understood")
    assert len(lms.asked) < 30


def test_an_lms_behind_a_proxy_that_ends_tls_is_followed_by_our_scheme(
    lms: Scripted, services: Lms, url: str
) -> None:
    named = url.replace("http://", "https://") + ITEM
    lms.answers[ITEMS] = Response.of_json(200, [{"id": named, "resourceId": "lab"}])
    lms.answers[f"{ITEM}/scores"] = Response(201)
    assert scored(services).answer is Answer.ARRIVED


@pytest.mark.parametrize("path", ["/api/lti/courses/1/line_items/2", ITEM])
def test_canvas_alone_is_told_that_a_grade_is_no_new_submission(
    lms: Scripted, services: Lms, url: str, path: str
) -> None:
    lms.answers[f"{path}/scores"] = Response(200)
    place = Recipient(user_id="ada-lovelace", line_item=url + path)
    assert services.post(PostedGrade(place, 3, 4, AT)).answer is Answer.ARRIVED
    sent = json.loads(lms.asked[-1].body)
    extension = sent.pop("https://canvas.instructure.com/lti/submission", None)
    assert extension == (None if path == ITEM else {"new_submission": False})
    assert sent == {
        "userId": "ada-lovelace",
        "scoreGiven": 3,
        "scoreMaximum": 4,
        "timestamp": "2026-11-24T12:00:00.000+00:00",
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
    }


@pytest.mark.parametrize("user_id", [None, "", "a\nb", "\ud800"])
def test_a_student_whose_id_is_not_known_is_not_sent(
    lms: Scripted, services: Lms, user_id: str | None
) -> None:
    place = Recipient(user_id=user_id, resource_id="lab")
    answer = services.post(PostedGrade(place, 3, 4, AT))
    assert (answer.answer, answer.cause) == (Answer.REFUSED, "unknown_user")
    assert not any(request.path.endswith("scores") for request in lms.asked)
