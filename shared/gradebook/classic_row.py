"""One row of the old service's table, read with suspicion. Pure."""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared.model import RunId, SubmissionId, opaque_name

# What str(time.time()) gives, to the end of the year 9999.
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,18})?")
_LATEST_EPOCH_S: Final = 253_402_300_799


@dataclass(frozen=True, slots=True)
class ClassicGrade:
    """A row that makes a submission and its run.

    Attributes:
        submission_id: made of the row alone, so that the same row has the same id ever again; it
            sorts by `received_at` like every other.
        run_id: likewise.
        fraction: the grade, within 0 and 1.
        timestamp: as it stands in the row.
        received_at: the same, to the microsecond.
    """

    submission_id: SubmissionId
    run_id: RunId
    student: str
    section: str
    assignment: str
    fraction: float
    timestamp: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that cannot be used, and which of its values is why."""

    rowid: int
    because: str


def read_row(  # the old table's columns, in its order
    rowid: int, userid: Any, grade: Any, section: Any, lab: Any, timestamp: Any
) -> ClassicGrade | LeftOut:
    """Read a row. SQLite keeps any value in any column, so each may be anything."""
    names = []
    for column, value in (("userid", userid), ("section", section), ("lab", lab)):
        try:
            names.append(opaque_name(value))
        except (TypeError, ValueError):
            return LeftOut(rowid, column)
    if not (isinstance(grade, (int, float)) and math.isfinite(grade) and 0 <= grade <= 1):
        return LeftOut(rowid, "grade")
    if not (isinstance(timestamp, str) and _TIMESTAMP.fullmatch(timestamp)):
        return LeftOut(rowid, "timestamp")
    epoch_s = float(timestamp)
    if epoch_s > _LATEST_EPOCH_S:
        return LeftOut(rowid, "timestamp")
    student, section_name, assignment = names
    content = json.dumps([rowid, userid, grade, section, lab, timestamp])
    return ClassicGrade(
        submission_id=SubmissionId(_derived_id("submission", content, epoch_s)),
        run_id=RunId(_derived_id("run", content, epoch_s)),
        student=student,
        section=section_name,
        assignment=assignment,
        fraction=float(grade),
        timestamp=timestamp,
        received_at=datetime.fromtimestamp(epoch_s, UTC),
    )


def _derived_id(kind: str, content: str, epoch_s: float) -> str:
    """Make a UUIDv7 (RFC 9562, section 5.7) whose random bits are a digest of the row."""
    digest = int.from_bytes(hashlib.sha256(f"{kind} {content}".encode()).digest()[:10])
    bits = int(epoch_s * 1000) << 80
    bits |= 0x7 << 76 | (digest >> 62 & 0xFFF) << 64
    bits |= 0b10 << 62 | digest & ((1 << 62) - 1)
    return str(uuid.UUID(int=bits))
