"""From a row a grade to a row a student: rows come sorted, so one student at a time is held."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from gofer_console.exports.people import Person

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gofer_console.exports.people import People
    from shared.gradebook.grade_rows import GradeRow

_PEOPLE_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class StudentGrades:
    """One student's grades in one course.

    Attributes:
        grades: of that student, by section and assignment; never empty.
    """

    course: str
    student: str
    grades: tuple[GradeRow, ...]

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections that the grades are of, each once, in order."""
        return tuple(dict.fromkeys(grade["section"] for grade in self.grades))


def by_student(rows: Iterable[GradeRow]) -> Iterator[StudentGrades]:
    """Yield the grades of each student and course together.

    Args:
        rows: sorted by student, then course.
    """
    for (student, course), grades in groupby(rows, key=itemgetter("student", "course")):
        yield StudentGrades(course, student, tuple(grades))


def by_section(rows: Iterable[GradeRow]) -> Iterator[StudentGrades]:
    """Yield the grades of each student, course and section together.

    Args:
        rows: sorted by student, course and section.
    """
    place = itemgetter("student", "course", "section")
    for (student, course, _), grades in groupby(rows, key=place):
        yield StudentGrades(course, student, tuple(grades))


def with_people(
    students: Iterable[StudentGrades], course: str, people: People
) -> Iterator[tuple[Person, StudentGrades]]:
    """Yield each student of one course with what is known of them."""
    waiting = iter(students)
    while batch := list(islice(waiting, _PEOPLE_AT_ONCE)):
        known = people(course, [one.student for one in batch])
        for one in batch:
            yield known.get(one.student) or Person(one.student), one


def of_people(grades: Iterable[GradeRow], people: People) -> Iterator[tuple[Person, GradeRow]]:
    """Yield each grade with what is known of its student.

    Args:
        grades: sorted by course first of all.
        people: who students are.
    """
    for course, of_course in groupby(grades, key=itemgetter("course")):
        while batch := list(islice(of_course, _PEOPLE_AT_ONCE)):
            known = people(course, sorted({grade["student"] for grade in batch}))
            for grade in batch:
                yield known.get(grade["student"]) or Person(grade["student"]), grade
