"""The chaos test's short form; `make chaos` is the long one."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.chaos.run import Options, chaos, summary
from tests.docker.conftest import IMAGE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.engine import PrivateEngine

pytestmark = [
    pytest.mark.docker,
    # The SDK lets go of a socket that nobody answers without closing it.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.mark.timeout(600)  # a standstill is to end as a finding, with its evidence
def test_in_chaos_every_receipt_becomes_one_right_grade_and_nothing_is_left_behind(
    private_engine: PrivateEngine, tmp_path: Path
) -> None:
    seed = int(os.environ.get("GOFER_CHAOS_SEED") or random.SystemRandom().randrange(1 << 32))
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}")  # noqa: T201 - seen if it fails

    private_engine.start_if_down()
    options = Options(seed=seed, kills=10, pause_s=2.0, student_pause_s=6.0, threads=2, image=IMAGE)
    outcome = chaos(options, private_engine, tmp_path, say)
    say(summary(outcome))
    assert outcome.findings == []
    assert outcome.receipts >= 5
    assert outcome.kills >= 10
    assert all(outcome.troubles.values())
    assert outcome.answers["507"] + outcome.answers["503"] > 0
