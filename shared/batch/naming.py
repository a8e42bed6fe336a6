"""Pure: whose a notebook is, from the names of files and folders.

In this order: staff's own pattern, the names that Canvas, Moodle and Gradescope give to what is
downloaded from them, and one folder for each student. Where none of them tells, nobody is guessed:
a notebook graded as the wrong student's is worse than one that staff have to name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from shared.batch.finding import composed
from shared.model import opaque_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_MOODLE: Final = re.compile(
    r"(?P<student>.+?)_(?P<sender>[0-9]+)_assignsubmission_file(?:_(?P<file>.*))?"
)
# Canvas takes `_digits_` out of its students' names, so the first two numbers are its own.
_CANVAS: Final = re.compile(
    r"(?P<student>.+?)(?:_LATE)?_(?P<sender>[0-9]+)_(?P<submission>[0-9]+)_(?P<file>.+)"
)
_GRADESCOPE: Final = re.compile(r"submission_[0-9]+")

_COPY: Final = re.compile(r" ?\([0-9]+\)$")
"""What browsers put behind the name of a file that they download again."""

Directory = dict[PurePosixPath, dict[str, tuple[str, ...]]]
"""Of Gradescope's folders: where they lie → name of one → who submitted it."""


@dataclass(frozen=True, slots=True)
class Named:
    """Whose a notebook is.

    Attributes:
        students: one, or those who submitted it together.
        sender: the LMS's own number for the sender, to tell two of one name apart; None where
            the name says all.
        file: what the student called the file, as far as the name still says.
    """

    students: tuple[str, ...]
    sender: str | None = None
    file: str = ""


class Unnamed(str):
    """Why nobody can tell whose a notebook is, in plain words."""

    __slots__ = ()


_NOBODY: Final = Unnamed(
    "Nobody can tell whose it is. Put it into a folder with the student's name, give a pattern for "
    "the file names, or list it in a manifest.csv."
)


def compiled_pattern(text: str) -> re.Pattern[str]:
    """Return staff's pattern, ready for use.

    Raises:
        ValueError: it is no regular expression, or has no group `student`.
    """
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ValueError(f"it is no regular expression: {error}") from None
    if "student" not in pattern.groupindex:
        raise ValueError("it needs a group (?P<student>…)")
    return pattern


def name_all(
    paths: Sequence[PurePosixPath],
    *,
    container: str,
    pattern: re.Pattern[str] | None = None,
    gradescope: Directory | None = None,
    reserved: Collection[str] = (),
) -> list[Named | Unnamed]:
    """Say of each notebook whose it is.

    Args:
        paths: below what was given.
        container: the name of what was given.
        pattern: staff's own, with a group `student`. It is matched with the whole file name, or
            with the whole path where it holds a slash.
        gradescope: what Gradescope's metadata say.
        reserved: words that are courses, sections and assignments: no folder of such a name is
            taken for a student.
    """
    by_pattern = [_by_pattern(path, pattern) for path in paths]
    left = [path for path, named in zip(paths, by_pattern, strict=True) if named is None]
    by_place = _by_place(left, container, gradescope or {}, frozenset(reserved))
    answers = [
        by_place[path] if named is None else named
        for path, named in zip(paths, by_pattern, strict=True)
    ]
    return _without_namesakes([_checked(answer) for answer in answers])


def _by_pattern(path: PurePosixPath, pattern: re.Pattern[str] | None) -> Named | None:
    if pattern is None:
        return None
    text = composed(str(path) if "/" in pattern.pattern else path.name)
    match = pattern.fullmatch(text)
    student = match and match["student"]
    return Named((student,), file=path.name) if student else None


def _by_place(
    paths: Sequence[PurePosixPath],
    container: str,
    directory: Directory,
    reserved: frozenset[str],
) -> Mapping[PurePosixPath, Named | Unnamed]:
    """Name by the outermost part of each path that is not around all of them.

    Nothing below it counts. There a student chose the names, and could choose another's.
    """
    depth = len(folder_around(paths, container).parts)
    named: dict[PurePosixPath, Named | Unnamed] = {}
    left = []
    for path in paths:
        found = _by_lms(path, depth, directory)
        if found is None:
            left.append(path)
        else:
            named[path] = found
    return named | _by_folder(left, depth, reserved)


def folder_around(paths: Sequence[PurePosixPath], container: str) -> PurePosixPath:
    """Return the folder around everything, if it is called as the zip is; else the top itself.

    Above and in it staff chose the names; further inside students may have.
    """
    stem = _COPY.sub("", PurePosixPath(container).stem)
    is_around = bool(paths) and all(
        len(path.parts) > 1 and _COPY.sub("", path.parts[0]) == stem for path in paths
    )
    outer = {path.parts[0] for path in paths} if is_around else set()
    return PurePosixPath(*outer) if len(outer) == 1 else PurePosixPath()


def _by_lms(path: PurePosixPath, depth: int, directory: Directory) -> Named | Unnamed | None:
    part = path.parts[depth]
    is_folder = len(path.parts) > depth + 1
    if is_folder and _GRADESCOPE.fullmatch(part):
        submissions = directory.get(PurePosixPath(*path.parts[:depth]))
        if submissions is None:
            return Unnamed(
                "It comes from Gradescope, and submission_metadata.yml, which says whose it is, "
                "is not beside its folder."
            )
        students = submissions.get(part)
        if not students:
            return Unnamed(f"submission_metadata.yml does not say whose {part} is.")
        return Named(students, sender=part, file=path.name)
    match = _sent_by(part)
    if match is None:
        return None
    file = path.name if is_folder else match["file"] or ""
    return Named((match["student"].strip(),), sender=match["sender"], file=file)


def _sent_by(part: str) -> re.Match[str] | None:
    return _MOODLE.fullmatch(composed(part)) or _CANVAS.fullmatch(composed(part))


def _by_folder(
    paths: Sequence[PurePosixPath], depth: int, reserved: frozenset[str]
) -> dict[PurePosixPath, Named | Unnamed]:
    """Take the folder for the student, where every notebook that is left lies in one."""
    if any(len(path.parts) < depth + 2 for path in paths):
        return dict.fromkeys(paths, _NOBODY)
    outer = {path.parts[depth] for path in paths}
    if len(outer) == 1 and any(len(path.parts) > depth + 2 for path in paths):
        folder = outer.pop()
        return dict.fromkeys(
            paths,
            Unnamed(
                f"Nobody can tell whether {folder} is the student or a folder of students. Hand in "
                f"{folder} itself, or list it in a manifest.csv."
            ),
        )
    return {path: _in_folder(path, depth, reserved) for path in paths}


def _in_folder(path: PurePosixPath, depth: int, reserved: frozenset[str]) -> Named | Unnamed:
    folder = composed(path.parts[depth])
    if folder in reserved:
        return Unnamed(
            f"Its folder {folder} has the name of a course, a section or an assignment, and not "
            "of a student."
        )
    if any(_sent_by(part) or _GRADESCOPE.fullmatch(part) for part in path.parts[depth + 1 :]):
        return Unnamed(
            f"Its name is one of an LMS, and its folder {folder} none. Hand in {folder} itself, "
            "or list it in a manifest.csv."
        )
    return Named((folder,), file=path.name)


def _checked(answer: Named | Unnamed) -> Named | Unnamed:
    if isinstance(answer, Unnamed):
        return answer
    try:
        students = tuple(opaque_name(student) for student in answer.students)
    except ValueError as error:
        return Unnamed(f"What stands for the student cannot be a name: {error}.")
    return Named(students, answer.sender, answer.file)


def _without_namesakes(answers: Sequence[Named | Unnamed]) -> list[Named | Unnamed]:
    """Name none of several senders who have one name: their notebooks would be one student's."""
    senders: defaultdict[str, set[str]] = defaultdict(set)
    for answer in answers:
        if isinstance(answer, Named) and answer.sender is not None:
            for student in answer.students:
                senders[student].add(answer.sender)
    doubled = {student for student, numbers in senders.items() if len(numbers) > 1}
    return [
        Unnamed(
            f"There are several students called {', '.join(sorted(doubled & {*answer.students}))} "
            "here. Tell them apart in a manifest.csv."
        )
        if isinstance(answer, Named) and doubled & {*answer.students}
        else answer
        for answer in answers
    ]
