"""What the door does with the same again, with too often, and with no room, on real processes."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gofer_ingest.server.door import LARGE_BYTES
from gofer_ingest.server.serving import THREADS
from shared.model import SubmissionId
from tests.integration.server.conftest import a_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.integration.server.conftest import Server

STUCK = Path(__file__).with_name("stuck_before_noting.py")
STUCK_READING = Path(__file__).with_name("stuck_reading_large.py")
JSON = {"Accept": "application/json"}


def numbered(number: int) -> dict[str, Any]:
    notebook = a_notebook()
    notebook["cells"][0]["source"] = f"number {number}"
    return notebook


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["code"])


# --- the same again -----------------------------------------------------------------------------


def test_fifty_of_the_same_at_once_over_two_processes_are_one_submission(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    servers = [start(), start()]
    with ThreadPoolExecutor(50) as threads:
        answers = list(
            threads.map(lambda number: servers[number % 2].post(notebook, **JSON), range(50))
        )
    assert {answer.status_code for answer in answers} == {202}
    receipts = {json.dumps(answer.json(), sort_keys=True) for answer in answers}
    assert len(receipts) == 1
    (entry,) = servers[0].spool.pending()
    assert entry == json.loads(receipts.pop())["id"]


def test_the_same_again_is_told_the_same_sentence(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start()
    first = server.post({"nb": notebook})
    again = server.post({"nb": notebook})
    assert (again.status_code, again.text) == (202, first.text)
    assert again.headers["location"] == first.headers["location"]


def test_without_a_window_the_same_again_is_a_new_submission(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start(GOFER_REPEAT_WINDOW_S="0")
    assert {server.post(notebook).status_code for _ in range(3)} == {202}
    assert len(server.spool.pending()) == 3


def test_a_kill_between_delivery_and_noting_loses_nothing_and_holds_up_nobody(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    stuck = start(str(STUCK))
    with stuck.connected() as connection:
        body = json.dumps(notebook).encode()
        connection.sendall(stuck.head(f"Content-Length: {len(body)}") + body)
        stuck.logged("stuck")
        (first,) = stuck.spool.pending()
        stuck.process.kill()
        stuck.wait()
    server = start()
    again = [server.post(notebook, **JSON).json()["id"] for _ in range(3)]
    assert len(set(again)) == 1
    assert server.spool.pending() == [first, again[0]]
    for entry in server.spool.pending():
        assert server.spool.read(entry).notebook() == body


# --- large ones -----------------------------------------------------------------------------------


def test_large_notebooks_that_wait_for_their_turn_hold_up_no_small_ones(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    """There are more of them than the server has threads."""
    server = start(str(STUCK_READING))
    large = json.dumps({**notebook, "x": "x" * LARGE_BYTES}).encode()
    with ExitStack() as stack:
        for number in range(THREADS + 4):
            connection = stack.enter_context(server.connected())
            head = server.head(f"Content-Length: {len(large)}", student=f"large{number}")
            connection.sendall(head + large)
        server.logged("stuck")
        arrived = (THREADS + 4) * len(large)
        server.wait_until(lambda: server.metrics()["gofer_received_bytes_total"] >= arrived)
        assert server.post(notebook, "small").status_code == 202
        server.process.kill()


# --- too often ----------------------------------------------------------------------------------


def test_too_often_is_told_with_the_wait_and_trying_again_resets_nothing(
    start: Callable[..., Server],
) -> None:
    server = start(GOFER_RATE="2/1h")
    assert [server.post(numbered(number)).status_code for number in range(2)] == [202, 202]
    waits = []
    for number in range(2, 5):
        answer = server.post(numbered(number), **JSON)
        assert answer.status_code == 429
        assert code_of(answer) == "too_many"
        waits.append(int(answer.headers["retry-after"]))
    assert 3500 < waits[-1] <= waits[0] <= 3600
    told = server.post(numbered(9), Accept="*/*")
    assert told.headers["content-type"] == "text/plain; charset=utf-8"
    assert told.text.startswith("You may submit lab01 2 times in 1 hour. Try again in ")
    assert server.post(numbered(0)).status_code == 202  # a repeat
    assert server.post(numbered(9), student="grace").status_code == 202
    assert len(server.spool.pending()) == 3


def test_two_processes_count_together(start: Callable[..., Server]) -> None:
    servers = [start(GOFER_RATE="5/1h") for _ in range(2)]
    with ThreadPoolExecutor(20) as threads:
        answers = list(
            threads.map(lambda number: servers[number % 2].post(numbered(number)), range(40))
        )
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(202) == 5
    assert statuses.count(429) == 35
    assert len(servers[0].spool.pending()) == 5


def test_an_assignment_may_have_a_rate_of_its_own(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    config = tmp_path / "course.toml"
    config.write_text(
        "[courses.demo101.sections.1.assignments.lab01]\n"
        "autograder = 'lab01.zip'\n"
        "rate = '1/1d'\n"
        "[courses.demo101.sections.1.assignments.hw02]\n"
        "autograder = 'hw02.zip'\n"
    )
    server = start(COURSE_CONFIG_PATH=str(config), GOFER_RATE="off")
    assert [server.post(numbered(number)).status_code for number in range(2)] == [202, 429]
    for number in range(40):
        notebook = numbered(number)
        notebook["metadata"]["assignment"] = "hw02"
        assert server.post(notebook).status_code == 202


# --- no room ------------------------------------------------------------------------------------


def check_refused_before_the_body(server: Server, status: int) -> None:
    with server.connected() as connection:
        connection.sendall(server.head("Content-Length: 1000", "Expect: 100-continue"))
        assert connection.recv(1000).startswith(b"HTTP/1.1 %d " % status)


def test_a_full_queue_is_told_before_the_body_and_takes_more_once_some_are_graded(
    start: Callable[..., Server],
) -> None:
    server = start(GOFER_MAX_WAITING="2")
    assert [server.post(numbered(number)).status_code for number in range(2)] == [202, 202]
    answer = server.post(numbered(2), **JSON)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert code_of(answer) == "too_many_waiting"
    assert answer.json()["message"].startswith("Very many submissions wait to be graded.")
    check_refused_before_the_body(server, 503)
    ready = server.get("readyz", student=None)
    assert (ready.status_code, code_of(ready)) == (503, "too_many_waiting")
    assert server.get("healthz", student=None).status_code == 200
    server.spool.settle(server.spool.pending()[0])
    server.wait_until(lambda: server.get("readyz", student=None).status_code == 200)
    assert server.post(numbered(2)).status_code == 202
    server.logged("http.unavailable", code="too_many_waiting")


def test_a_margin_of_the_disk_is_left_free(start: Callable[..., Server]) -> None:
    server = start(GOFER_MIN_FREE_DISK="4000t")
    answer = server.post(a_notebook(), **JSON)
    assert (answer.status_code, code_of(answer)) == (507, "storage_full")
    assert answer.json()["message"].startswith("The server's disk is full.")
    check_refused_before_the_body(server, 507)
    ready = server.get("readyz", student=None)
    assert (ready.status_code, code_of(ready)) == (507, "storage_full")
    assert "are to be left" in server.logged("http.unavailable", code="storage_full")["reason"]
    assert server.is_spool_empty()


@pytest.fixture
def mounted_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 4 MiB."""
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=4m", "tmpfs") as folder:
        yield folder


class mounted:  # noqa: N801 - used as a context manager's function
    """Mount something on a folder until the end of the block; skip where that cannot be done."""

    def __init__(self, folder: Path, *what: str) -> None:
        self._folder = folder
        self._what = what

    def __enter__(self) -> Path:
        if os.geteuid() != 0:
            pytest.skip("only root can mount")
        self._folder.mkdir(exist_ok=True)
        command = ["mount", *self._what, str(self._folder)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            pytest.skip(f"nothing can be mounted here: {made.stderr.strip()}")
        return self._folder

    def __exit__(self, *exception: object) -> None:
        subprocess.run(["umount", "--lazy", str(self._folder)], check=True)


def test_submissions_end_before_the_disk_is_full(
    mounted_disk: Path, start: Callable[..., Server]
) -> None:
    server = start(
        VOLUME_PATH=str(mounted_disk / "volume"), GOFER_MIN_FREE_DISK="1m", GOFER_RATE="off"
    )
    answer = None
    for number in range(100):
        answer = server.post({**numbered(number), "x": "x" * 100_000}, **JSON)
        if answer.status_code != 202:
            break
    assert answer is not None
    assert (answer.status_code, code_of(answer)) == (507, "storage_full")
    assert 15 < len(server.spool.pending()) < 40
    assert server.spool.free_bytes() >= 1 << 20
    for entry in server.spool.pending():
        server.spool.read(entry).notebook()
    assert not list((server.volume / "spool" / "tmp").iterdir())


# --- an index that cannot be used ---------------------------------------------------------------


def test_an_index_that_is_read_only_costs_nobody_a_receipt(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start()
    first = server.post(notebook, **JSON).json()["id"]
    index = server.volume / "spool" / "index"
    with mounted(index, "--bind", str(index)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(index)], check=True)
        second = server.post(notebook, **JSON)
        assert second.status_code == 202
        line = server.logged("receipts.unusable")
        assert "Read-only" in line["reason"]
    assert server.spool.pending() == [first, second.json()["id"]]
    assert server.spool.read(SubmissionId(second.json()["id"])).notebook()
    assert server.post(notebook, **JSON).json()["id"] == first


def test_an_index_that_was_deleted_is_made_again(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start()
    first = server.post(notebook, **JSON).json()["id"]
    (server.volume / "spool" / "index").rename(server.volume / "gone")
    again = [server.post(notebook, **JSON).json()["id"] for _ in range(2)]
    assert server.spool.pending() == [first, again[0]]
    assert again[0] == again[1]
