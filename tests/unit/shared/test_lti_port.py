"""What cannot be posted at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.lti.port import PostedGrade, Recipient

AT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("points", "possible", "at"),
    [
        (-1, 10, AT),
        (float("nan"), 10, AT),
        (float("inf"), 10, AT),
        (1, 0, AT),
        (1, -1, AT),
        (1, float("nan"), AT),
        (1, 10, AT.replace(tzinfo=None)),
    ],
)
def test_a_grade_that_makes_no_sense_is_refused(
    points: float, possible: float, at: datetime
) -> None:
    with pytest.raises(ValueError, match=r"points|zone"):
        PostedGrade(Recipient(), points, possible, at)
