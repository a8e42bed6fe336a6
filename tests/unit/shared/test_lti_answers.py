"""What an HTTP answer means, and what of an LMS's words staff may read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.lti.answers import answer_of_status, human_words, retry_after_s
from shared.lti.port import Answer

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("86400", 3600.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("5, 10", None),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), 3600.0),
        ("Tue, 24 Nov 2026 12:00:30 -0000", 30.0),
        ("Tue, 24 Nov 2026 13:00:30 +0100", 30.0),
        ("Tue, 99 Nov 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_an_hour(
    written: str | None, seconds: float | None
) -> None:
    assert retry_after_s(written, NOW) == seconds


@given(st.text(max_size=60))
def test_no_retry_after_raises(written: str) -> None:
    seconds = retry_after_s(written, NOW)
    assert seconds is None or 0 <= seconds <= 3600


@pytest.mark.parametrize(
    ("status", "answer", "cause"),
    [
        (301, Answer.REFUSED, "redirect"),
        (308, Answer.REFUSED, "redirect"),
        (400, Answer.REFUSED, "refused"),
        (401, Answer.REFUSED, "signature"),
        (403, Answer.REFUSED, "signature"),
        (404, Answer.REFUSED, "not_found"),
        (408, Answer.TRY_LATER, "server_error"),
        (410, Answer.REFUSED, "not_found"),
        (415, Answer.REFUSED, "refused"),
        (422, Answer.REFUSED, "refused"),
        (429, Answer.TRY_LATER, "throttled"),
        (500, Answer.TRY_LATER, "server_error"),
        (503, Answer.TRY_LATER, "server_error"),
        (200, Answer.TRY_LATER, "not_understood"),
        (999, Answer.TRY_LATER, "server_error"),
    ],
)
def test_a_status_by_itself_says_whether_to_try_again(
    status: int, answer: Answer, cause: str
) -> None:
    found = answer_of_status(status, {}, "", NOW)
    assert (found.answer, found.cause, found.status) == (answer, cause, status)
    assert str(status) in found.text or cause in {"throttled", "not_understood"}


def test_canvas_says_403_where_others_say_429() -> None:
    found = answer_of_status(403, {}, "403 Forbidden (Rate Limit Exceeded)", NOW)
    assert (found.answer, found.cause) == (Answer.TRY_LATER, "throttled")


def test_an_echo_of_the_request_is_not_shown() -> None:
    said = (
        "Request body XML parsing error: bad score <?xml version='1.0'?><sourcedId>ada</sourcedId>"
    )
    assert human_words(said, ()) == "Request body XML parsing error: bad score"


def test_names_are_left_out_in_every_way_they_are_written() -> None:
    place = "course-v1:A+B:x-1:ada/lovelace"
    said = "no course-v1:A+B:x-1:ada/lovelace nor course-v1%3AA%2BB%3Ax-1%3Aada%2Flovelace here"
    assert human_words(said, [place, None, ""]) == "no … nor … here"
    assert human_words("no a+b c", ["a%2Bb c"]) == "no …"


def test_words_are_short_and_printable() -> None:
    assert human_words("a\x00b\n\x1b[31mc\u202ed" + "e" * 900, ())[:12] == "a b [31mc de"
    assert len(human_words("e" * 900, ())) == 500


@given(st.text(max_size=200), st.text(max_size=20), st.text(max_size=20))
def test_a_secret_is_never_shown(around: str, before: str, after: str) -> None:
    secret = f"{before}S3cret{after}"
    shown = human_words(f"{around}{secret}{around}", [secret])
    assert shown.isprintable()
    assert "S3cret" not in shown
