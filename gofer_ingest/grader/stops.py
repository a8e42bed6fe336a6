"""What was stopped in a run, as its answer tells it, and how people are told. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from gofer_ingest.grader.untrusted import ShownName, Untrusted

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from shared.model import Limits

FLAG_CELL_TIMEOUT: Final = "cell_timeout"
FLAG_KERNEL_DIED: Final = "kernel_died"
FLAG_OUT_OF_MEMORY: Final = "out_of_memory"

STOPS_MAX: Final = 100
_NAMED_MAX: Final = 5
"""How many places a student is told of; the rest is counted."""


class Stop(Untrusted):
    """One cell or test that did not come to its end.

    Attributes:
        cell: its number in the notebook, from 1, text cells counted; None where it is no cell of
            the notebook.
        check: the test's name where otter ran it after the notebook, else None.
        how: `interrupted`, and the run went on; or what ended the run: `killed` (the interrupt was
            ignored), `out_of_time` (the run's whole time was over), `died` (the kernel ended).
    """

    cell: Annotated[int, Field(ge=1, lt=1 << 31)] | None
    check: ShownName | None
    how: Literal["interrupted", "killed", "out_of_time", "died"]


Stops = Annotated[list[Stop], Field(max_length=STOPS_MAX)]


def flags_of(stops: Sequence[Stop], *, ran_out_of_memory: bool) -> set[str]:
    """Return the flags of a run that has a score although something was stopped."""
    hows = {stop.how for stop in stops}
    flags = set()
    if hows - {"died"}:
        flags.add(FLAG_CELL_TIMEOUT)
    if hows & {"killed", "died"}:
        flags.add(FLAG_KERNEL_DIED)
    if "died" in hows and ran_out_of_memory:
        flags.add(FLAG_OUT_OF_MEMORY)
    return flags


def students_sentences(
    stops: Sequence[Stop], limits: Limits, questions: Collection[str], *, ran_out_of_memory: bool
) -> str:
    """Say in plain words what was stopped, and what that means for a graded notebook.

    Args:
        stops: at least one.
        limits: of the run.
        questions: of the zip; a test by any other name is not named.
        ran_out_of_memory: whether that is why the kernel ended, if it did.
    """
    cell_s = f"{limits.longest_cell_s:g} s"
    sentences = []
    advice = "Look for a loop that never ends, restart"
    given_way = [_place(stop, questions) for stop in stops if stop.how == "interrupted"]
    if len(given_way) == 1:
        sentences.append(f"{given_way[0]} took longer than {cell_s} and was stopped.")
    elif given_way:
        sentences.append(f"{_listed(given_way)} took longer than {cell_s} each and were stopped.")
    for stop in stops:
        where = _place(stop, questions)
        if stop.how == "killed":
            what = f"{where} took longer than {cell_s} and would not be stopped"
        elif stop.how == "out_of_time":
            what = f"the {limits.time_s:g} s for the whole notebook were over in {where}"
        elif stop.how == "died" and ran_out_of_memory:
            what = f"your notebook used more memory than it has in {where}"
            advice = "Look for data that grows, or a loop that prints, without end, restart"
        elif stop.how == "died":
            what = f"your notebook stopped working in {where}"
            advice = "Restart"
        else:
            continue
        sentences.append(f"{what}, so nothing after that was run.")
    return (
        f"{_capitalised(sentences)} What was not tested, or needs what was stopped, counted 0. "
        f"{advice} and run all cells, and submit again. (Cells are counted from the top, text "
        "included.)"
    )


def students_place(stops: Sequence[Stop], questions: Collection[str]) -> str:
    """Say where a notebook ended that got no score; nothing where that is not known."""
    if not stops or (stops[-1].cell is None and stops[-1].check is None):
        return ""
    return f" It ended in {_place(stops[-1], questions)}, counted from the top, text included."


def staff_sentences(stops: Sequence[Stop], limits: Limits, *, ran_out_of_memory: bool) -> str:
    """Say exactly what was stopped, in order."""
    sentences = []
    for stop in stops:
        where = _place(stop, {stop.check} if stop.check else set())
        sentences.append(
            {
                "interrupted": f"{where} was interrupted after {limits.longest_cell_s:g} s.",
                "killed": (
                    f"{where} ignored the interrupt after {limits.longest_cell_s:g} s; its kernel "
                    "was killed."
                ),
                "out_of_time": f"the run's {limits.time_s:g} s were over in {where}.",
                "died": (
                    f"the kernel was killed for want of memory in {where}."
                    if ran_out_of_memory
                    else f"the kernel ended in {where}."
                ),
            }[stop.how]
        )
    return _capitalised(sentences)


def _capitalised(sentences: Sequence[str]) -> str:
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)


def _place(stop: Stop, questions: Collection[str]) -> str:
    if stop.cell is not None:
        return f"cell {stop.cell}"
    if stop.check is None:
        return "one of otter's own cells"
    return f"the test of {stop.check}" if stop.check in questions else "a test"


def _listed(places: Sequence[str]) -> str:
    if len(places) > _NAMED_MAX:
        places = [*places[:_NAMED_MAX], f"{len(places) - _NAMED_MAX} more"]
    return f"{', '.join(places[:-1])} and {places[-1]}"
