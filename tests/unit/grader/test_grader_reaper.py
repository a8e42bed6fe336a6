"""What runs left behind is removed now and then, whatever the engine says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer_ingest.grader.reaper import reap, reaping
from shared.errors import SandboxUnavailable
from tests.support.processes import wait_until
from tests.unit.grader.scripted_sandbox import ScriptedSandbox

if TYPE_CHECKING:
    import pytest


class LitteredSandbox(ScriptedSandbox):
    """A sandbox in which there is always something left; counts the looks."""

    looks = 0

    def reap(self) -> int:
        self.looks += 1
        self._maybe_fail("reap")
        return 1


def test_it_reaps_at_once_and_goes_on() -> None:
    sandbox = LitteredSandbox()
    with reaping(sandbox, every_s=0.01):
        assert sandbox.looks == 1
        wait_until(lambda: sandbox.looks > 3)


def test_it_ends_with_its_block() -> None:
    sandbox = LitteredSandbox()
    with reaping(sandbox, every_s=3600.0):
        pass
    assert sandbox.looks == 1


def test_an_engine_that_is_away_is_told_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    sandbox = LitteredSandbox()
    sandbox.will_fail("reap", SandboxUnavailable("The engine is away."))
    reap(sandbox)
    assert [getattr(record, "reason", "") for record in caplog.records] == ["The engine is away."]
    reap(sandbox)
    assert sandbox.looks == 2
