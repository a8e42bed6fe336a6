"""Rows of grades in, rows of each layout out: nothing here opens a gradebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gofer_console.exports import questions
from gofer_console.exports.canvas import Canvas
from gofer_console.exports.edx import Edx
from gofer_console.exports.moodle import Moodle
from gofer_console.exports.people import Person, nobody_known
from gofer_console.exports.wide import Wide
from shared.errors import GoferError
from shared.gradebook.grade_rows import GradedAssignment
from shared.model import AssignmentKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def key(assignment: str = "lab01", section: str = "1", course: str = "c") -> AssignmentKey:
    return AssignmentKey(course, section, assignment)


def graded(*keys: AssignmentKey, possible: float = 10.0) -> list[GradedAssignment]:
    return [GradedAssignment(one, possible) for one in keys]


def grade(student: str, score: float, of: AssignmentKey, possible: float = 10.0) -> dict[str, Any]:
    return {
        "course": of.course,
        "section": of.section,
        "assignment": of.assignment,
        "student": student,
        "score": score,
        "points_possible": possible,
    }


def roster(course: str, students: Sequence[str]) -> Mapping[str, Person]:
    assert course == "c"
    known = Person(
        "ada", name="Lovelace, Ada", email="ada@x.edu", login="al1", id_number="S7", user_id="42"
    )
    return {"ada": known} if "ada" in students else {}


def test_wide_has_a_row_a_student_and_section_and_a_column_an_assignment() -> None:
    wide = Wide(graded(key("lab02"), key("lab01"), key("lab01", "2")))
    rows = wide.rows(
        [
            grade("ada", 1, key("lab01")),
            grade("ada", 2, key("lab02")),
            grade("ada", 3, key("lab01", "2")),
            grade("ben", 4, key("lab02")),
        ]
    )
    assert wide.columns == ("course", "section", "student", "lab01", "lab02")
    assert list(rows) == [
        ("c", "1", "ada", 1, 2),
        ("c", "2", "ada", 3, None),
        ("c", "1", "ben", None, 4),
    ]


def test_wide_names_courses_where_there_are_several() -> None:
    wide = Wide(graded(key("lab01", course="d"), key("lab01")))
    assert wide.columns[3:] == ("c/lab01", "d/lab01")
    row = next(iter(wide.rows([grade("ada", 1, key("lab01", course="d"))])))
    assert row == ("d", "1", "ada", None, 1)


def test_wide_passes_over_an_assignment_that_came_after_its_columns() -> None:
    wide = Wide(graded(key("lab01")))
    rows = wide.rows([grade("ada", 1, key("lab01")), grade("ada", 2, key("new"))])
    assert list(rows) == [("c", "1", "ada", 1)]


def test_questions_have_a_row_each_and_a_grade_without_any_has_none() -> None:
    one = grade("ada", 3, key()) | {"submission_id": "s1", "received_at": "t"}
    classic = grade("ben", 3, key()) | {"submission_id": "s2", "received_at": "t"}
    asked = {"s1": [{"question": "q1", "score": 3.0, "points_possible": 4.0}]}
    assert list(questions.rows([one, classic], asked)) == [
        ("c", "1", "lab01", "ada", "q1", 3.0, 4.0, "s1", "t")
    ]


def test_canvas_gets_its_header_its_points_row_and_hub_names_as_logins() -> None:
    canvas = Canvas(
        graded(key("lab01"), key("lab02"), possible=7.5), {key("lab02"): "881"}, nobody_known
    )
    assert canvas.columns == (
        "Student", "ID", "SIS User ID", "SIS Login ID", "Section", "lab01", "lab02 (881)",
    )  # fmt: skip
    assert list(canvas.rows([grade("12ada", 7.25, key("lab02"))])) == [
        ("    Points Possible", "", "", "", "", "7.5", "7.5"),
        # Of `ID` Canvas takes the digits it begins with: "12ada" there would be user 12.
        ("12ada", "", "", "12ada", "1", "", "7.25"),
    ]
    assert canvas.notes == []


def test_canvas_and_moodle_take_people_from_a_roster() -> None:
    grades = [grade("ada", 5, key()), grade("ben@x.edu", 6, key())]
    assert list(Canvas(graded(key()), {}, roster).rows(grades))[1:] == [
        ("Lovelace, Ada", "42", "S7", "al1", "1", "5"),
        ("ben@x.edu", "", "", "ben@x.edu", "1", "6"),
    ]
    assert list(Moodle(graded(key()), roster).rows(grades)) == [
        ("al1", "S7", "ada@x.edu", "5"),
        ("ben@x.edu", "ben@x.edu", "ben@x.edu", "6"),
    ]


def test_canvas_row_of_a_student_who_is_called_like_the_points_row() -> None:
    rows = Canvas(graded(key()), {}, nobody_known).rows([grade("x Points Possible", 5, key())])
    assert list(rows)[1] == ("", "", "", "x Points Possible", "1", "5")


@pytest.mark.parametrize("name", ["lab (12)", "lab (2nd try)"])
def test_a_name_that_canvas_would_take_for_an_id_needs_one(name: str) -> None:
    with pytest.raises(GoferError, match="lms_id"):
        Canvas(graded(key(name)), {}, nobody_known)
    assert Canvas(graded(key(name)), {key(name): "99"}, nobody_known).columns[-1] == f"{name} (99)"


@pytest.mark.parametrize("name", ["Final Grade", "my Current Score 1", "Override Status"])
def test_a_name_that_canvas_passes_over_is_said(name: str) -> None:
    assert len(Canvas(graded(key(name)), {}, nobody_known).notes) == 1


def test_sections_share_an_lms_column_and_a_student_of_two_is_one_row() -> None:
    canvas = Canvas(graded(key("lab01"), key("lab02", "2"), key("lab01", "2")), {}, nobody_known)
    grades = [grade("ada", 1, key("lab01")), grade("ada", 2, key("lab02", "2"))]
    assert list(canvas.rows(grades))[1:] == [("ada", "", "", "ada", "1 and 2", "1", "2")]


def test_two_grades_for_one_lms_column_are_refused_and_never_chosen_from() -> None:
    keys = key("lab01"), key("lab01", "2")
    grades = [grade("ada", 0, keys[0]), grade("ada", 2, keys[1])]
    for layout in (Canvas(graded(*keys), {}, nobody_known), Moodle(graded(*keys), nobody_known)):
        with pytest.raises(GoferError, match="--section"):
            list(layout.rows(grades))
    apart = Canvas(graded(*keys), {keys[0]: "11", keys[1]: "22"}, nobody_known)
    assert list(apart.rows(grades))[1][5:] == ("0", "2")


def test_edx_gets_one_assignment_and_no_score_above_the_possible() -> None:
    edx = Edx(key(), "block-v1:O+C+R+type@staffgradedxblock+block@abc", roster)
    rows = [
        dict(zip(edx.columns, row, strict=True))
        for row in edx.rows([grade("ada", 12, key()), grade("ben", 3, key())])
    ]
    assert [(row["user_id"], row["username"], row["New Points"]) for row in rows] == [
        ("42", "al1", "10"),
        ("", "ben", "3"),
    ]
    assert {row["block_id"] for row in rows} == {"block-v1:O+C+R+type@staffgradedxblock+block@abc"}
    assert {row["Previous Points"] for row in rows} == {""}
    assert [note for note in edx.notes if "above" in note]
    assert [note for note in edx.notes if "user_id" in note and "1 of them" in note]


def test_edx_has_no_key_of_a_user_that_nobody_told() -> None:
    edx = Edx(key(), "6333e19d", nobody_known)
    (row,) = edx.rows([grade("42", 3, key())])
    assert row[edx.columns.index("user_id")] == ""
    assert "block_id" in edx.notes[0]
