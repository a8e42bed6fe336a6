"""Who a student is to the LMS. Grades know a student by the Hub's name and nothing else.

Layouts ask for people through `People`, many at a time; the roster answers, where one was imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.gradebook.roster import is_empty, known_people

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from shared.gradebook.roster import Known


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a student of one course; what is empty is not known.

    Attributes:
        student: the name in the gradebook, which is the Hub's.
        name: for people to read.
        email: as the LMS has it.
        login: what they sign in to the LMS with.
        id_number: their number at the school: Canvas's SIS User ID, Moodle's ID number.
        user_id: the LMS's own key for them, digits. It has no default: an LMS that is told a wrong
            one gives the grade to somebody else.
        section: the LMS's word for their section.
    """

    student: str
    name: str = ""
    email: str = ""
    login: str = ""
    id_number: str = ""
    user_id: str = ""
    section: str = ""

    @property
    def shown_name(self) -> str:
        """The name, else the Hub's name."""
        return self.name or self.student

    @property
    def lms_login(self) -> str:
        """The login, else the Hub's name."""
        return self.login or self.student

    @property
    def lms_email(self) -> str:
        """The e-mail, else the Hub's name where that is one."""
        return self.email or (self.student if "@" in self.student.strip("@") else "")


People = Callable[[str, Sequence[str]], Mapping[str, Person]]
"""Of a course and up to 500 of its students' names: those who are known, by name."""


def nobody_known(course: str, students: Sequence[str]) -> Mapping[str, Person]:
    """Stand in where there is no roster: every student is their Hub name."""
    del course, students
    return {}


def people_of_roster(engine: Engine) -> People:
    """Return a function that looks students up in the imported roster.

    Args:
        engine: of the gradebook.

    Raises:
        GradebookError: the gradebook cannot be read; the function that is returned raises it too.
    """
    if is_empty(engine):
        return nobody_known

    def people(course: str, students: Sequence[str]) -> Mapping[str, Person]:
        return {
            student: _person(student, known)
            for student, known in known_people(engine, course, students).items()
        }

    return people


def _person(student: str, known: Known) -> Person:
    # Ids of LTI are none of these: an importer would find somebody else by them, or nobody.
    return Person(
        student,
        name=known.name or "",
        email=known.email or "",
        login=known.login or "",
        id_number=known.id_number or "",
        user_id=known.lms_user_id or "",
        section=known.section or "",
    )
