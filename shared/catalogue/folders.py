"""The catalogue where there is no course config: what lies under the autograders' folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.catalogue.entries import KINDS, ZIP_NAME, Assignment, Defaults, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def assignments_in_folders(
    autograders: Path, defaults: Defaults, course: str | None
) -> Iterator[Assignment]:
    """Yield an assignment for each zip that lies where one is expected.

    These are `{course}/{lab|hw|project}/{section}/{assignment}/autograder.zip` and, where a course
    is named, the same without the course's folder.

    Raises:
        ConfigError: a folder's name cannot be a name; the line says which.
    """
    for kind in KINDS:
        if course is not None:
            for path in autograders.glob(f"{kind}/*/*/{ZIP_NAME}"):
                yield _assignment(path, defaults, course)
        for path in autograders.glob(f"*/{kind}/*/*/{ZIP_NAME}"):
            yield _assignment(path, defaults, path.parts[-5])


def _assignment(path: Path, defaults: Defaults, course: str) -> Assignment:
    section, assignment = path.parts[-3:-1]
    return Assignment(
        key=key_of(path, course, section, assignment),
        autograder_zip=path,
        solution=None,
        image=None,
        limits=defaults.limits,
        lms_id=None,
        rate=defaults.rate,
        publish=defaults.publish,
    )
