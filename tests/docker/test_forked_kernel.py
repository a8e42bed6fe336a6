"""The kernel is forked from the harness, and a notebook finds it as one that was just launched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.model import Verdict
from tests.docker.conftest import ADAPTERS, made
from tests.support.grading import grade
from tests.support.zips import autograder_zip, notebook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gofer_ingest.grader.sandbox import Sandbox

LOOKS = """
import asyncio, decimal, gc, json, locale, os, signal, sys, threading, warnings

is_ahead = "folium" in sys.modules
seen = {
    "argv": [os.path.basename(sys.argv[0]), sys.argv[1], *sys.argv[3:]],
    "path": [path for path in sys.path if path != os.getcwd()],  # otter adds it
    "executable": sys.executable,
    "main": sorted(set(vars(sys.modules["__main__"])) & {"__file__", "__spec__", "__name__"}),
    "harness": sorted(n for n in sys.modules if "harness" in n),
    "environment": sorted(set(os.environ) - {"JPY_PARENT_PID", "JPY_SESSION_NAME", "_"}),
    "signals": {str(n): str(signal.getsignal(n)) for n in signal.valid_signals() - {9, 19, 32, 33}},
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "filters": sorted(map(str, warnings.filters)),
    "locale": locale.setlocale(locale.LC_ALL),
    "context": str(decimal.getcontext()),
    "recursion": sys.getrecursionlimit(),
    "collecting": [gc.isenabled(), gc.get_threshold()],
    "hooks": [sys.excepthook.__qualname__, sys.displayhook.__class__.__qualname__],
    "tracing": [sys.gettrace() is None, sys.getprofile() is None],
    "streams": [type(s).__qualname__ for s in (sys.stdin, sys.stdout, sys.stderr)],
    "threads": sorted({type(t).__name__ for t in threading.enumerate()}),
    "policy": type(asyncio.get_event_loop_policy()).__qualname__,
    "loop": [type(asyncio.get_running_loop()).__qualname__],
    "session": os.getsid(0) == os.getpid() == os.getpgid(0),
    "umask": [os.umask(0o77), os.umask(0o22)][:1],
    "dumpable": os.stat("/proc/self/mem").st_uid == os.getuid(),
    "standard": [os.path.basename(os.readlink(f"/proc/self/fd/{n}")).split(":")[0] for n in (1, 2)],
}
import numpy, pandas
seen["numpy"] = [numpy.get_printoptions(), str(numpy.geterr())]
seen["pandas"] = str(pandas.get_option("display.max_rows"))
"""
"""Of a kernel by itself; what otter does to one comes on top in a notebook."""

DRAWS = """
import matplotlib
early = hasattr(matplotlib, "pyplot")
import matplotlib.pyplot as plt
plt.plot([1, 2], [3, 4])
backend = matplotlib.get_backend()
drawn = plt.get_fignums()
"""
DRAWN = "left = plt.get_fignums()"

COMPARES = f"""
import json
from jupyter_client.manager import start_new_kernel
history = ["--HistoryManager.hist_file=:memory:"]
manager, client = start_new_kernel(kernel_name="python3", extra_arguments=history)
said = []
def hear(message):
    if message["msg_type"] == "stream":
        said.append(message["content"]["text"])
# What was imported ahead has filters for its own warnings, as it has where a notebook imports it.
source = "import scipy.optimize, folium\\n" if is_ahead else ""
source += "import otter, otter.execute" + {LOOKS!r} + "print('seen', json.dumps(seen, default=str))"
client.execute_interactive(source, output_hook=hear, timeout=60)
manager.shutdown_kernel(now=True)
line, = [line for line in "".join(said).splitlines() if line.startswith("seen ")]
launched = json.loads(line[5:])
ours = json.loads(json.dumps(seen, default=str))
different = {{
    key: (ours[key], launched[key]) for key in launched if ours[key] != launched[key]
}}
print("different", different)
"""

DESCRIPTORS = """
import os
ends = {}
strangers = []
for number in os.listdir("/proc/self/fd"):
    try:
        target = os.readlink(f"/proc/self/fd/{number}")
        flags = open(f"/proc/self/fdinfo/{number}").read().split("flags:")[1].split()[0]
    except OSError:
        continue  # of the listing itself
    if target.startswith("pipe:"):
        ends.setdefault(target, set()).add(int(flags, 8) & os.O_ACCMODE)
    elif not target.startswith(("socket:", "anon_inode:", "/dev/null", f"/proc/{os.getpid()}/")):
        strangers.append(target)
log = len([target for target, held in ends.items() if len(held) == 1])
"""
"""A pipe of the kernel's own has both of its ends here; the log's has its writing end alone."""


@pytest.fixture(params=ADAPTERS)
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    """Each adapter of the sandbox port in turn."""
    yield from made(request, tmp_path)


def assert_holds(sandbox: Sandbox, *cells: str, **values: str) -> None:
    """Assert that after these cells each of the notebook's names has this value, as Python code."""
    tests = {}
    for name, value in values.items():
        case = {"code": f">>> {name}\n{value}", "hidden": False}
        test = {"name": name, "points": 1, "suites": [{"cases": [case], "type": "doctest"}]}
        tests[name] = f"OK_FORMAT = True\n\ntest = {test!r}\n"
    result = grade(sandbox, autograder_zip(tests), notebook(*cells))
    assert result.verdict is Verdict.GRADED, result.staff_text
    assert {one.question: one.score for one in result.questions} == dict.fromkeys(values, 1.0), (
        result.log_tail
    )


def test_it_looks_like_a_kernel_that_was_launched(sandbox: Sandbox) -> None:
    assert_holds(sandbox, LOOKS, COMPARES, different="{}")


def test_it_holds_nothing_of_the_harness_open(sandbox: Sandbox) -> None:
    assert_holds(sandbox, DESCRIPTORS, strangers="[]", log="1")


def test_plots_are_shown_and_closed_with_their_cell(sandbox: Sandbox) -> None:
    backend = "'module://matplotlib_inline.backend_inline'"
    assert_holds(sandbox, DRAWS, DRAWN, early="False", backend=backend, drawn="[1]", left="[]")
