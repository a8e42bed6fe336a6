from __future__ import annotations

from typing import Any

import pytest

from gofer_ingest.grader.passback.decide import Unknown
from gofer_ingest.grader.passback.recipients import recipient_of
from shared.catalogue.passback import Kind, Names, Passback, edx_passback
from shared.gradebook.roster import Known
from shared.lti.port import Recipient

EDX = edx_passback("course-v1:Org+C+R", "6333e19d", "edx.example.org")
NOBODY = Known()


def lti13(**changes: Any) -> Passback:
    return Passback(Kind.LTI13, resource_id="lab01", label="lab01", **changes)


def recipient(student: str, passback: Passback | None, known: Known = NOBODY) -> Recipient:
    found = recipient_of(student, passback, known)
    assert isinstance(found, Recipient)
    return found


def test_the_classic_course_config_makes_edx_address_and_sourcedid() -> None:
    found = recipient("a:b", EDX)
    assert found.service_url is not None
    assert found.service_url.startswith("https://edx.example.org/courses/course-v1:Org+C+R/xblock/")
    assert found.sourcedid is not None
    assert found.sourcedid.endswith(":a%3Ab")


def test_the_roster_says_who_a_student_is_at_edx() -> None:
    found = recipient("ada@example.edu", EDX, Known(user_id="uuid", user_id_lti11="0fa1"))
    assert found.sourcedid is not None
    assert found.sourcedid.endswith(":0fa1")


def test_a_launch_that_was_captured_goes_before_everything() -> None:
    known = Known(sourcedid="signed", service_url="https://lms.example.edu/o", user_id_lti11="x")
    assert recipient("ada", EDX, known) == Recipient(
        sourcedid="signed", service_url="https://lms.example.edu/o"
    )


def test_a_launch_without_an_address_takes_the_course_configs() -> None:
    passback = Passback(Kind.LTI11, service_url="https://lms.example.edu/o")
    found = recipient("ada", passback, Known(sourcedid="signed"))
    assert found.service_url == "https://lms.example.edu/o"


def test_by_lti_13_the_roster_says_the_id_and_the_config_the_line_item() -> None:
    found = recipient("ada", lti13(line_item="https://lms.example.edu/7"), Known(user_id="sub-1"))
    assert found == Recipient(
        user_id="sub-1", line_item="https://lms.example.edu/7", resource_id="lab01", label="lab01"
    )
    assert recipient("sub-2", lti13(students=Names.STUDENT)).user_id == "sub-2"


@pytest.mark.parametrize(
    ("passback", "known", "cause", "missing"),
    [
        (None, NOBODY, "not_posted", "course config"),
        (lti13(), Known(user_id_lti11="0fa1"), "recipient", "user_id"),
        (Passback(Kind.LTI11), NOBODY, "recipient", "lis_result_sourcedid"),
        (Passback(Kind.LTI11), Known(sourcedid="s"), "recipient", "lis_outcome_service_url"),
        (edx_passback("course-v1:a+b+c", "x", None), NOBODY, "edx_url", "EDX_URL"),
        (edx_passback("a b", "x", "edx.org"), NOBODY, "course_config", "course_id"),
        (
            Passback(Kind.LTI11, course_id="a+b+c", lms_id="x", edx_url="edx.org"),
            NOBODY,
            "recipient",
            "user_id_lti11",
        ),
    ],
)
def test_what_is_missing_is_said(
    passback: Passback | None, known: Known, cause: str, missing: str
) -> None:
    found = recipient_of("ada", passback, known)
    assert isinstance(found, Unknown)
    assert found.cause == cause
    assert missing in found.message


def test_a_course_without_ids_is_not_posted() -> None:
    assert edx_passback(None, "x", "edx.org") is None
    assert edx_passback("a+b+c", None, "edx.org") is None
