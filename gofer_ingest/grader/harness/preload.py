"""What a course's kernel imports, imported ahead, so that kernels which are forked share it.

Packages that change another one's settings when they are imported stay out: `datascience` chooses
matplotlib's backend, and is to do so when the notebook says so. What it needs is here.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pdb  # noqa: T100 - it is prepared, not used

from IPython.core import debugger

_OFTEN_IMPORTED = (
    "numpy",
    "pandas",
    "matplotlib.pyplot",
    "scipy.optimize",
    "scipy.stats",
    "folium",
    "plotly.graph_objects",
    "ipywidgets",
)
_INLINE_BACKEND = "module://matplotlib_inline.backend_inline"


def preload() -> None:
    """Import what kernels need, in the state in which a kernel would have it.

    Call it before anything imports `doctest`.
    """
    _make_pdb_interruptible()
    # as ipykernel has it; matplotlib reads it once, when it is imported
    os.environ.setdefault("MPLBACKEND", _INLINE_BACKEND)
    for name in _OFTEN_IMPORTED:
        # an image may do without, and one that is broken is the notebook's to find out
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in one process would make a page of its own of each shared one


def _make_pdb_interruptible() -> None:
    """Do what ipykernel does at its start, and before `doctest` derives a class from `pdb.Pdb`.

    Otherwise doctests, which is what otter's tests are, fail in a kernel that was forked after
    their import.
    """
    if hasattr(debugger, "InterruptiblePdb"):
        debugger.Pdb = debugger.InterruptiblePdb
        pdb.Pdb = debugger.Pdb  # type: ignore[assignment,misc]  # as ipykernel does
        pdb.set_trace = debugger.set_trace
