"""The classic course config, the JSON of the service that Gofer takes over from.

    {"8x": {"1": {"course_id": "…", "subpath_to_zips": "materials/x22/lab/1",
                  "assignments": {"lab01": "6333e19d"}}}}

Its files load unchanged: keys that are not known are left alone, and ids may be numbers.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictStr, ValidationError

from shared.catalogue.entries import ZIP_NAME, conventional_zip, first_that_exists, key_of
from shared.catalogue.written import Entry, LmsId, Written, config_error
from shared.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_log = logging.getLogger(__name__)
_SUFFIX = f"-{ZIP_NAME}"


def _nothing(written: object) -> object:
    return None if written == "" else written


def _course_id(written: object) -> object:
    """Take what names a course; anything else the old service never used, so it may stand there."""
    return written if isinstance(written, str) and written else None


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    course_id: Annotated[str | None, BeforeValidator(_course_id)] = None
    subpath_to_zips: Annotated[StrictStr | None, BeforeValidator(_nothing)] = None
    assignments: dict[str, Annotated[LmsId | None, BeforeValidator(_nothing)]] | None = None


def classic_assignments(content: object, path: Path, autograders: Path) -> Iterator[Entry]:
    """Yield what a classic course config says.

    A section that lists no assignments has those whose zips lie under its subpath: the classic list
    was needed for posting grades only.

    Args:
        content: the file as parsed.
        path: the file, for messages.
        autograders: the folder of the autograder zips.

    Raises:
        ConfigError: it does not fit; one line names the file and the key.
    """
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: the whole file: is not an object of courses")
    for course, sections in content.items():
        if not isinstance(sections, dict):
            _log.warning(
                "Ignored a key of the course config that is no course",
                extra={"action": "catalogue.ignored", "file": str(path), "key": course},
            )
            continue
        for name, written in sections.items():
            if not isinstance(written, dict):
                _log.warning(
                    "Ignored a key of the course config that is no section",
                    extra={"action": "catalogue.ignored", "file": str(path), "key": name},
                )
                continue
            try:
                section = _Section.model_validate(written)
            except ValidationError as error:
                raise config_error(path, error, course, name) from None
            yield from _assignments(section, (course, name), path, autograders)


def _assignments(
    section: _Section, names: tuple[str, str], path: Path, autograders: Path
) -> Iterator[Entry]:
    folder = None
    if section.subpath_to_zips is not None:
        folder = autograders / section.subpath_to_zips.strip("/")
    listed = section.assignments or (dict.fromkeys(_zips_in(folder)) if folder else {})
    for assignment, lms_id in listed.items():
        key = key_of(path, *names, assignment)
        if folder is None:
            zip_path = conventional_zip(autograders, *names, assignment)
        else:
            zip_path = first_that_exists(
                [folder / f"{assignment}{_SUFFIX}", folder / assignment / ZIP_NAME]
            )
        yield Entry(
            key,
            zip_path,
            solution=None,
            written=Written(lms_id=lms_id),
            source=path,
            course_id=section.course_id,
        )


def _zips_in(folder: Path) -> set[str]:
    beside = {path.name.removesuffix(_SUFFIX) for path in folder.glob(f"?*{_SUFFIX}")}
    return beside | {path.parent.name for path in folder.glob(f"*/{ZIP_NAME}")}
