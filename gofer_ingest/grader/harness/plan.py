"""What is executed of a notebook, cell by cell: otter's own cells, with one check in each.

otter puts its tests into the notebook as a last cell that runs all of those which no cell of the
notebook has run yet, and then writes the results. A test that never ends would take the others with
it. So each of them gets a cell of its own before that last one, which then finds all of them done
and only writes.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
from otter.execute import preprocessor

from . import kept_results

from_dict: Any = nbformat.from_dict
new_code_cell: Any = nbformat.v4.new_code_cell

POSITION_KEY = "gofer_position"
"""Metadata of a cell: its number in the notebook as it was submitted, from 1, text cells too."""
KEPT_SUFFIX = ".kept"
_CHECK_SOURCE = """\
from otter.execute import Checker
Checker.check_if_not_already_checked({path!r})
"""
# The kernel was started before there was a folder with the notebook.
_KEEPER_SOURCE = """
__import__("os").chdir({folder!r})
_dh[:] = [{folder!r}]
exec({source!r} + {call!r}, {{"__name__": "kept_results"}})
"""
_KNOWN_EXPORT_SOURCE = """\
from otter.execute import Checker
for {tests_loop_var} in {tests_glob_json}:
    Checker.check_if_not_already_checked({tests_loop_var})

from otter.test_files import GradingResults
results = GradingResults(Checker.get_results())

import pickle
with open("{results_path}", "wb") as f:
    pickle.dump(results, f)
"""

# Now, and not when a notebook is there: another otter is our trouble, and nobody's crash.
if preprocessor.EXPORT_CELL_SOURCE != _KNOWN_EXPORT_SOURCE:
    raise ImportError("otter's export cell is not the one this was written for: look again")


@dataclass(frozen=True)
class Place:
    """What a cell is; with nothing said, one of those that otter puts in front.

    Attributes:
        cell: its number in the notebook as it was submitted.
        test: path of the one test that it runs.
        is_export: whether it is otter's last.
        is_canary: whether its test is one that nobody can pass.
        is_probe: whether it looks for what the notebook has changed.
    """

    cell: int | None = None
    test: str | None = None
    is_export: bool = False
    is_canary: bool = False
    is_probe: bool = False

    @property
    def check(self) -> str | None:
        """The name of its test, which is its question's as a rule; none of the canary's."""
        if self.test is None or self.is_canary:
            return None
        return PurePosixPath(self.test).stem


@dataclass(frozen=True)
class Plan:
    """The cells to execute, in order, and what each of them is.

    Attributes:
        cells: notebook cells.
        places: one for each.
        results: where otter's last cell writes the results.
    """

    cells: list[Any]
    places: list[Place]
    results: Path

    @property
    def kept_results(self) -> Path:
        """Where the results so far are, once there are some."""
        return Path(f"{self.results}{KEPT_SUFFIX}")


def with_positions(notebook: bytes) -> bytes:
    """Write each cell's position into its metadata; what is no notebook comes back as it is."""
    try:
        content = json.loads(notebook)
        for number, cell in enumerate(content["cells"], start=1):
            cell["metadata"][POSITION_KEY] = number
    except (ValueError, KeyError, TypeError):
        return notebook
    return json.dumps(content).encode("ascii")


def plan_of(
    cells: list[Any],
    tests: list[str],
    results: str,
    *,
    canary: str | None = None,
    probe: str | None = None,
) -> Plan:
    """Return how to execute the cells that otter made of a notebook.

    Args:
        cells: otter's set-up cell, then what else it puts in front, the notebook's and the export
            cell.
        tests: paths of the test files, in otter's order.
        results: path that the export cell writes to.
        canary: which of `tests` is the canary; its turn comes anywhere among the others'.
        probe: source of a cell to execute after the last check.
    """
    source = Path(kept_results.__file__).read_text("utf-8")
    call = f"\nkeep_results({results + KEPT_SUFFIX!r})\n"
    setup = from_dict(cells[0])
    setup.source += _KEEPER_SOURCE.format(folder=str(Path.cwd()), source=source, call=call)
    tests = _with_canary_anywhere(tests, canary)
    checks = [new_code_cell(_CHECK_SOURCE.format(path=path)) for path in tests]
    places = [Place()]
    for cell in cells[1:-1]:
        # a check that otter puts behind a cell of the notebook counts as a part of it
        number = cell.get("metadata", {}).get(POSITION_KEY, places[-1].cell)
        places.append(Place(cell=number))
    places += [Place(test=path, is_canary=path == canary) for path in tests]
    if probe is not None:
        checks.append(new_code_cell(probe))
        places.append(Place(is_probe=True))
    places.append(Place(is_export=True))
    return Plan([setup, *cells[1:-1], *checks, cells[-1]], places, Path(results))


def _with_canary_anywhere(tests: list[str], canary: str | None) -> list[str]:
    if canary not in tests:
        return tests
    others = [path for path in tests if path != canary]
    others.insert(secrets.randbelow(len(others) + 1), canary)
    return others
