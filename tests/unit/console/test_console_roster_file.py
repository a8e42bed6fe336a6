from __future__ import annotations

import pytest

from gofer_console.roster_file import RosterRefused, as_request, read_roster
from shared.model import new_submission_id, utc_now
from shared.requests import RosterRow, StaffRequest
from shared.spool import ENVELOPE_MAX_BYTES
from shared.spool.entry import encode_envelope


def read(text: str | bytes, **given: str) -> tuple[RosterRow, ...]:
    content = text if isinstance(text, bytes) else text.encode()
    return read_roster(content, name="roster.csv", **given)


def test_what_is_said_is_taken_and_what_is_empty_is_left_out() -> None:
    rows = read(
        "\ufeffstudent,user_id,anonymous_id,name,email,section\n"
        "josé,1b2c,,José Q.,jose@example.edu,L3\n"
        '\n"ada, the first",,abc,,,\n'
    )
    assert rows == (
        RosterRow(
            student="josé", user_id="1b2c", name="José Q.", email="jose@example.edu", section="L3"
        ),
        RosterRow(student="ada, the first", user_id_lti11="abc"),
    )


def test_a_launch_is_of_the_assignment_that_is_named() -> None:
    text = "student,lis_result_sourcedid,lis_outcome_service_url\nada,a:b:c,https://lms.example/o\n"
    (row,) = read(text, assignment="lab01", course="demo101")
    assert (row.course, row.assignment) == ("demo101", "lab01")
    assert "a:b:c" not in repr(row)
    with pytest.raises(RosterRefused, match="line 2, column lis_result_sourcedid: it is of one"):
        read(text)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "line 1, column student: it is missing"),
        ("student\nada\n", "line 1: it says nothing"),
        ("name,email\nada,x\n", "line 1, column student: it is missing"),
        ("student;user_id\nada;1\n", "line 1: put commas"),
        ("student,grade\nada,1\n", "line 1, column 'grade': there is no such"),
        ("student,name,name\nada,x,y\n", "line 1, column name: it is there twice"),
        ("student,user_id\n", "line 2: there is no student"),
        ("student,user_id\nada,1,2\n", "line 2: it has 3 columns instead of 2"),
        ("student,user_id\nada,1\nbob,2\nada,3\n", "line 4, column student: line 2 is about"),
        ("student,user_id\n,1\n", "line 2, column student: it is empty"),
        ("student,user_id\na\u202eb,1\n", "line 2, column student: a name may not hold"),
        ("student,user_id\n../x,1\n", "line 2, column student: a name may not hold"),
        ('student,user_id\nada,"1\n2"\n', "line 2, column user_id: it holds what does not"),
        (
            "student,lis_outcome_service_url\nada,file:///etc/passwd\n",
            "line 2, column lis_outcome_service_url: it holds what does not",
        ),
        ('student,user_id\nada,"1\n', "line 2: it is not CSV"),
        (b"student,user_id\nada,\xff\n", "line 2: it is not UTF-8"),
        (b"student,user_id\nada,1\x00\n", "line 2, column user_id: it holds what does not"),
    ],
)
def test_what_is_wrong_is_named_by_file_line_and_column_and_nothing_is_taken(
    text: str | bytes, where: str
) -> None:
    with pytest.raises(RosterRefused) as refused:
        read(text)
    assert f"roster.csv, {where}" in str(refused.value)


def test_all_that_is_wrong_is_told_at_once_up_to_twenty_lines() -> None:
    text = "student,user_id\n" + "".join(f"s{n},1,2\n" for n in range(30))
    with pytest.raises(RosterRefused) as refused:
        read(text)
    lines = str(refused.value).splitlines()
    assert lines[19].startswith("roster.csv, line 21:")
    assert lines[20:] == ["and 10 more", "Nothing of this roster was taken."]


def test_a_long_roster_is_one_request_that_an_envelope_holds() -> None:
    rows = read("student,name\n" + "".join(f"s{n},{'é' * 50}\n" for n in range(20_000)))
    payload = as_request(rows, "roster.csv")
    assert payload.rows == rows
    request = StaffRequest(
        id=new_submission_id(),
        action=payload.action,
        payload=payload,
        requested_by="n" * 255,
        received_at=utc_now(),
        reason="w" * 1000,
    )
    assert len(encode_envelope(request)) <= ENVELOPE_MAX_BYTES


def test_a_roster_above_what_an_envelope_holds_is_refused_with_what_to_do() -> None:
    rows = read("student,name\n" + "".join(f"s{n},{'é' * 1000}\n" for n in range(2100)))
    with pytest.raises(RosterRefused, match=r"2,100 rows are .* MB.*Cut it into several"):
        as_request(rows, "roster.csv")


def test_the_number_of_a_student_at_the_lms_is_digits() -> None:
    (row,) = read("student,login,id_number,lms_user_id\nada,al1,S7,42\n")
    assert (row.login, row.id_number, row.lms_user_id) == ("al1", "S7", "42")
    with pytest.raises(RosterRefused, match="line 2, column lms_user_id"):
        read("student,lms_user_id\nada,4b2c\n")


def test_a_file_may_have_a_name_that_is_no_utf8() -> None:
    rows = read_roster(b"student,user_id\nada,7\n", name="r\udcff.csv")
    assert as_request(rows, "r\udcff.csv").file == "r\ufffd.csv"
