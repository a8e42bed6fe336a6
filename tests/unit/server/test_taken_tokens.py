from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gofer_ingest.server.identity.taken_tokens import KEPT_S, SWEEP_S, TakenTokens

CROWD = Path(__file__).with_name("taken_tokens_crowd.py")


class Seconds:
    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


def is_due(taken: TakenTokens) -> bool:
    return taken.is_sweep_due


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool" / "index" / "tokens"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("token_id", ["a", "../../x", "\x00", "é" * 128, "lock", ".new"])
def test_a_token_is_taken_once(folder: Path, token_id: str) -> None:
    taken = TakenTokens(folder)
    assert taken.take(token_id)
    assert not taken.take(token_id)
    assert taken.take(token_id + "x")
    assert not TakenTokens(folder).take(token_id)
    assert len(files_in(folder)) == 2


def test_of_many_threads_one_takes_it(folder: Path) -> None:
    taken = TakenTokens(folder)
    with ThreadPoolExecutor(16) as threads:
        for number in range(20):
            outcomes = Counter(threads.map(lambda _, n=number: taken.take(f"token{n}"), range(16)))
            assert outcomes == {True: 1, False: 15}


def test_of_many_processes_one_takes_it(folder: Path) -> None:
    crowd = [
        subprocess.Popen(
            [sys.executable, str(CROWD), str(folder), "100"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    taken = [process.communicate("go\n", timeout=60)[0].split() for process in crowd]
    assert sorted(word for words in taken for word in words) == sorted(map(str, range(100)))


def test_a_sweep_removes_what_has_expired_and_nothing_else(folder: Path) -> None:
    clock = Seconds()
    taken = TakenTokens(folder, clock)
    for number in range(300):
        assert taken.take(f"old{number}")
    for path in files_in(folder):
        os.utime(path, (clock.now_s, clock.now_s))
    clock.now_s += KEPT_S
    assert taken.sweep() == 0
    assert taken.take("young")
    (young,) = (path for path in files_in(folder) if path.stat().st_mtime != clock.now_s - KEPT_S)
    os.utime(young, (clock.now_s, clock.now_s))
    clock.now_s += 1
    assert taken.sweep() == 300
    assert files_in(folder) == [young]
    assert not taken.take("young")
    assert taken.take("old0")


def test_a_sweep_is_due_at_first_and_then_now_and_then(folder: Path) -> None:
    clock = Seconds()
    taken = TakenTokens(folder, clock)
    assert is_due(taken)
    assert taken.sweep() == 0
    assert not is_due(taken)
    clock.now_s += SWEEP_S
    assert is_due(taken)
    taken.sweep()
    clock.now_s -= 3 * SWEEP_S
    assert is_due(taken)


def test_what_does_not_belong_there_is_left_alone(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taken = TakenTokens(folder)
    taken.take("a")
    (folder / "notes").mkdir()
    (folder / "notes" / "old").touch()
    os.utime(folder / "notes" / "old", (0, 0))
    assert taken.sweep() == 0
    assert (folder / "notes" / "old").exists()
    for prefix in range(256):  # whichever the sweep comes to first
        path = folder / f"{prefix:02x}"
        if not path.exists():
            path.touch()
    with caplog.at_level(logging.WARNING):
        assert taken.sweep() == 0
    assert [record.__dict__["action"] for record in caplog.records] == ["tokens.unswept"]


def test_where_no_file_can_be_made_nobody_is_told_that_a_token_is_new(folder: Path) -> None:
    folder.parent.touch()
    with pytest.raises(NotADirectoryError):
        TakenTokens(folder).take("a")
