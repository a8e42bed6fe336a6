"""Where a student's grade goes: pure, out of the course config and the roster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gofer_ingest.grader.passback.decide import Unknown
from shared.catalogue.passback import Kind, Names, Passback
from shared.errors import ConfigError
from shared.gradebook.outbox import NOT_POSTED
from shared.lti.edx import edx_recipient
from shared.lti.port import Recipient

if TYPE_CHECKING:
    from shared.gradebook.roster import Known

UNKNOWN_RECIPIENT: Final = "recipient"
"""Cause of what waits for the roster."""
_IMPORT: Final = "`gofer roster import` tells it"


def recipient_of(student: str, passback: Passback | None, known: Known) -> Recipient | Unknown:
    """Return where a grade goes, or what is missing.

    Args:
        student: whose it is.
        passback: how the assignment is posted; None where it is not.
        known: what the roster has of the student for this assignment.
    """
    if passback is None:
        return Unknown(NOT_POSTED, "The course config does not say where its grades go.")
    if passback.kind is Kind.LTI13:
        return _by_line_item(student, passback, known)
    return _by_sourcedid(student, passback, known)


def _by_line_item(student: str, passback: Passback, known: Known) -> Recipient | Unknown:
    user_id = known.user_id
    if user_id is None and passback.students is Names.STUDENT:
        user_id = student
    if user_id is None:
        return Unknown(
            UNKNOWN_RECIPIENT, f"The student's user_id at the LMS is not known; {_IMPORT}."
        )
    return Recipient(
        user_id=user_id,
        line_item=passback.line_item,
        resource_id=passback.resource_id,
        label=passback.label,
    )


def _by_sourcedid(student: str, passback: Passback, known: Known) -> Recipient | Unknown:
    if known.sourcedid is not None:
        return _by_launch(known.sourcedid, known.service_url or passback.service_url)
    if passback.course_id is None or passback.lms_id is None:
        return Unknown(
            UNKNOWN_RECIPIENT,
            f"The lis_result_sourcedid of the student's launch is not known; {_IMPORT}.",
        )
    if passback.edx_url is None:
        return Unknown("edx_url", "EDX_URL is not set. Set it and start the grader again.")
    name = known.user_id_lti11
    if name is None and passback.students is Names.STUDENT:
        name = student
    if name is None:
        return Unknown(UNKNOWN_RECIPIENT, f"The student's user_id_lti11 is not known; {_IMPORT}.")
    try:
        return edx_recipient(passback.edx_url, passback.course_id, passback.lms_id, name)
    except ConfigError as error:
        return Unknown("course_config", f"{error}.")


def _by_launch(sourcedid: str, service_url: str | None) -> Recipient | Unknown:
    if service_url is None:
        return Unknown(
            UNKNOWN_RECIPIENT,
            f"The lis_outcome_service_url of the student's launch is not known; {_IMPORT}.",
        )
    return Recipient(sourcedid=sourcedid, service_url=service_url)
