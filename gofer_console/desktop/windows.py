"""The windows there are: Qt's own by pywebview, a Chromium's without its frame, the usual browser.

A window gets the link without its showing in the list of processes, where everybody on the machine
can read it: through a pipe, or in a file for its owner alone. Chromium takes a command line and
nothing else; its link works once, and it uses it at once.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import webbrowser
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import platformdirs

from gofer_console import terminal
from shared.config import child_environment

if TYPE_CHECKING:
    from collections.abc import Callable

TITLE: Final = "Gofer"
WIDTH: Final = 1280
HEIGHT: Final = 820

_CHROMIUMS: Final = (
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_FAILS_WITHIN_S: Final = 10.0
"""After which a window that ended was one, however it ended."""
_AS_ROOT: Final = (
    "As root, the window's browser cannot shut itself in as it otherwise does. Better start the "
    "console as yourself."
)


def state_folder() -> Path:
    """Return the folder that keeps the window's size and logins, made for its owner alone."""
    folder = platformdirs.user_state_path("gofer") / "console"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def has_pywebview() -> bool:
    """Whether the extra `gofer[desktop]` is installed."""
    return all(importlib.util.find_spec(name) for name in ("webview", "PySide6", "qtpy"))


def chromium() -> str | None:
    """Return the first Chromium, Chrome or Edge that is there."""
    return next((found for name in _CHROMIUMS if (found := shutil.which(name))), None)


def open_window(link: str, *, is_own: bool) -> bool:
    """Open the console in the best window there is.

    Args:
        link: to open.
        is_own: whether the console was started for this window; otherwise its logins are kept.

    Returns:
        Whether this waited for the window to be closed; otherwise nobody can tell when it is.
    """
    if is_root():
        terminal.err().print(_AS_ROOT, soft_wrap=True)
    ways: list[Callable[[], bool]] = []
    if has_pywebview():
        ways.append(lambda: _in_qt(link, is_own=is_own))
    browser = chromium()
    if browser is not None:
        ways.append(lambda: _in_chromium(browser, link))
    return any(way() for way in ways) or _in_browser(link)


def is_root() -> bool:
    """Whether this runs as root, whom no browser engine shuts in."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _in_qt(link: str, *, is_own: bool) -> bool:
    overrides = {"QTWEBENGINE_DISABLE_SANDBOX": "1"} if is_root() else {}
    return _was_open(
        [sys.executable, "-m", "gofer_console.desktop.qt_window"],
        env=child_environment(overrides),
        input=json.dumps({"link": link, "is_own": is_own}),
    )


def _in_chromium(browser: str, link: str) -> bool:
    arguments = [
        browser,
        f"--app={link}",
        f"--user-data-dir={state_folder() / 'chromium'}",
        f"--window-size={WIDTH},{HEIGHT}",
        "--no-first-run",
        "--no-default-browser-check",
        "--class=gofer-console",
    ]
    if is_root():
        arguments.append("--no-sandbox")
    # Its chatter about what a desktop lacks would hide what the console says.
    return _was_open(arguments, input="", stderr=subprocess.DEVNULL)


def _was_open(command: list[str], **options: Any) -> bool:
    """Run a window and wait for its end; return whether there was one to be seen."""
    began = time.monotonic()
    code = subprocess.run(command, text=True, check=False, **options).returncode  # noqa: S603 - ours, or a browser that was found
    if code == 0 or time.monotonic() - began > _FAILS_WITHIN_S:
        return True
    terminal.err().print("This window could not be opened; trying the next way.", soft_wrap=True)
    return False


def _in_browser(link: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="gofer-") as folder:
        page = Path(folder) / "console.html"
        page.write_text(
            f'<!doctype html><title>{TITLE}</title><meta http-equiv="refresh" '
            f'content="0; url={escape(link, quote=True)}">',
            "utf-8",
        )
        if not webbrowser.open(page.as_uri()):
            terminal.err().print(f"Open the console at {link}", soft_wrap=True)
        terminal.err().print("Press Enter here to stop the console.")
        sys.stdin.readline()
    return False
