from __future__ import annotations

import hashlib
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model import Sha256, new_submission_id, opaque_name, utc_now
from shared.requests import Envelope, RecomputePayload, Source, StaffRequest, SubmitPayload
from tests.unit.shared.spool_entries import prepared_spool


def _is_name(text: str) -> bool:
    try:
        opaque_name(text)
    except ValueError:
        return False
    return True


NAMES = st.one_of(
    st.emails(),
    st.sampled_from(
        ["josé", "jose\u0301", "Zoë O'Neill", "李小龍", "../../etc", "a/b", "😀", '"\\']
    ),
    st.text(min_size=1, max_size=255),
).filter(_is_name)
ZONES = st.one_of(
    st.just(UTC), st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))
)
FIRST, LAST = datetime(2, 1, 2), datetime(9998, 12, 30)  # noqa: DTZ001 - the zone is drawn
"""Between these two, every time of every zone is one that is taken."""


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[Envelope, bytes]:
    notebook = draw(st.binary(max_size=5000))
    payload = SubmitPayload(
        student=draw(NAMES),
        course=draw(NAMES),
        section=draw(NAMES),
        assignment=draw(NAMES),
        sha256=Sha256(hashlib.sha256(notebook).hexdigest()),
        size_bytes=len(notebook),
        source=draw(st.sampled_from(Source)),
    )
    envelope = Envelope(
        id=new_submission_id(),
        action="submit",
        payload=payload,
        requested_by=draw(NAMES),
        received_at=draw(st.datetimes(FIRST, LAST, timezones=ZONES)),
        reason=draw(st.text(max_size=500)),
    )
    return envelope, notebook


def test_a_reason_is_kept_as_far_as_it_can_be() -> None:
    request = StaffRequest(
        id=new_submission_id(),
        action="recompute",
        payload=RecomputePayload(course="c", section="1", assignment="lab01"),
        requested_by="ta",
        received_at=utc_now(),
        reason="half \udcff, nothing \0",
    )
    assert request.reason == "half \ufffd, nothing \ufffd"
    assert StaffRequest.model_validate_json(request.model_dump_json()) == request


@settings(deadline=None, max_examples=40)
@given(delivery=deliveries())
def test_any_envelope_and_any_bytes_come_back_as_they_were(
    delivery: tuple[Envelope, bytes],
) -> None:
    envelope, notebook = delivery
    with tempfile.TemporaryDirectory() as folder:
        spool = prepared_spool(Path(folder))
        spool.deliver(envelope, notebook)
        (submission_id,) = spool.pending()
        entry = spool.read(submission_id)
        assert entry.envelope == envelope
        assert entry.notebook() == notebook
        spool.bury(submission_id, envelope.reason)
        (failure,) = spool.failed()
        assert (failure.envelope, failure.reason) == (envelope, envelope.reason)
        spool.retry(submission_id)
        spool.settle(submission_id)
        assert spool.envelope_of(submission_id) == envelope
