from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from tests.bench.ingest_report import Conditions, Measured, Report
from tests.bench.measured_servers import Processors
from tests.bench.students import Came


def measured(
    latencies_s: list[float],
    seconds: float = 2.0,
    *,
    server: str = "Gofer",
    cpu_s: float = 0.5,
    students_cpu_s: float = 0.1,
) -> Measured:
    return Measured(
        server=server,
        connections=1,
        is_burst=False,
        accepted=len(latencies_s),
        refused={},
        seconds=seconds,
        latencies_s=sorted(latencies_s),
        server_cpu=Processors(own_s=0.8 * cpu_s, kernel_s=0.2 * cpu_s),
        students_cpu_s=students_cpu_s,
        peaks_bytes=[1],
        load_before=0.0,
    )


@pytest.mark.parametrize(("percent", "expected_ms"), [(50, 50), (95, 95), (99, 99), (100, 100)])
def test_a_percentile_is_a_latency_that_was_measured(percent: int, expected_ms: float) -> None:
    one = measured([number / 1000 for number in range(1, 101)])
    assert one.percentile_ms(percent) == pytest.approx(expected_ms)


def test_of_one_notebook_every_percentile_is_its_latency() -> None:
    assert {measured([0.25]).percentile_ms(percent) for percent in (50, 95, 99)} == {250.0}


def test_rates_are_of_accepted_notebooks() -> None:
    one = measured([0.1] * 10)
    assert one.a_second == 5
    assert one.cpu_ms == 50


def test_the_kernels_share_is_part_of_what_a_notebook_takes() -> None:
    one = measured([0.1] * 10)
    assert (one.cpu_ms, one.kernel_ms, one.students_ms) == pytest.approx((50, 10, 10))


def test_by_cpu_both_servers_are_compared_with_the_students_who_post_to_them() -> None:
    ours = measured([0.1] * 10, cpu_s=0.04)
    plain = measured([0.1] * 20, server="plain handler", cpu_s=0.04, students_cpu_s=0.2)
    conditions = Conditions("now", 2, "Linux", "3.11", "6.6", "ext4", 2)
    report = Report(conditions, [ours, plain], steps=[], receipts=10, lost=[])
    # 2 ms and 4 ms of the servers, and 10 ms of the students with each of them
    assert report.cpu_ratio(1) == pytest.approx((2 + 10) / (4 + 10))
    assert report.ratio(1) == 0.5


def test_what_students_were_refused_comes_back_from_their_process() -> None:
    came = Came(others={503: 2, 0: 1})
    told = Came(**json.loads(json.dumps(asdict(came))))
    assert sum(told.others.values()) == 3
