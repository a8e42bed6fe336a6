from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gofer_ingest.server import small_files
from gofer_ingest.server.errors import ServerBusy
from gofer_ingest.server.small_files import SmallFiles, file_name

CROWD = Path(__file__).with_name("small_files_crowd.py")
MAX_BYTES = 1000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool" / "index" / "things"


def put(files: SmallFiles, name: str, content: bytes) -> None:
    with files.locked(name) as file:
        file.replace(content)


@pytest.mark.parametrize("name", ["ada", "josé", "../../etc/passwd", "a/b", "x" * 255, "\x00"])
def test_a_file_is_found_by_its_name_which_is_no_part_of_a_path(folder: Path, name: str) -> None:
    files = SmallFiles(folder)
    assert files.read(name, MAX_BYTES) is None
    put(files, name, b"1")
    put(files, name, b"22")
    assert files.read(name, MAX_BYTES) == b"22"
    with files.locked(name) as file:
        assert file.read(MAX_BYTES) == b"22"
    called = file_name(name)
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*")} == {
        called[:2],
        f"{called[:2]}/lock",
        f"{called[:2]}/{called}",
    }


def test_only_the_owner_and_the_group_can_read_it(folder: Path) -> None:
    put(SmallFiles(folder), "ada", b"1")
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o640}


def test_nothing_is_made_where_the_volume_is_away(tmp_path: Path) -> None:
    files = SmallFiles(tmp_path / "volume" / "spool" / "index" / "things")
    with pytest.raises(FileNotFoundError), files.locked("ada"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_lines_are_added_to_a_file_that_is_made_when_needed(folder: Path) -> None:
    files = SmallFiles(folder)
    for number in range(3):
        with files.locked("ada") as file:
            file.append(b"%d\n" % number)
    assert files.read("ada", MAX_BYTES) == b"0\n1\n2\n"
    put(files, "ada", b"9\n")
    with files.locked("ada") as file:
        file.append(b"8\n")
    assert files.read("ada", MAX_BYTES) == b"9\n8\n"


def test_a_leftover_of_a_killed_process_is_in_nobodys_way(folder: Path) -> None:
    files = SmallFiles(folder)
    put(files, "ada", b"1")
    called = file_name("ada")
    (folder / called[:2] / f"{called}.new").write_bytes(b"half a fi")
    assert files.read("ada", MAX_BYTES) == b"1"
    put(files, "ada", b"2")
    assert files.read("ada", MAX_BYTES) == b"2"


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "large"])
def test_what_is_no_plain_small_file_is_not_read(folder: Path, kind: str) -> None:
    files = SmallFiles(folder)
    put(files, "ada", b"1")
    path = folder / file_name("ada")[:2] / file_name("ada")
    path.unlink()
    match kind:
        case "link":
            path.symlink_to("/etc/passwd")
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case _:
            path.write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(OSError):  # noqa: PT011 - each kind has its own
        files.read("ada", MAX_BYTES)
    with files.locked("ada") as file:
        with pytest.raises(OSError):  # noqa: PT011
            file.read(MAX_BYTES)
        if kind != "large":
            with pytest.raises(OSError):  # noqa: PT011
                file.append(b"2")


def test_one_lock_at_a_time_is_held_and_others_wait_for_it(folder: Path) -> None:
    files = SmallFiles(folder)
    inside = 0

    def add_one(_: int) -> None:
        nonlocal inside
        with files.locked("ada") as file:
            inside += 1
            assert inside == 1
            file.replace(str(int(file.read(MAX_BYTES) or b"0") + 1).encode())
            inside -= 1

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(add_one, range(200)))
    assert files.read("ada", MAX_BYTES) == b"200"


def test_threads_of_several_processes_wait_for_each_other(folder: Path) -> None:
    crowd = [
        subprocess.Popen(
            [sys.executable, str(CROWD), str(folder), "100"], stdin=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in crowd:
        process.communicate("go\n", timeout=60)
    assert [process.returncode for process in crowd] == [0, 0, 0]
    assert SmallFiles(folder).read("ada", MAX_BYTES) == b"300"


def test_a_reader_sees_the_old_content_or_the_new(folder: Path) -> None:
    files = SmallFiles(folder)
    put(files, "ada", b"0" * 500)
    is_over = threading.Event()

    def read() -> set[bytes | None]:
        seen = set()
        while not is_over.is_set():
            seen.add(files.read("ada", MAX_BYTES))
        return seen

    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        for number in range(300):
            put(files, "ada", str(number % 10).encode() * 500)
        is_over.set()
        seen = set().union(*(reader.result() for reader in readers))
    assert seen <= {str(digit).encode() * 500 for digit in range(10)}


def test_a_lock_that_somebody_keeps_is_not_waited_for_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_files, "WAIT_S", 0.05)
    files = SmallFiles(folder)
    put(files, "ada", b"1")
    with (
        (folder / file_name("ada")[:2] / "lock").open() as other_process,
        ThreadPoolExecutor(2) as threads,
    ):
        fcntl.flock(other_process, fcntl.LOCK_EX)
        for _ in range(2):
            waiting = [threads.submit(put, files, "ada", b"2") for _ in range(2)]
            for one in waiting:
                with pytest.raises(ServerBusy):
                    one.result()
        assert files.read("ada", MAX_BYTES) == b"1"
        fcntl.flock(other_process, fcntl.LOCK_UN)
        put(files, "ada", b"2")
    assert files.read("ada", MAX_BYTES) == b"2"


def test_an_error_inside_lets_go_of_the_lock(folder: Path) -> None:
    files = SmallFiles(folder)
    with pytest.raises(ZeroDivisionError), files.locked("ada"):
        raise ZeroDivisionError
    before = len(list(Path("/proc/self/fd").iterdir()))
    put(files, "ada", b"1")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
