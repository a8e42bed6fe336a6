"""What a course's kernel imports, imported ahead where there is time, before a kernel is forked.

What otter needs, numpy and pandas among it, every kernel has in any case. What courses need takes
about a second more, so a harness that somebody waits for leaves it to the notebook.

Packages that change another one's settings when they are imported stay out: `datascience` chooses
matplotlib's backend, and is to do so when the notebook says so. What it needs is here.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pdb  # noqa: T100 - it is prepared, not used
import sys

from IPython.core import debugger, ultratb

_OFTEN_IMPORTED = (
    "matplotlib.pyplot",
    "scipy.optimize",
    "scipy.stats",
    "folium",
    "plotly.graph_objects",
)
_IMPORTED_ANEW = ("matplotlib", "pyplot")
"""With this one there already, `import matplotlib` alone would make it usable, and it looks for the
shell once, when it is imported. What it needs itself is what takes the time."""
_INLINE_BACKEND = "module://matplotlib_inline.backend_inline"


def preload(*, is_ahead: bool) -> None:
    """Import what notebooks often use, in the state in which a kernel would have it.

    Args:
        is_ahead: whether nobody waits yet, so that there is time for what courses need.
    """
    # as ipykernel has it; matplotlib reads it once, when it is imported
    os.environ.setdefault("MPLBACKEND", _INLINE_BACKEND)
    for name in _OFTEN_IMPORTED if is_ahead else ():
        # an image may do without, and one that is broken is the notebook's to find out
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    _forget(*_IMPORTED_ANEW)


def format_traceback() -> None:
    """Format one as IPython would, when all is imported: the first looks at every module.

    It takes fifteen times as long as the next; on a busy machine that was more than the time in
    which an interrupted cell has to give way.
    """
    try:
        _interrupt()
    except KeyboardInterrupt:
        ultratb.FormattedTB(mode="Context", theme_name="linux").text(*sys.exc_info())


def _interrupt() -> None:
    raise KeyboardInterrupt


def _forget(package: str, module: str) -> None:
    if sys.modules.pop(f"{package}.{module}", None) is not None:
        delattr(sys.modules[package], module)


def make_pdb_interruptible() -> None:
    """Do what ipykernel does at its start; call it before `doctest` derives a class from `pdb.Pdb`.

    Otherwise doctests, which is what otter's tests are, fail in a kernel that was forked after
    their import.
    """
    if hasattr(debugger, "InterruptiblePdb"):
        debugger.Pdb = debugger.InterruptiblePdb
        pdb.Pdb = debugger.Pdb  # type: ignore[assignment,misc]  # as ipykernel does
        pdb.set_trace = debugger.set_trace
