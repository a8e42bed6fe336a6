from __future__ import annotations

import os
import time

from tests.bench.machine import busy_s, spending

TICKS = os.sysconf("SC_CLK_TCK")


def test_waiting_is_not_busy_and_guests_are_not_counted_twice() -> None:
    user, nice, system, irq, softirq, steal = (n * TICKS for n in (1, 2, 3, 4, 5, 6))
    line = f"cpu  {user} {nice} {system} 99999 99999 {irq} {softirq} {steal} 7777 7777"
    assert busy_s(f"{line}\ncpu0 1 1 1 1 1 1 1 1 1 1\n") == 21.0


def test_what_a_block_spends_is_counted() -> None:
    began_s = time.process_time()
    with spending() as spent:
        while time.process_time() - began_s < 0.2:
            pass
    assert spent.cpu_s >= 0.1
