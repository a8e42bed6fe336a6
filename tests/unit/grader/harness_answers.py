"""What a harness would answer, and ways for it to be wrong."""

from __future__ import annotations

import json
from typing import Any

from gofer_ingest.grader.sandbox import Ending, RawResult
from shared.model import AutograderSpec, QuestionSpec, Sha256

SHA256 = Sha256("0" * 64)
TWO_QUESTIONS = AutograderSpec(
    sha256=SHA256,
    questions=(QuestionSpec("q1", 2.0, hidden=False), QuestionSpec("q2", 3.0, hidden=True)),
    points_possible=5.0,
)


def question(name: str, score: object, possible: object) -> dict[str, object]:
    return {"name": name, "score": score, "possible": possible}


def stop(how: str, cell: int | None = None, check: str | None = None) -> dict[str, object]:
    return {"cell": cell, "check": check, "how": how}


def tampering(
    canary: str = "failed", probe: str = "answered", findings: tuple[str, ...] = ()
) -> dict[str, object]:
    return {"canary": canary, "probe": probe, "findings": list(findings)}


def answer(**changes: object) -> dict[str, Any]:
    """A good answer to `TWO_QUESTIONS`, 1.5 of 5 points, but for `changes`."""
    return {
        "kind": "results",
        "questions": [question("q1", 1.5, 2.0), question("q2", 0.0, 3.0)],
        "error": "",
        "log": "",
        "otter_version": "7.0.0",
        "output_truncated": False,
        "stops": [],
        "tampering": tampering(),
        "grading_s": 1.25,
        "memory": {"peak_bytes": 1 << 27, "oom_kills": 0},
        **changes,
    }


def answered(content: object, **changes: Any) -> RawResult:
    """What the sandbox hands back when the harness answered `content`, bytes or a JSON value."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return ended(Ending.ANSWERED, answer=data, **changes)


def ended(
    ending: Ending,
    *,
    answer: bytes | None = None,
    log_tail: bytes = b"",
    oom_killed: bool = False,
    exit_code: int | None = 0,
) -> RawResult:
    return RawResult(
        ending=ending,
        answer=answer,
        log_tail=log_tail,
        wall_s=3.5,
        oom_killed=oom_killed,
        exit_code=exit_code,
    )
