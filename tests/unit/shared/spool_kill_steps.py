"""Kill the spool before every one of its system calls, and look at what is left.

A script, because it forks: `python spool_kill_steps.py FOLDER` prints one JSON object, the number
of system calls that each verb makes, and fails where a kill has done harm.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from shared.errors import DuplicateEntry
from shared.spool import Place, Spool
from tests.unit.shared.spool_entries import (
    AT_ONCE,
    Delivery,
    is_whole,
    leftovers,
    new_delivery,
    prepared_spool,
    whereabouts,
)
from tests.unit.shared.spool_system_calls import intercepted

if TYPE_CHECKING:
    from collections.abc import Callable
    from functools import partial

TRIES = 3


@dataclass(frozen=True)
class Scenario:
    """A verb, what went before it, and where it takes an entry from and to."""

    verb: Callable[[Spool, Delivery], None]
    arrange: Callable[[Spool, Delivery], None]
    source: Place | None
    target: Place
    tries_before: int
    tries_after: int


def deliver(spool: Spool, delivery: Delivery) -> None:
    spool.deliver(delivery.envelope, delivery.notebook)


def settle(spool: Spool, delivery: Delivery) -> None:
    spool.settle(delivery.id)


def bury(spool: Spool, delivery: Delivery) -> None:
    spool.bury(delivery.id, "why")


def retry(spool: Spool, delivery: Delivery) -> None:
    spool.retry(delivery.id)


def discard(spool: Spool, delivery: Delivery) -> None:
    spool.discard(delivery.id, requested_by="ta", reason="why")


def begin_try(spool: Spool, delivery: Delivery) -> None:
    spool.begin_try(delivery.id)


def in_nothing(_spool: Spool, _delivery: Delivery) -> None:
    pass


def in_new(spool: Spool, delivery: Delivery) -> None:
    deliver(spool, delivery)
    for _ in range(TRIES):
        begin_try(spool, delivery)


def in_failed(spool: Spool, delivery: Delivery) -> None:
    in_new(spool, delivery)
    bury(spool, delivery)


SCENARIOS = (
    Scenario(deliver, in_nothing, None, Place.NEW, 0, 0),
    Scenario(begin_try, in_new, Place.NEW, Place.NEW, TRIES, TRIES + 1),
    Scenario(settle, in_new, Place.NEW, Place.ARCHIVED, TRIES, TRIES),
    Scenario(bury, in_new, Place.NEW, Place.FAILED, TRIES, TRIES),
    Scenario(retry, in_failed, Place.FAILED, Place.NEW, TRIES, 0),
    Scenario(discard, in_failed, Place.FAILED, Place.ARCHIVED, TRIES, TRIES),
)


def survives(
    volume: Path, scenario: Scenario, delivery: Delivery, *, step: int, torn: bool
) -> bool:
    """Run the verb in a child that dies at its n-th call; torn: half a write is done first."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return False
        assert os.waitstatus_to_exitcode(status) == 0, f"{scenario} failed in the child"
        return True
    made = 0
    write_half = os.write

    def around(name: str, call: partial[Any]) -> Any:
        nonlocal made
        made += 1
        if made == step:
            if torn and name == "write":
                descriptor, content = call.args
                write_half(descriptor, content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return call()

    # Should it raise, the child ends by that, with its traceback.
    with intercepted(around):
        scenario.verb(Spool(volume), delivery)
    os._exit(0)


def check(volume: Path, scenario: Scenario, delivery: Delivery, *, survived: bool) -> None:
    spool = Spool(volume)
    place = spool.find(delivery.id)
    assert place in ({scenario.target} if survived else {scenario.source, scenario.target})
    lying = whereabouts(volume, delivery.id)
    assert len(lying) == (place is not None)
    assert all(is_whole(directory, delivery) for directory in lying)
    assert spool.pending() == ([delivery.id] if place is Place.NEW else [])
    if place is Place.NEW:
        assert spool.read(delivery.id).notebook() == delivery.notebook
    if place is not None:
        assert spool.tries(delivery.id) in {scenario.tries_before, scenario.tries_after}
    if survived:
        assert leftovers(volume) == []
        assert spool.tries(delivery.id) == scenario.tries_after
    if leftovers(volume):
        assert spool.sweep_tmp(AT_ONCE) == 1
    assert leftovers(volume) == []


def repeat(volume: Path, scenario: Scenario, delivery: Delivery) -> None:
    spool = Spool(volume)
    tries = spool.tries(delivery.id) if spool.find(delivery.id) else 0
    try:
        scenario.verb(spool, delivery)
    except DuplicateEntry:
        assert scenario.verb is deliver
    (directory,) = whereabouts(volume, delivery.id)
    assert is_whole(directory, delivery)
    assert spool.find(delivery.id) is scenario.target
    expected = tries + 1 if scenario.verb is begin_try else scenario.tries_after
    assert spool.tries(delivery.id) == expected
    if scenario.target is Place.FAILED:
        (failure,) = spool.failed()
        assert (failure.envelope, failure.reason) == (delivery.envelope, "why")
        assert failure.tries == TRIES


def run(folder: Path, scenario: Scenario, *, torn: bool) -> int:
    """Kill the verb at its first call, its second … until it survives; return how many it makes."""
    step = 0
    survived = False
    while not survived:
        step += 1
        volume = folder / f"{scenario.verb.__name__}-{step}-{torn}"
        delivery = new_delivery()
        scenario.arrange(prepared_spool(volume), delivery)
        survived = survives(volume, scenario, delivery, step=step, torn=torn)
        check(volume, scenario, delivery, survived=survived)
        repeat(volume, scenario, delivery)
    return step - 1


def main() -> None:
    folder = Path(sys.argv[1])
    calls = {}
    for scenario in SCENARIOS:
        calls[scenario.verb.__name__] = run(folder, scenario, torn=False)
        run(folder, scenario, torn=True)
    json.dump(calls, sys.stdout)


if __name__ == "__main__":
    main()
