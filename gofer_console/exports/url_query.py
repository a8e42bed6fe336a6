"""An export as a URL's query says it: layout, format and filter, read without trust."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gofer_console.exports.filters import make_filter
from gofer_console.exports.layouts import Layout
from gofer_console.exports.writers import Format
from shared.errors import ConfigError
from shared.gradebook.grade_filter import GradeFilter
from shared.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shared.model import AssignmentKey, Sha256

_NUMBERS: Final = ("min_score", "max_score", "min_percent", "max_percent")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported, and how.

    Attributes:
        old_zip: only grades that another zip made than the one that is there now; the filter does
            not say so yet, as the zips of now are only known where it is carried out.
    """

    layout: Layout = Layout.GOFER
    format: Format = Format.CSV
    filter: GradeFilter = GradeFilter()  # noqa: RUF009 - frozen
    old_zip: bool = False

    def resolved(
        self, present: Callable[[], Iterable[tuple[AssignmentKey, Sha256]]]
    ) -> GradeFilter:
        """Return the filter, with the zips of now where they matter."""
        if not self.old_zip:
            return self.filter
        return replace(self.filter, other_zip_than=tuple(present()))


def to_query(wanted: Wanted) -> list[tuple[str, str]]:
    """Return the parameters that `from_query` reads it back from."""
    found = [("layout", wanted.layout.value), ("format", wanted.format.value)]
    asked = wanted.filter
    for name, values in (
        ("course", asked.courses),
        ("section", asked.sections),
        ("assignment", asked.assignments),
        ("student", asked.students),
        ("verdict", [verdict.value for verdict in asked.verdicts]),
        ("flag", asked.flags),
        ("passback", asked.passbacks),
        ("search", [asked.search] if asked.search else []),
    ):
        found += [(name, value) for value in values]
    for name, value in zip(
        _NUMBERS,
        (asked.score_from, asked.score_to, asked.percent_from, asked.percent_to),
        strict=True,
    ):
        if value is not None:
            found.append((name, repr(value)))
    for name, moment in (
        ("received_from", asked.received_from),
        ("received_before", asked.received_before),
    ):
        if moment is not None:
            found.append((name, moment.isoformat()))
    if wanted.old_zip:
        found.append(("old_zip", "1"))
    return found


def from_query(parameters: Sequence[tuple[str, str]]) -> Wanted:
    """Read what is wanted; parameters that nobody knows are passed over.

    Raises:
        ConfigError: one cannot be used; it is named.
    """

    def every(name: str) -> list[str]:
        return [value for key, value in parameters if key == name and value]

    def number(name: str) -> float | None:
        texts = every(name)
        try:
            return float(texts[-1]) if texts else None
        except ValueError:
            raise ConfigError(f"{name}: {texts[-1]!a} is no number.") from None

    def moment(name: str) -> str | None:
        texts = every(name)
        return texts[-1] if texts else None

    try:
        layout = Layout((every("layout") or [Layout.GOFER.value])[-1])
        file_format = Format((every("format") or [Format.CSV.value])[-1])
        verdicts = [Verdict(word) for word in every("verdict")]
    except ValueError as error:
        raise ConfigError(f"The address cannot be used: {error}.") from None
    if file_format is Format.XLSX and layout.importer:
        raise ConfigError(f"{layout.importer} imports CSV, and no XLSX.")
    try:
        wanted = make_filter(
            courses=every("course"),
            sections=every("section"),
            assignments=every("assignment"),
            students=every("student"),
            verdicts=verdicts,
            flags=every("flag"),
            min_score=number("min_score"),
            max_score=number("max_score"),
            min_percent=number("min_percent"),
            max_percent=number("max_percent"),
            received_from=moment("received_from"),
            received_before=moment("received_before"),
        )
    except ConfigError as error:
        raise ConfigError(str(error).replace("--", "")) from None
    wanted = replace(
        wanted, search="".join(every("search")[-1:]), passbacks=tuple(every("passback"))
    )
    return Wanted(layout, file_format, wanted, old_zip=bool(every("old_zip")))
