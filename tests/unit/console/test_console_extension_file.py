"""A file of extensions is taken whole, or its lines and columns are named and nothing is taken."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gofer_console.extension_file import read_extensions
from shared.catalogue import Assignment, Catalogue
from shared.errors import GoferError
from shared.grade_policy import GradePolicy
from shared.model import AssignmentKey, Limits

CATALOGUE = Catalogue(
    Assignment(AssignmentKey("c", "1", name), Path("zip"), None, None, Limits(), None, policy=rules)
    for name, rules in {
        "lab01": GradePolicy(due_at=datetime(2026, 9, 1, tzinfo=UTC)),
        "lab02": GradePolicy(),
    }.items()
)
TIME = "2026-12-01T18:00:00Z"
HEADER = "student,course,section,assignment,until\n"
GOOD = "josé,c,1,lab01,2026-12-01T18:00:00+01:00\n"


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "extensions.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_good_file_is_read(tmp_path: Path) -> None:
    text = (
        "\ufeffuntil, student,course,section,assignment\r\n"
        "2026-12-01T17:00:00Z,josé,c,1,lab01\r\n\r\n"
    )
    (extension,) = read_extensions(written(tmp_path, text), CATALOGUE)
    assert (extension.student, extension.key) == ("josé", AssignmentKey("c", "1", "lab01"))
    assert extension.until == datetime(2026, 12, 1, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "1: there is no column 'student', 'course'"),
        ("student,course,section,assignment\n", "1: there is no column 'until'."),
        (f"name,{HEADER}", "1: there is no use for the column 'name'."),
        (f"until,{HEADER}", "1: there is twice the column 'until'."),
        (HEADER, "2: there is no row."),
        (f"{HEADER}ada,c,1,lab01\n", "2: has 4 columns, not 5."),
        (f"{HEADER}ada,c,1,lab01,2026-12-01T18\n", "2, column until: '2026-12-01T18' has no zone"),
        (f"{HEADER}ada,c,1,lab01,tomorrow\n", "2, column until: 'tomorrow' is no time"),
        (f"{HEADER}ada,c,1,lab01,9999-12-31T23:59-05:00\n", "2, column until: the year is too far"),
        (f"{HEADER}ada,c,1,lab01,9999-12-31T23:59+05:00\n", "2, column until: the year is too far"),
        (f"{HEADER}ada,c,1,lab01,0001-01-01T00:00+05:00\n", "2, column until: the year is too far"),
        (f"{HEADER}{GOOD}\n{GOOD}", "4, column student: 'jos\\xe9' is there already"),
        (f"{HEADER}{GOOD}ada,c,1,lab99,{TIME}\n", "3, column assignment: the catalogue has no"),
        (f"{HEADER}ada,c,1,lab02,{TIME}\n", "2, column assignment: c/1/lab02 has no due date"),
        (f"{HEADER} ada,c,,lab01,{TIME}\n", "2, column student: a name does not begin"),
        (f'{HEADER}"ada,c,1', "2: it is not CSV"),
        (b"\xff\xfe", "1: it is not UTF-8"),
        (b"x" * (3 << 20), "is larger than 2 MB"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_line_and_column(
    tmp_path: Path, content: str | bytes, problem: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(GoferError) as caught:
        read_extensions(path, CATALOGUE)
    assert str(caught.value).startswith(
        f"{path}, line {problem}" if problem[0].isdigit() else f"{path}: {problem}"
    )


def test_every_bad_line_is_named_up_to_a_point(tmp_path: Path) -> None:
    bad = "".join(f"s{number},c,1,lab01,never\n" for number in range(30))
    with pytest.raises(GoferError) as caught:
        read_extensions(written(tmp_path, f"{HEADER}{GOOD}{bad}"), CATALOGUE)
    lines = str(caught.value).splitlines()
    assert len(lines) == 22
    assert lines[-2] == "and 10 more"
    assert lines[-1] == "Nothing was applied."


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GoferError, match="cannot be read: No such file"):
        read_extensions(tmp_path / "nothing.csv", CATALOGUE)
