"""The course config file in TOML.

    [courses.demo101]
    attempts = "best"                       # a default for the whole course

    [courses.demo101.sections.1.assignments.lab01]
    autograder = "lab01/autograder.zip"     # under the autograders' folder or beside this file
    time_limit_s = 60
    memory = "512m"

Unknown keys are errors, so that a misspelt limit is noticed before a deadline. In `autograder` and
`solution`, the words `{course}`, `{section}` and `{assignment}` stand for the names, so that one
line can serve a whole course.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.catalogue.entries import conventional_zip, key_of
from shared.catalogue.written import Entry, Written, config_error
from shared.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.model import AssignmentKey


class _Section(Written):
    assignments: dict[str, Written]


class _Course(Written):
    sections: dict[str, _Section]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    courses: dict[str, _Course]


def structured_assignments(content: object, path: Path, autograders: Path) -> Iterator[Entry]:
    """Yield what a TOML course config says.

    Args:
        content: the file as parsed.
        path: the file; paths in it are relative to its folder unless they exist under
            `autograders`.
        autograders: the folder of the autograder zips.

    Raises:
        ConfigError: it does not fit; one line names the file and the key.
    """
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        raise config_error(path, error) from None
    for course_name, course in file.courses.items():
        for section_name, section in course.sections.items():
            for name, assignment in section.assignments.items():
                key = key_of(path, course_name, section_name, name)
                written = assignment.over(section, course)
                _check_policy(written, path, key)
                zip_path = _resolve(written.autograder, key, path, autograders)
                yield Entry(
                    key=key,
                    autograder_zip=zip_path
                    or conventional_zip(autograders, key.course, key.section, key.assignment),
                    solution=_resolve(written.solution, key, path, autograders),
                    written=written,
                    source=path,
                )


def _check_policy(written: Written, path: Path, key: AssignmentKey) -> None:
    """Refuse what only the levels together show to be wrong."""
    try:
        written.policy()
    except ValueError as error:
        place = f"courses.{key.course}.sections.{key.section}.assignments.{key.assignment}"
        raise ConfigError(f"{path}: {place}.due: {error}") from None


def _resolve(
    written: str | None, key: AssignmentKey, config: Path, autograders: Path
) -> Path | None:
    if written is None:
        return None
    text = written
    for word in ("course", "section", "assignment"):
        text = text.replace(f"{{{word}}}", getattr(key, word))
    in_autograders = autograders / text
    return in_autograders if in_autograders.exists() else config.parent / text
