"""A manifest is read strictly: what is wrong is named by file, line and column."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batch.manifest import Row, moment, read_manifest
from shared.errors import BatchRefused
from shared.model import AssignmentKey, opaque_name

NOW = datetime(2026, 12, 1, tzinfo=UTC)
LAB01 = AssignmentKey("demo101", "1", "lab01")


def resolve(text: str) -> AssignmentKey:
    if text in {"lab01", str(LAB01)}:
        return LAB01
    raise ValueError(f"the catalogue has no {text}")


def read(text: str | bytes) -> tuple[Row, ...]:
    content = text if isinstance(text, bytes) else text.encode()
    return read_manifest(content, name="manifest.csv", resolve=resolve, now=NOW)


def refusal(text: str | bytes) -> str:
    with pytest.raises(BatchRefused) as refused:
        read(text)
    return str(refused.value)


def test_a_whole_manifest() -> None:
    rows = read(
        "file,student,assignment,received_at\n"
        "a.ipynb,ada@example.edu,demo101/1/lab01,2026-11-01T18:00:00+01:00\n"
        '"sub/b, c.ipynb",José,lab01,\n'
        ".\\sub\\d.ipynb, ben ,,2026-11-02T00:00:00Z\n"
    )
    assert rows == (
        Row(2, "a.ipynb", "ada@example.edu", LAB01, datetime(2026, 11, 1, 17, tzinfo=UTC)),
        Row(3, "sub/b, c.ipynb", "José", LAB01, None),
        Row(
            4,
            "sub/d.ipynb",
            "ben",
            None,
            datetime(2026, 11, 2, tzinfo=UTC),
        ),
    )


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_excels_utf8_and_others_are_read_alike(start: bytes, end: bytes) -> None:
    content = start + end.join([b"student,file", "josé,ä.ipynb".encode(), b"", b",", b""])
    assert [(row.student, row.file) for row in read(content)] == [("josé", "ä.ipynb")]


def test_names_that_macos_writes_apart_are_put_together() -> None:
    (row,) = read("file,student\nu\u0308.ipynb,jose\u0301\n")
    assert (row.file, row.student) == ("ü.ipynb", "josé")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "line 1, column file"),
        ("file;student\na;b\n", "line 1: put commas"),
        ("file,student,grade\n", "line 1, column 'grade'"),
        ("file,file,student\n", "line 1, column file: it is there twice"),
        ("student,assignment\n", "line 1, column file: it is missing"),
        ("file,student\na.ipynb\n", "line 2: it has 1 columns instead of 2"),
        ("file,student\na.ipynb,\n", "line 2, column student: a name has 1 to"),
        ("file,student\n,ada\n", "line 2, column file: it is empty"),
        ("file,student\n\n\na,../b\n", "line 4, column student"),
        ('file,student\n"x\ny",a\na.ipynb,\n', "line 4, column student"),
        ("file,student,assignment\na,b,lab9\n", "line 2, column assignment: the catalogue"),
        (
            "file,student,received_at\na,b,2026-11-01T18:00:00\n",
            "column received_at: the time needs",
        ),
        ("file,student,received_at\na,b,soon\n", "line 2, column received_at: write a time"),
        ("file,student,received_at\na,b,2027-01-01T00:00:00Z\n", "lies in the future"),
        ("file,student\na,b\na,b\n", "line 3, column file: line 2 says this already"),
        ('file,student\n"a"x,b\n', "line 2: it is not CSV"),
        (b"file,student\na,b\n\xff,c\n", "line 3: it is not UTF-8"),
    ],
)
def test_what_is_wrong_is_named(text: str | bytes, named: str) -> None:
    message = refusal(text)
    assert message.startswith("manifest.csv, line ")
    assert named in message


def test_all_wrong_lines_are_named_up_to_twenty() -> None:
    message = refusal("file,student\n" + "a.ipynb,\n" * 30)
    assert message.count("column student") == 20
    assert "and 10 more" in message
    assert message.endswith("Nothing of this batch was taken.")


def test_a_file_may_be_two_students() -> None:
    assert [row.student for row in read("file,student\na,ada\na,ben\n")] == ["ada", "ben"]


def test_a_moment_at_the_edge_of_time_is_refused() -> None:
    for written in (
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00+00:00",
        "9999-12-31T23:59:59-08:00",
    ):
        with pytest.raises(ValueError, match="dates go from the year 2 to 9998"):
            moment(written, NOW)


students = st.text(min_size=1, max_size=30).filter(
    lambda text: text == text.strip() and _is_name(text)
)
file_names = st.text(min_size=1, max_size=30).filter(
    lambda text: _is_name(text) and "\\" not in text and not text.startswith("./")
)
times = st.none() | st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2026, 11, 29),  # noqa: DTZ001
    timezones=st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)


def _is_name(text: str) -> bool:
    try:
        return opaque_name(text) == text
    except ValueError:
        return False


@given(
    st.lists(
        st.tuples(file_names, students, st.sampled_from(["", "lab01", "demo101/1/lab01"]), times),
        max_size=8,
        unique_by=lambda row: row[:2],
    ),
    st.permutations(["file", "student", "assignment", "received_at"]),
)
def test_what_a_spreadsheet_writes_is_read_back(
    rows: list[tuple[str, str, str, datetime | None]], columns: list[str]
) -> None:
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, columns)
    writer.writeheader()
    for file, student, assignment, received_at in rows:
        writer.writerow(
            {
                "file": file,
                "student": student,
                "assignment": assignment,
                "received_at": received_at.isoformat() if received_at else "",
            }
        )
    found = [(row.file, row.student, row.key, row.received_at) for row in read(written.getvalue())]
    assert found == [
        (file, student, LAB01 if assignment else None, received_at)
        for file, student, assignment, received_at in rows
    ]


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: f"file,student\n{text}".encode())
)
def test_anything_at_all_is_read_or_refused(content: bytes) -> None:
    try:
        rows = read(content)
    except BatchRefused:
        return
    assert all(row.file and row.student for row in rows)
