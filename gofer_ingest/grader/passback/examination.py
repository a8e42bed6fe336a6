"""What `gofer doctor` wants to know of passback: can the keys be read, does each LMS let us in?

No grade is changed. The credentials are used and never shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from gofer_ingest.grader.passback.credentials import Credentials
from gofer_ingest.grader.passback.setting_up import make_lanes
from gofer_ingest.grader.passback.trial import try_all
from shared.catalogue import load_catalogue
from shared.catalogue.passback import Kind
from shared.errors import ConfigError
from shared.lti.port import Answer

if TYPE_CHECKING:
    from gofer_ingest.grader.examination import Check
    from gofer_ingest.grader.passback.lanes import Lane
    from shared.config import GraderSettings
    from shared.lti.port import LmsAnswer

_ADVICE: Final = {
    "credentials": "Look at keys and secrets, and whether the grader's user may read their files.",
    "signature": "Compare key and secret with those of the LMS, and set this machine's clock.",
    "scope": "Let the tool send scores: the LMS has a switch for it where it was registered.",
    "redirect": "Write the LMS's present address in the course config.",
    "address": "Look at the addresses in the course config, and at EDX_URL.",
    "certificate": "The LMS's administrators have to renew its certificate.",
}
_LATER: Final = "Grades wait meanwhile, and go by themselves once it answers."
_USUAL: Final = "docs/passback.md says what each answer means; `gofer post test` asks once more."


def examine_passback(settings: GraderSettings) -> list[Check]:
    """Try every LMS that grades go to, all within seconds."""
    try:
        catalogue = load_catalogue(
            course_config=settings.course_config_path,
            autograders=settings.autograders,
            defaults=settings.defaults,
            course=settings.course,
        )
    except ConfigError:
        return []  # the catalogue's own check says it
    credentials = Credentials(settings.lti_consumer_key, settings.lti_consumer_secret)
    lanes = make_lanes(catalogue, credentials)
    if not lanes:
        message = "The course config sends no grade to an LMS."
        return [_check("passback", "ok", message)]
    off = [lane for lane in lanes if _is_off(lane, settings)]
    tried = try_all([lane for lane in lanes if lane not in off])
    return [*(_told_off(lane) for lane in off), *(_judged(lane, answer) for lane, answer in tried)]


def _is_off(lane: Lane, settings: GraderSettings) -> bool:
    """Whether nobody has set up sending yet: the classic course config alone says half of it."""
    is_begun = settings.post_grade or settings.lti_consumer_key or settings.lti_consumer_secret
    return not is_begun and all(
        one.kind is Kind.LTI11 and one.hold is None and one.key_file is None
        for one in lane.posted.values()
    )


def _told_off(lane: Lane) -> Check:
    message = (
        "POST_GRADE is off, and there is no LTI_CONSUMER_KEY: its grades are held, and none is "
        f"sent. Assignments: {len(lane.keys)}."
    )
    return _check(f"LMS {lane.name}", "ok", message)


def _judged(lane: Lane, answer: LmsAnswer) -> Check:
    name = f"LMS {lane.name}"
    message = f"{answer.text} Assignments: {len(lane.keys)}."
    if answer.answer is Answer.ARRIVED:
        return _check(name, "ok", message)
    if answer.answer is Answer.TRY_LATER:
        return _check(name, "warning", message, _ADVICE.get(answer.cause or "", _LATER))
    if answer.cause == "address" and not any(one.service_url for one in lane.posted.values()):
        # Launches in the roster name the addresses, each its own.
        return _check(name, "warning", message, "The roster's launches say where grades go.")
    return _check(name, "problem", message, _ADVICE.get(answer.cause or "", _USUAL))


def _check(
    name: str, status: Literal["ok", "warning", "problem"], message: str, advice: str = ""
) -> Check:
    return {"name": name, "status": status, "message": message, "advice": advice}
