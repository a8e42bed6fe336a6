"""The options that choose grades, the same for every command that lists or exports them."""

from __future__ import annotations

from typing import Annotated

import typer

from shared.model import Verdict

Courses = Annotated[
    list[str] | None, typer.Option("--course", help="Only this course; may be given again.")
]
Sections = Annotated[
    list[str] | None, typer.Option("--section", help="Only this section; may be given again.")
]
Assignments = Annotated[
    list[str] | None, typer.Option("--assignment", help="Only this assignment; may be given again.")
]
Students = Annotated[
    list[str] | None, typer.Option("--student", help="Only this student; may be given again.")
]
Verdicts = Annotated[
    list[Verdict] | None,
    typer.Option("--verdict", help="Only who has an attempt that ended so; may be given again."),
]
Flags = Annotated[
    list[str] | None,
    typer.Option("--flag", help="Only grades whose run has this flag; may be given again."),
]
MinScore = Annotated[float | None, typer.Option(help="Only scores of so many points or more.")]
MaxScore = Annotated[float | None, typer.Option(help="Only scores of so many points or less.")]
MinPercent = Annotated[
    float | None, typer.Option(help="Only scores of so many percent of the points, or more.")
]
MaxPercent = Annotated[
    float | None, typer.Option(help="Only scores of so many percent of the points, or less.")
]
ReceivedFrom = Annotated[
    str | None,
    typer.Option(
        help="Only submissions received then or later: 2026-12-01, or 2026-12-01T18:00:00+01:00.",
        metavar="TIME",
    ),
]
ReceivedBefore = Annotated[
    str | None, typer.Option(help="Only submissions received before.", metavar="TIME")
]
OldZip = Annotated[
    bool,
    typer.Option("--old-zip", help="Only what another autograder zip than the present one graded."),
]
