"""Timing what somebody sees in a browser, and what the server spends on it.

A table of Streamlit's is drawn on a canvas; what is told of it to screen readers follows a fifth of
a second later. So a page writes down what its canvases are given to draw, and when a text counts as
painted is when it was drawn.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

PATIENCE_MS: Final = 60_000
REPEATED: Final = 7
_WRITES_DOWN: Final = """
window.drawnTexts = new Set();
const drawText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
    window.drawnTexts.add(String(text));
    return drawText.call(this, text, ...rest);
};
"""
_DRAWN: Final = "text => window.drawnTexts.has(text)"
_SAID: Final = """text => [...document.querySelectorAll('[data-testid=stCaptionContainer]')].some(
    one => one.textContent.includes(text))"""


@dataclass(frozen=True, slots=True)
class Timed:
    """How long something took when it was done again and again.

    Attributes:
        median_s: seconds, from the gesture to what is seen of it.
        worst_s: of them all.
        cpu_s: processor seconds of the server for one, on the average.
        browser_cpu_s: the same of the browser, all its processes together.
    """

    median_s: float
    worst_s: float
    cpu_s: float
    browser_cpu_s: float


def repeated(act: Callable[[int], None], spent: Callable[[], float]) -> Timed:
    """Time something that is done `REPEATED` times.

    Args:
        act: does it and waits until it is seen; is given 0, 1, 2 …
        spent: tells the server's processor seconds until now.
    """
    seconds, before, browser_before = [], spent(), _browser_cpu_s()
    for number in range(REPEATED):
        begun = time.perf_counter()
        act(number)
        seconds.append(time.perf_counter() - begun)
    return Timed(
        statistics.median(seconds),
        max(seconds),
        (spent() - before) / REPEATED,
        (_browser_cpu_s() - browser_before) / REPEATED,
    )


def write_down(page: Page) -> None:
    """Have a page, and every one that it opens later, write down what its canvases draw."""
    page.add_init_script(_WRITES_DOWN)


def forget_drawn(page: Page) -> None:
    """Begin anew with what was drawn: call it just before a gesture."""
    page.evaluate("window.drawnTexts.clear()")


def wait_drawn(page: Page, text: str) -> None:
    """Wait until a canvas of the page was given exactly this text to draw."""
    page.wait_for_function(_DRAWN, arg=text, timeout=PATIENCE_MS)


def wait_said(page: Page, text: str) -> None:
    """Wait until a caption of the page has this in it."""
    page.wait_for_function(_SAID, arg=text, timeout=PATIENCE_MS)


def spent_by(process: psutil.Process) -> Callable[[], float]:
    """Return what tells the processor seconds of a process and of its children until now."""
    return lambda: cpu_s(process)


def cpu_s(process: psutil.Process) -> float:
    """Return the processor seconds of a process and of its children until now."""
    family = [process, *process.children(recursive=True)]
    return float(sum(sum(one.cpu_times()[:2]) for one in family))


def _browser_cpu_s() -> float:
    """Return the processor seconds of the browser that this process has started."""
    family = psutil.Process().children(recursive=True)
    return float(sum(sum(one.cpu_times()[:2]) for one in family if "chrom" in one.name()))


def peak_bytes(process: psutil.Process) -> int:
    """Return the most memory that a process had resident at once, and each of its children."""
    family = [process, *process.children(recursive=True)]
    return sum(_high_water_bytes(one.pid) for one in family)


def _high_water_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError("/proc has no VmHWM of this process")
