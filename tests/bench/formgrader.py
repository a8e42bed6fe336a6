"""nbgrader's formgrader, the peer of the staff console: the same students, in the same browser."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psutil

from tests.bench.browsing import PATIENCE_MS, Timed, repeated, spent_by
from tests.support.hub import free_port
from tests.support.processes import ROOT, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

ENVIRONMENT: Final = ROOT / ".cache" / "nbgrader"
_ASSIGNMENT: Final = "lab000"
_SHOWN: Final = """name => [...document.querySelectorAll('#main-table td')].some(
    cell => cell.textContent.trim() === name)"""
_ROWS: Final = "wanted => document.querySelectorAll('#main-table tr').length === wanted"


def is_there() -> bool:
    """Whether `scripts/environment` has made nbgrader's environment."""
    return (ENVIRONMENT / "bin" / "jupyter-server").exists()


@contextmanager
def formgrader_on(folder: Path, students: int) -> Iterator[tuple[str, psutil.Process]]:
    """Make a course of one assignment and serve its formgrader; give its address and process."""
    python = ENVIRONMENT / "bin" / "python"
    plain = {"PATH": f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}", "HOME": str(folder)}
    script = ROOT / "tests" / "bench" / "formgrader_gradebook.py"
    # Its own mistakes with its database are not ours to read.
    command = [str(python), "-W", "ignore", str(script), str(folder), str(students)]
    subprocess.run(command, check=True, env=plain, cwd=folder)
    extensions = {"nbgrader.server_extensions.formgrader": True}
    config = {"ServerApp": {"jpserver_extensions": extensions}}
    (folder / "jupyter_server_config.json").write_text(json.dumps(config))
    port = free_port()
    with (folder / "log").open("w") as log:
        child = subprocess.Popen(
            [
                *(python, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                *("--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token="),
                f"--ServerApp.root_dir={folder}",
            ],
            cwd=folder,
            env={**plain, "JUPYTER_CONFIG_DIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}/formgrader/"

    def answers() -> bool:
        if child.poll() is not None:
            raise SystemExit("nbgrader did not start:\n" + (folder / "log").read_text())
        try:
            urllib.request.urlopen(address, timeout=10).close()
        except (urllib.error.URLError, TimeoutError):
            return False
        return True

    try:
        wait_until(answers)
        yield address, psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(30)


def measure_formgrader(
    browser: Browser, address: str, process: psutil.Process, students: int
) -> dict[str, Timed]:
    """Open an assignment's submissions, and search in them, again and again.

    Its page holds all of them, so a search happens in the browser alone.

    Args:
        browser: that is to open it.
        address: of the formgrader.
        process: that serves it.
        students: how many there are.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(PATIENCE_MS)
    first = "student000000"

    def opened(_number: int) -> None:
        page.goto(f"{address}manage_submissions/{_ASSIGNMENT}", wait_until="commit")
        page.wait_for_function(_SHOWN, arg=first, timeout=PATIENCE_MS)

    opened(0)
    found = {"opened": repeated(opened, spent_by(process))}
    search = page.locator("input[type=search]")

    def searched(number: int) -> None:
        name = f"student{students // 2 + number:06d}"
        search.fill(name)
        page.wait_for_function(_SHOWN, arg=name, timeout=PATIENCE_MS)
        page.wait_for_function(_ROWS, arg=1, timeout=PATIENCE_MS)

    found["searched"] = repeated(searched, spent_by(process))
    page.close()
    return found
