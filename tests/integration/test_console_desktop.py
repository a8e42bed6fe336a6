"""`gofer console --desktop`: what it starts for a window, and that nothing of it stays.

A program of the name of a browser stands in for it: it opens the link, writes down what it got, and
ends when it is told to, as a window does that is closed.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.support.commands import run_gofer
from tests.support.processes import DEADLINE_S, ROOT, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BROWSER: Final = """\
#!{python}
import http.cookiejar, json, os, pathlib, sys, threading, urllib.error, urllib.request
folder = pathlib.Path({folder!r})
(link,) = [word.partition("=")[2] for word in sys.argv if word.startswith("--app=")]
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({{}}),
    urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
)
try:
    with opener.open(link) as page:
        status, url = page.status, page.url
except urllib.error.URLError as error:
    status, url = getattr(error, "code", 0), link
said = json.dumps({{"link": link, "status": status, "url": url, "words": sys.argv}})
(folder / "said.new").write_text(said)
(folder / "said.new").rename(folder / "said")
for _ in range(6000):
    if (folder / "close").exists():
        sys.exit(0)
    threading.Event().wait(0.01)
sys.exit(1)
"""


class Window:
    """`gofer console --desktop` with the stand-in for its window."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        programs = folder / "bin"
        programs.mkdir()
        browser = programs / "google-chrome"
        browser.write_text(_BROWSER.format(python=sys.executable, folder=str(folder)), "utf-8")
        browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gofer_console.cli", "console", "--desktop", *arguments],
            cwd=ROOT,
            env={
                "PATH": f"{programs}:{os.environ['PATH']}",
                "HOME": str(folder),
                "VOLUME_PATH": str(folder / "volume"),
                "GOFER_AUTOGRADERS": str(folder),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def said(self) -> dict[str, Any]:
        """What the window got."""
        path = self.folder / "said"
        wait_until(lambda: path.exists() or self.process.poll() is not None)
        read: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return read

    def close(self) -> str:
        """Close the window; return what was said on standard error."""
        (self.folder / "close").touch()
        try:
            _, words = self.process.communicate(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return words


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    (tmp_path / "close").touch()


def is_gone(url: str) -> bool:
    try:
        httpx.get(url, timeout=DEADLINE_S)
    except httpx.TransportError:
        return True
    return False


def test_closing_the_window_stops_what_it_started(folder: Path) -> None:
    window = Window(folder)
    said = window.said()
    assert said["status"] == 200
    assert "launch=" not in said["url"]
    # Everybody on the machine can read a command line: what they read there opens nothing more.
    assert httpx.get(said["link"]).status_code == 403
    words = window.close()
    assert window.process.returncode == 0, words
    assert is_gone(said["url"])
    assert "launch=" not in words


def test_nothing_stays_where_the_window_is_killed(folder: Path) -> None:
    window = Window(folder)
    url = window.said()["url"]
    assert not is_gone(url)
    window.process.send_signal(signal.SIGKILL)
    window.close()
    wait_until(lambda: is_gone(url))


def test_it_opens_a_console_that_runs_elsewhere(folder: Path) -> None:
    window = Window(folder, "--url", "http://127.0.0.1:9/services/console/")
    said = window.said()
    assert said["link"] == "http://127.0.0.1:9/services/console/"
    assert "launch=" not in " ".join(said["words"])
    window.close()
    assert window.process.returncode == 0
    assert not (folder / "volume").exists()


@pytest.mark.parametrize(
    "arguments", [("--url", "http://x/"), ("--desktop", "--url", "javascript:alert(1)")]
)
def test_urls_that_cannot_be_opened_are_refused(arguments: tuple[str, ...]) -> None:
    done = run_gofer({"PATH": os.environ["PATH"]}, "console", *arguments)
    assert done.returncode == 2
    assert "--url" in done.stderr
