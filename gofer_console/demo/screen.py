"""What the demo shows while it runs and when it is done."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gofer_console.demo.report import differences, one_line, results_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

    from gofer_console.demo.report import Result
    from gofer_console.demo.samples import Outcome, Sample


@contextlib.contextmanager
def progress(out: Console, total: int) -> Iterator[Callable[[Sample, Outcome], None]]:
    """Show progress inside the block: a bar on a terminal, a line for each sample elsewhere."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    )
    task = bar.add_task("Grading", total=total)

    def on_outcome(sample: Sample, outcome: Outcome) -> None:
        bar.advance(task)
        out.print(f"{bar.tasks[0].completed:>3.0f}/{total}  {one_line(sample, outcome)}")

    with bar:
        yield on_outcome


def show_results(found: Sequence[Result], out: Console) -> None:
    """Show the table of results, and what is not as expected."""
    out.print()
    out.print(results_table(found))
    different = differences(found)
    if different:
        out.print(f"\n{len(different)} of {len(found)} are not as expected:", style="bold red")
        for line in different:
            out.print(f"  {line}", style="red", soft_wrap=True)
    else:
        out.print(f"\nAll {len(found)} are as expected.", style="green")


def show_invitation(url: str, notebook: Path, volume: Path, out: Console) -> None:
    """Say where the services are and what can be tried with them.

    Args:
        url: of the server.
        notebook: one that it takes.
        volume: the demo's.
        out: takes the lines.
    """
    gofer = Path(sys.executable).with_name("gofer")
    command = "gofer" if shutil.which("gofer") == str(gofer) else _typed(gofer)
    out.print("\nServer and grader stay up until Ctrl-C:", style="bold")
    for line in (
        f"  submit to   {url}",
        "  open it     in a browser, and say that you are ada@example.edu or anybody else",
        f"  health      {url}healthz",
        f"  logs        {_typed(volume / 'logs')}",
        "Try it from another terminal, in this folder:",
        f"  {command} submit {_typed(notebook)} --as you@example.edu --wait --url {url}",
        f"  VOLUME_PATH={_typed(volume)} {command} grades list",
    ):
        out.print(line, soft_wrap=True)


def _typed(path: Path) -> str:
    """Return a path as one would type it in this folder."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
