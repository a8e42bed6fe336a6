from __future__ import annotations

import pytest

from tests.bench.ingest_report import Measured


def measured(latencies_s: list[float], seconds: float = 2.0) -> Measured:
    return Measured(
        server="Gofer",
        connections=1,
        is_burst=False,
        accepted=len(latencies_s),
        refused={},
        seconds=seconds,
        latencies_s=sorted(latencies_s),
        server_cpu_s=0.5,
        students_cpu_s=0.1,
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
