"""`gofer console --desktop`: its windows on a real screen, Chromium's and that of Qt.

Qt's is large, so it has an environment of its own, `make desktop-environment`.
"""

from __future__ import annotations

import csv
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final

import psutil
import pytest

from shared.spool import Spool
from tests.support.devtools import page_in_window
from tests.support.display import Screen
from tests.support.hub import free_port
from tests.support.processes import DEADLINE_S, ROOT, wait_until
from tests.unit.shared.gradebook_samples import fresh_gradebook, graded, record, submitted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.devtools import PageInWindow

TITLE: Final = "Gofer"
TITLE_OF_GRADES: Final = "Grades · Gofer"
"""Of the page, which Chromium's window takes over."""
QT_PYTHON: Final = ROOT / ".cache" / "desktop" / "bin" / "python"
_QT_LISTENS: Final = "DevTools listening on"
_CHROMIUM: Final = """\
#!/bin/sh
exec {chromium} --remote-debugging-port=0 --disable-gpu --disable-background-networking "$@"
"""


def needed(found: object, what: str) -> None:
    """Skip a test without something, or fail it where there must be a browser."""
    if found:
        return
    if os.environ.get("GOFER_REQUIRE_BROWSER") == "1":
        pytest.fail(f"GOFER_REQUIRE_BROWSER=1, and there is no {what}")
    pytest.skip(f"there is no {what}")


class Desktop:
    """`gofer console --desktop` of somebody who sits at a screen.

    Args:
        home: theirs; the volume with two grades is in it.
        screen: theirs.
        python: with or without Qt.
    """

    def __init__(self, home: Path, screen: Screen, python: str) -> None:
        self.home = home
        self.screen = screen
        self.said: list[str] = []
        self._qt_port = free_port()  # the one that it cannot choose itself
        self.process = subprocess.Popen(
            [python, "-m", "gofer_console.cli", "console", "--desktop"],
            cwd=ROOT,
            env={
                "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
                "HOME": str(home),
                "DISPLAY": screen.name,
                "VOLUME_PATH": str(home / "volume"),
                "GOFER_AUTOGRADERS": str(home),
                "GOFER_LOG_FORMAT": "json",
                "QTWEBENGINE_REMOTE_DEBUGGING": f"127.0.0.1:{self._qt_port}",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(iter(self.process.stderr.readline, ""))

    def devtools_port(self) -> int:
        """Where the window's browser engine answers questions."""
        state = self.home / ".local" / "state" / "gofer" / "console"
        active = state / "chromium" / "DevToolsActivePort"

        def written() -> list[str]:  # it exists before anything is in it
            return active.read_text("utf-8").splitlines() if active.exists() else []

        wait_until(lambda: len(written()) > 1 or any(_QT_LISTENS in line for line in self.said))
        return int(written()[0]) if written() else self._qt_port

    def end(self) -> None:
        """See to it that nothing stays."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        assert self.process.stderr is not None
        self.process.stderr.close()


@pytest.fixture
def screen() -> Iterator[Screen]:
    needed(shutil.which("Xvfb"), "Xvfb on the PATH")
    with Screen() as screen:
        yield screen


@pytest.fixture
def home(tmp_path: Path) -> Path:
    chromium = shutil.which("chromium")
    needed(chromium, "chromium on the PATH")
    (tmp_path / "volume").mkdir()
    engine = fresh_gradebook(tmp_path / "volume")
    record(engine, submitted("ada"), graded(7.5))
    record(engine, submitted("bob"), graded(0))
    engine.dispose()
    Spool(tmp_path / "volume").prepare()
    program = tmp_path / "bin" / "google-chrome"  # the first that is looked for
    program.parent.mkdir()
    program.write_text(_CHROMIUM.format(chromium=chromium), "utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return tmp_path


@pytest.fixture
def chromium_window(home: Path, screen: Screen) -> Iterator[Desktop]:
    desktop = Desktop(home, screen, sys.executable)
    yield desktop
    desktop.end()


@pytest.fixture
def qt_window(home: Path, screen: Screen) -> Iterator[Desktop]:
    needed(QT_PYTHON.exists(), "environment with Qt; `make desktop-environment` makes it")
    desktop = Desktop(home, screen, str(QT_PYTHON))
    yield desktop
    desktop.end()


def look_at_the_grades(page: PageInWindow) -> None:
    page.wait_for("document.querySelector('h1')?.textContent === 'Overview'")
    page.ask("document.querySelector('[data-testid=stSidebarNav] a[href$=\"/grades\"]').click()")
    page.wait_for("document.querySelector('h1')?.textContent === 'Grades'")
    page.wait_for(
        "[...document.querySelectorAll('td')].map(td => td.textContent)"
        ".filter(text => ['ada', 'bob'].includes(text)).length === 2"
    )


def press_export(page: PageInWindow) -> None:
    page.ask("document.querySelector('.st-key-all_that_match button').click()")
    link = "document.querySelector('a[href^=\"download/grades\"]')"
    page.wait_for(f"{link} !== null")
    page.ask(f"{link}.click()")


def saved(desktop: Desktop) -> dict[str, float]:
    """Wait for the file that was downloaded; give each student's score in it."""
    folder = desktop.home / "Downloads"
    wait_until(lambda: bool(list(folder.glob("*.csv"))))
    (path,) = folder.glob("*.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: float(row["score"]) for row in csv.DictReader(file)}


def still_running(group: int) -> list[str]:
    """What runs in a group of processes, but for what has ended already."""
    return [
        one.info["name"]
        for one in psutil.process_iter(["name", "status"])
        if one.info["status"] != psutil.STATUS_ZOMBIE and _group_of(one.pid) == group
    ]


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def close(desktop: Desktop, title: str = TITLE) -> None:
    """Close the window: all that it started ends with it."""
    desktop.screen.close(title)
    assert desktop.process.wait(DEADLINE_S) == 0, "".join(desktop.said)
    assert desktop.screen.titles() == []
    wait_until(lambda: not still_running(desktop.process.pid))


def test_chromium_shows_the_grades_saves_them_and_closes(chromium_window: Desktop) -> None:
    with page_in_window(chromium_window.devtools_port()) as page:
        look_at_the_grades(page)
        wait_until(lambda: chromium_window.screen.is_drawn(TITLE_OF_GRADES))
        press_export(page)
        assert saved(chromium_window) == {"ada": 7.5, "bob": 0}
    close(chromium_window, TITLE_OF_GRADES)


def test_qt_shows_the_grades_saves_them_where_it_is_told_and_closes(qt_window: Desktop) -> None:
    with page_in_window(qt_window.devtools_port()) as page:
        look_at_the_grades(page)
        wait_until(lambda: qt_window.screen.is_drawn(TITLE))
        press_export(page)
        qt_window.screen.press_enter("Save")
        assert saved(qt_window) == {"ada": 7.5, "bob": 0}
    close(qt_window)
    assert (qt_window.home / ".local/state/gofer/console/window.json").exists()
