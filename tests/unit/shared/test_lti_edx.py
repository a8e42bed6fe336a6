"""Where a grade goes at edX, from the words of the classic course config."""

from __future__ import annotations

import pytest

from shared.errors import ConfigError
from shared.lti.answers import CallFailed
from shared.lti.edx import edx_base, edx_recipient
from shared.lti.outcomes import signable

COURSE = "BerkeleyX+Data8.1x+2021"
BLOCK = "6333e19d6b4d46f88df671ba50f616d8"
SERVICE = (
    f"https://edge.edx.org/courses/course-v1:{COURSE}/xblock/block-v1:{COURSE}+type@lti_consumer"
    f"+block@{BLOCK}/handler_noauth/outcome_service_handler"
)


def test_the_address_is_the_one_that_was_always_built() -> None:
    recipient = edx_recipient("edge.edx.org", COURSE, BLOCK, "0c30252236e467a6")
    assert recipient.service_url == SERVICE
    assert recipient.sourcedid == (
        f"course-v1%3ABerkeleyX%2BData8.1x%2B2021:edge.edx.org-{BLOCK}:0c30252236e467a6"
    )


@pytest.mark.parametrize(
    ("written", "base"),
    [
        ("edge.edx.org", "https://edge.edx.org"),
        ("edge.edx.org/", "https://edge.edx.org"),
        (" https://edge.edx.org ", "https://edge.edx.org"),
        ("HTTP://localhost:18000/", "http://localhost:18000"),
        ("localhost:18000", "https://localhost:18000"),
    ],
)
def test_edx_url_may_have_a_scheme(written: str, base: str) -> None:
    assert edx_base(written) == base


@pytest.mark.parametrize(
    "written",
    ["", "https://", "ftp://edx.org", "edx.org/lms", "a b", "user@edx.org", "édx.org", "edx.org?a"],
)
def test_edx_url_that_is_no_host_is_refused_by_name(written: str) -> None:
    with pytest.raises(ConfigError, match="EDX_URL"):
        edx_base(written)


def test_whole_keys_are_taken_as_they_are() -> None:
    whole = edx_recipient(
        "edge.edx.org",
        f"course-v1:{COURSE}",
        f"block-v1:{COURSE}+type@lti_consumer+block@{BLOCK}",
        "ada",
    )
    assert whole == edx_recipient("edge.edx.org", COURSE, BLOCK, "ada")
    other = edx_recipient("e.org", COURSE, f"block-v1:{COURSE}+type@lti+block@{BLOCK}", "ada")
    assert str(other.service_url).endswith(f"+type@lti+block@{BLOCK}/handler_noauth/grade_handler")


def test_a_course_of_a_coach_has_keys_of_its_own_kind() -> None:
    recipient = edx_recipient("edge.edx.org", "ccx-v1:A+B+C+ccx@1", BLOCK, "ada")
    assert "/xblock/ccx-block-v1:A+B+C+ccx@1+type@" in str(recipient.service_url)


@pytest.mark.parametrize("student", ["a:b", "josé", "a b&c<d>"])
def test_a_students_name_cannot_be_taken_for_another(student: str) -> None:
    recipient = edx_recipient("edge.edx.org", COURSE, BLOCK, student)
    assert recipient.sourcedid is not None
    assert recipient.sourcedid.count(":") == 2
    assert recipient.sourcedid.isascii()


@pytest.mark.parametrize(
    ("course_id", "lms_id"), [("a b", "x"), ("A/B", "x"), ("A", "x?y"), ("A", "")]
)
def test_words_that_cannot_stand_in_an_address_are_refused(course_id: str, lms_id: str) -> None:
    with pytest.raises(ConfigError):
        edx_recipient("edge.edx.org", course_id, lms_id, "ada")


def test_nothing_of_a_recipient_that_names_a_student_is_in_its_repr() -> None:
    assert "ada" not in repr(edx_recipient("edge.edx.org", COURSE, BLOCK, "ada"))


def test_an_address_is_signed_without_the_escapes_it_does_not_need() -> None:
    escaped = SERVICE.replace(":", "%3A").replace("+", "%2B").replace("@", "%40")
    assert signable(escaped.replace("https%3A", "https:")) == SERVICE
    assert signable("https://lms.org/a%20b/%2525?x=%3A&y=a+b") == (
        "https://lms.org/a%20b/%2525?x=%3A&y=a+b"
    )


@pytest.mark.parametrize(
    "url",
    ["", "lms.org/service", "ftp://lms.org", "https://", "https://u:p@lms.org", "https://l ms.org",
     "https://lms.org:99999/", "javascript:alert(1)", "https://lms.org/\n", "http://[::1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(CallFailed) as failed:
        signable(url)
    assert failed.value.answer.cause == "address"
