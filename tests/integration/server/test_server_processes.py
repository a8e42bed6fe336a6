"""Several server processes behind one address, and what keeps them together."""

from __future__ import annotations

import resource
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from tests.integration.server.conftest import a_notebook

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.server.conftest import Server

TWO = {"GOFER_SERVER_PROCESSES": "2"}


def children(server: Server) -> list[psutil.Process]:
    """The processes that answer, the first one first."""
    found = psutil.Process(server.process.pid).children()
    return sorted(found, key=lambda child: child.cmdline()[3])


def test_they_share_the_address_the_spool_and_the_log(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start(**TWO, GOFER_REPEAT_WINDOW_S="0", GOFER_RATE="off")
    assert server.logged("supervising")["processes"] == 2
    urls = {server.logged("listening", server_process=number)["url"] for number in (1, 2)}
    assert len(urls) == 1
    server.wait_until(lambda: has_both_answered(server, notebook))
    server.wait_until(lambda: logged_receipts(server) == server.spool.pending())
    assert server.stop() == 0
    for number in (1, 2):
        server.logged("stopped", server_process=number)


def logged_receipts(server: Server) -> list[str]:
    return sorted(line["submission_id"] for line in server.lines if "submission_id" in line)


def has_both_answered(server: Server, notebook: dict[str, Any]) -> bool:
    assert server.post(notebook).status_code == 202
    lines = [line for line in server.lines if line.get("action") == "http.request"]
    return {line["server_process"] for line in lines} == {1, 2}


def test_warnings_about_the_set_up_come_once(start: Callable[..., Server]) -> None:
    server = start(**TWO)
    assert server.stop() == 0
    assert sum(line["action"] == "identity.dev" for line in server.lines) == 1


def test_one_process_has_no_supervisor(start: Callable[..., Server]) -> None:
    server = start()
    assert children(server) == []
    assert "server_process" not in server.logged("listening")


def test_one_that_is_killed_is_replaced_and_its_counts_are_kept(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start(**TWO)
    for _ in range(20):
        assert server.post(notebook).status_code == 202
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(server.connected())
        server.wait_until(lambda: server.metrics()["gofer_connections"] == 9)
        killed = children(server)[0]
        killed.send_signal(signal.SIGKILL)
        died = server.logged("process_ended", server_process=1)
        assert died["exit_code"] == -9
        server.wait_until(lambda: len(listening_lines(server)) == 3)
        assert {child.pid for child in children(server)} & {killed.pid} == set()
        # what was open there is closed, and does not count for ever
        server.wait_until(lambda: server.metrics()["gofer_connections"] < 9)
    assert accepted(server) == 20
    assert server.post(notebook).status_code == 202
    assert accepted(server) == 21


def listening_lines(server: Server) -> list[dict[str, Any]]:
    return [line for line in server.lines if line.get("action") == "listening"]


def accepted(server: Server) -> float:
    labels = '{assignment="lab01",course="demo101"}'
    return server.metrics()[f"gofer_submissions_accepted_total{labels}"]


def test_all_that_die_at_once_again_and_again_are_given_up(start: Callable[..., Server]) -> None:
    server = start(**TWO)
    server.volume.rename(server.volume.with_name("away"))
    server.volume.touch()  # so none of them can start
    for child in children(server):
        child.kill()
    assert server.wait() == 1
    server.logged("gave_up")
    delays = [line["restarted_in_s"] for line in server.lines if line["action"] == "process_ended"]
    assert max(delays) > min(delays)


def test_one_that_cannot_start_does_not_take_the_other_along(
    start: Callable[..., Server],
) -> None:
    server = start(**TWO)
    away = server.volume.with_name("away")
    server.volume.rename(away)
    server.volume.touch()
    children(server)[0].kill()
    server.wait_until(lambda: len(ends(server)) >= 2)
    assert server.get("healthz").status_code == 200
    server.volume.unlink()
    away.rename(server.volume)
    server.wait_until(lambda: len(listening_lines(server)) == 3)
    assert server.stop() == 0


def ends(server: Server) -> list[dict[str, Any]]:
    return [line for line in server.lines if line.get("action") == "process_ended"]


def test_nobody_is_left_when_the_supervisor_is_killed(start: Callable[..., Server]) -> None:
    server = start(**TWO)
    orphans = children(server)
    counts = Path(orphans[0].environ()["PROMETHEUS_MULTIPROC_DIR"])
    assert counts.is_dir()
    server.process.kill()
    _, alive = psutil.wait_procs(orphans, 10)
    assert alive == []
    assert not counts.exists()
    for number in (1, 2):
        server.logged("orphaned", server_process=number)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port))


def test_one_that_does_not_stop_is_killed_in_time(start: Callable[..., Server]) -> None:
    server = start(**TWO)
    stuck = children(server)
    stuck[0].suspend()
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 11
    server.logged("killed", processes=1)
    assert not any(child.is_running() for child in stuck)


def test_a_bad_setting_is_told_once(tmp_path: Path) -> None:
    from tests.integration.server.test_server_starting import refusal  # noqa: PLC0415

    code, line = refusal(tmp_path, GOFER_IDENTITY="dev", GOFER_CPUS="-1", **TWO)
    assert code == 2
    assert line.startswith("GOFER_CPUS: ")


def test_without_descriptors_it_waits_and_goes_on(start: Callable[..., Server]) -> None:
    server = start()
    pid = server.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = psutil.Process(pid).num_fds()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 5, before[1]))
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(server.connected())
        server.logged("accept_failed")
        time_of_server = psutil.Process(pid).cpu_times().user
        assert time_of_server < 10
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    assert httpx.get(f"{server.url}healthz", timeout=10).status_code == 200
    assert server.post(a_notebook()).status_code == 202
    failures = [line for line in server.lines if line.get("action") == "accept_failed"]
    assert len(failures) < 5
