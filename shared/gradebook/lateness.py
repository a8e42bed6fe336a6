"""How late a submission is and what that costs. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from shared.grade_policy import LateRule


def seconds_late(received_at: datetime, due_at: datetime, rule: LateRule) -> float:
    """Return how late it is, seconds since the due date; 0 in time and within the grace period.

    The grace period only forgives: who is later than that is late since the due date.
    """
    late_s = (received_at - due_at).total_seconds()
    return late_s if late_s > max(rule.grace_s, 0.0) else 0.0


def penalty(late_s: float, rule: LateRule) -> float:
    """Return the part of the points earned that is taken off, 0 to 1.

    Args:
        late_s: as `seconds_late` tells, ≥ 0.
        rule: what being late costs.
    """
    begun = math.ceil(late_s / rule.per.seconds)
    return min(begun * rule.percent, 100.0 - rule.floor) / 100.0 if begun else 0.0


def is_cut_off(late_s: float, rule: LateRule) -> bool:
    """Tell whether a submission so late counts nothing."""
    return rule.cutoff_s is not None and late_s > rule.cutoff_s
