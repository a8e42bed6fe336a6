"""Pure: what staff read beside what they dropped, in plain words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shared.batch.finding import Problem
    from shared.batch.intake import Taken


@dataclass(slots=True)
class Outcome:
    """What became of something that was dropped.

    Attributes:
        taken: what is in the spool or was recorded.
        problems: what could not be taken.
        others: files that are no notebooks.
        refusal: why nothing of it was taken; empty where it was not refused.
    """

    taken: list[Taken] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    refusal: str = ""

    @property
    def is_well(self) -> bool:
        """Whether all of it was taken."""
        return not self.refusal and not self.problems


def report_on(name: str, outcome: Outcome, at: datetime) -> str:
    """Return the text of a report."""
    return "\n".join(_lines(name, outcome, at)) + "\n"


def _lines(name: str, outcome: Outcome, at: datetime) -> Iterator[str]:
    yield f"{_plain(name)}, looked at on {at:%Y-%m-%d %H:%M:%S} UTC"
    if outcome.refusal:
        yield from ("", "NOTHING OF IT WAS TAKEN", "")
        yield from (f"  {_plain(line)}" for line in outcome.refusal.splitlines())
    if outcome.problems:
        yield from ("", f"NOT TAKEN: {len(outcome.problems)}", "")
        for problem in outcome.problems:
            yield f"  {_plain(problem.file)}"
            yield f"    {_plain(problem.reason)}"
    if not outcome.is_well:
        yield ""
        yield "Mend it and put it into the drop folder again. What was taken is then skipped."
    new = [one for one in outcome.taken if one.is_new]
    old = [one for one in outcome.taken if not one.is_new]
    for title, some in (("TAKEN", new), ("SKIPPED, AS IT WAS THERE ALREADY", old)):
        if some:
            yield from ("", f"{title}: {len(some)}", "")
            for one in some:
                yield f"  {_plain(one.entry.file)}"
                yield f"    {_plain(one.entry.student)}, {_plain(str(one.entry.key))}, {one.id}"
    if outcome.others:
        yield from ("", f"PASSED OVER, AS THEY ARE NO NOTEBOOKS: {len(outcome.others)}", "")
        yield from (f"  {_plain(file)}" for file in outcome.others)


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text)
