"""Kill a server before every system call of accepting a notebook, and send it again.

A script, because it forks: `python accepting_kill_steps.py FOLDER` prints one JSON object, how
many calls there are and after how many kills the notebook was in the spool once and twice, and
fails where a kill has done harm.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.unit.server.doors import ADA, Clock, a_notebook, make_door
from tests.unit.shared.spool_system_calls import intercepted

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = a_notebook(text="there already, so that the index has a file to be changed")
SENT = a_notebook(text="sent again")


def survives(volume: Path, step: int) -> bool:
    """Accept a notebook in a child that dies at its n-th call."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return False
        assert os.waitstatus_to_exitcode(status) == 0
        return True
    made = 0
    flock = fcntl.flock

    def around(_name: str, call: Callable[[], Any]) -> Any:
        nonlocal made
        made += 1
        if made == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return call()

    def around_flock(descriptor: int, operation: int) -> None:
        around("flock", lambda: flock(descriptor, operation))

    door = make_door(volume, Clock())
    with intercepted(around), mock.patch.object(fcntl, "flock", around_flock):
        door.accept(SENT, ADA)
    os._exit(0)


def check(volume: Path, *, survived: bool) -> int:
    """Send it again; return how many entries it has."""
    door = make_door(volume, Clock())
    noted = {receipt.id for receipt in door.recent.list_of("ada")}
    assert noted <= set(door.spool.pending()), "a receipt may be forgotten, never made up"
    receipt = door.accept(SENT, ADA)
    assert door.accept(SENT, ADA) == receipt, "whatever a kill left, the next one is noted"
    contents = {entry: door.spool.read(entry).notebook() for entry in door.spool.pending()}
    assert set(contents.values()) == {FIRST, SENT}
    sent = [entry for entry, content in contents.items() if content == SENT]
    assert receipt.id in sent
    assert len(sent) <= (1 if survived else 2)
    return len(sent)


def main() -> None:
    folder = Path(sys.argv[1])
    entries: dict[int, int] = {1: 0, 2: 0}
    step = 0
    survived = False
    while not survived:
        step += 1
        volume = folder / str(step)
        door = make_door(volume, Clock())
        door.spool.prepare()
        door.accept(FIRST, ADA)
        survived = survives(volume, step)
        entries[check(volume, survived=survived)] += 1
    json.dump({"calls": step - 1, "once": entries[1], "twice": entries[2]}, sys.stdout)


if __name__ == "__main__":
    main()
