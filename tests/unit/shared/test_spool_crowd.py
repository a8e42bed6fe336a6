from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from shared.errors import DuplicateEntry
from tests.unit.shared.spool_entries import leftovers, new_delivery, prepared_spool

CROWD = Path(__file__).with_name("spool_crowd.py")
PROCESSES = 3


def test_of_many_threads_that_deliver_one_id_exactly_one_succeeds(tmp_path: Path) -> None:
    spool = prepared_spool(tmp_path)
    threads = 8
    together = Barrier(threads)
    delivery = new_delivery()

    def deliver() -> bool:
        together.wait(timeout=30)
        try:
            spool.deliver(delivery.envelope, delivery.notebook)
        except DuplicateEntry:
            return False
        return True

    with ThreadPoolExecutor(threads) as pool:
        outcomes = [future.result() for future in [pool.submit(deliver) for _ in range(threads)]]
    assert Counter(outcomes) == {True: 1, False: threads - 1}
    assert spool.pending() == [delivery.id]
    assert leftovers(tmp_path) == []


def test_threads_of_several_processes_deliver_every_entry_once(tmp_path: Path) -> None:
    volume = tmp_path / "var"
    spool = prepared_spool(volume)
    deliveries = [new_delivery(f"notebook {number}".encode()) for number in range(40)]
    entries = tmp_path / "entries.json"
    entries.write_text(
        json.dumps(
            [
                (delivery.envelope.model_dump(mode="json"), delivery.notebook.decode())
                for delivery in deliveries
            ]
        )
    )
    crowd = [
        subprocess.Popen(
            [sys.executable, str(CROWD), str(volume), str(entries)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    try:
        for process in crowd:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in crowd:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        printed = [process.communicate(timeout=60)[0] for process in crowd]
    finally:
        for process in crowd:
            process.kill()
            process.communicate()

    ids = [delivery.id for delivery in deliveries]
    assert sorted(submission_id for text in printed for submission_id in json.loads(text)) == ids
    assert spool.pending() == ids
    for delivery in deliveries:
        assert spool.read(delivery.id).notebook() == delivery.notebook
    assert leftovers(volume) == []
