from __future__ import annotations

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gofer_ingest.server.identity.taken_tokens import KEPT_S, TakenTokens

CROWD = Path(__file__).with_name("taken_tokens_crowd.py")


class Seconds:
    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool" / "index" / "tokens"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]


def lines_in(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in files_in(folder))


@pytest.mark.parametrize("token_id", ["a", "../../x", "\x00", "é" * 128, "lock", "a\nb"])
def test_a_token_is_taken_once(folder: Path, token_id: str) -> None:
    taken = TakenTokens(folder)
    assert taken.take(token_id)
    assert not taken.take(token_id)
    assert taken.take(token_id + "x")
    assert not TakenTokens(folder).take(token_id)
    assert lines_in(folder) == 2


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


def test_what_has_expired_goes_as_others_come_and_nothing_else_does(
    folder: Path, clock: Seconds
) -> None:
    taken = TakenTokens(folder, clock)
    for number in range(4000):
        assert taken.take(f"{number}")
        clock.now_s += 1
    assert lines_in(folder) < 3 * KEPT_S + 256 * 8
    young = range(4000 - int(KEPT_S), 4000)
    assert not any(taken.take(f"{number}") for number in young)
    assert len(files_in(folder)) <= 256


def test_a_clock_that_was_set_back_keeps_no_token_for_years(folder: Path, clock: Seconds) -> None:
    taken = TakenTokens(folder, clock)
    clock.now_s += 10**8
    for number in range(1500):
        assert taken.take(f"{number}")
    clock.now_s -= 10**8
    for number in range(1500):
        assert taken.take(f"later {number}")
    assert not any(taken.take(f"later {number}") for number in range(1500))
    assert lines_in(folder) < 2250 + 256 * 8


@pytest.mark.parametrize(
    "damage",
    [b"x", b"\n", b"\x00" * 76, b"\x00" * 4096, b"[]\n" * 30],
    ids=["letter", "empty", "zeros of one line", "zeros", "other lines"],
)
def test_what_is_damaged_is_left_out_and_costs_no_other_token(
    folder: Path, clock: Seconds, damage: bytes
) -> None:
    taken = TakenTokens(folder, clock)
    names = [f"{number}" for number in range(600)]
    assert all(map(taken.take, names))
    for path in files_in(folder):
        content = path.read_bytes()
        half = len(content) // 152 * 76
        path.write_bytes(content[:half] + b"\n" + damage + b"\n" + content[half:])
    assert not any(map(taken.take, names))
    assert all(taken.take(f"more {name}") for name in names)
    assert not any(map(taken.take, names))
    written_anew = [path for path in files_in(folder) if len(path.read_bytes()) % 76 == 0]
    assert len(written_anew) > 200
    assert not any(damage in path.read_bytes() for path in written_anew if len(damage) > 1)


@pytest.mark.parametrize("kept_bytes", [1, 40, 63])
def test_a_line_whose_writer_was_killed_is_in_nobodys_way(
    folder: Path, clock: Seconds, kept_bytes: int
) -> None:
    taken = TakenTokens(folder, clock)
    assert taken.take("a")
    (path,) = files_in(folder)
    path.write_bytes(path.read_bytes()[:kept_bytes])
    assert taken.take("a")  # whoever took it died before it was let in
    assert not taken.take("a")
    assert lines_in(folder) == 1


def test_where_no_file_can_be_made_nobody_is_told_that_a_token_is_new(folder: Path) -> None:
    folder.parent.touch()
    with pytest.raises(NotADirectoryError):
        TakenTokens(folder).take("a")


def test_where_a_file_cannot_be_read_nobody_is_told_that_a_token_is_new(folder: Path) -> None:
    taken = TakenTokens(folder)
    assert taken.take("a")
    (path,) = files_in(folder)
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match="no plain file"):
        taken.take("a")
