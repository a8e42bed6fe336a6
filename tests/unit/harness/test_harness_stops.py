from __future__ import annotations

import math
import time

import pytest

from gofer_ingest.grader.harness.plan import Place
from gofer_ingest.grader.harness.stops import STOPS_MAX, How, Watch
from gofer_ingest.grader.stops import STOPS_MAX as HOSTS_STOPS_MAX
from gofer_ingest.grader.stops import Stop


def watch(*stops: tuple[Place, How]) -> Watch:
    return Watch(cell_time_s=1.0, ends_at=math.inf, stops=list(stops))


@pytest.mark.parametrize("how", How)
def test_only_an_interrupted_cell_lets_the_run_go_on(how: How) -> None:
    assert watch((Place(1), how)).has_ended is (how is not How.INTERRUPTED)


def test_a_run_in_which_nothing_was_stopped_goes_on() -> None:
    assert not watch().has_ended


def test_no_time_is_left_once_it_is_over() -> None:
    assert Watch(cell_time_s=1.0, ends_at=time.monotonic() - 5).left_s == 0.0


def test_an_answer_tells_where_and_how() -> None:
    stops = watch(
        (Place(7), How.INTERRUPTED),
        (Place(test="./tests/q1.py"), How.OUT_OF_TIME),
        (Place(is_export=True), How.DIED),
    )
    assert stops.as_json() == [
        {"cell": 7, "check": None, "how": "interrupted"},
        {"cell": None, "check": "q1", "how": "out_of_time"},
        {"cell": None, "check": None, "how": "died"},
    ]


@pytest.mark.parametrize("how", How)
def test_what_was_stopped_of_the_probe_is_not_told(how: How) -> None:
    assert watch((Place(is_probe=True), how)).as_json() == []


@pytest.mark.parametrize("how", How)
def test_a_canary_is_told_of_only_where_the_run_ended_in_it_and_never_by_name(how: How) -> None:
    told = watch((Place(test="./tests/q9.py", is_canary=True), how)).as_json()
    end = [{"cell": None, "check": None, "how": how.value}]
    assert told == ([] if how is How.INTERRUPTED else end)


@pytest.mark.parametrize("how", How)
def test_the_host_understands_every_stop(how: How) -> None:
    told = watch((Place(3), how)).as_json()[0]
    assert Stop.model_validate(told).how == how.value


def test_an_answer_tells_no_more_than_the_host_takes_and_always_how_it_ended() -> None:
    many = [(Place(number), How.INTERRUPTED) for number in range(1, 5000)]
    told = watch(*many, (Place(5000), How.KILLED)).as_json()
    assert len(told) == STOPS_MAX == HOSTS_STOPS_MAX
    assert told[0]["cell"] == 1
    assert told[-1] == {"cell": 5000, "check": None, "how": "killed"}
