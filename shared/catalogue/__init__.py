"""Which assignments there are, from the course config file or from the autograders' folders.

A catalogue only says what staff wrote down. Whether a zip is there yet, and whether it is any good,
is found out later: by `gofer doctor` and by the grader. Paths are made here alone, out of staff's
words; a student's words are only ever compared with a catalogue entry.
"""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

from shared.catalogue.classic import classic_assignments
from shared.catalogue.entries import Assignment, Catalogue, Defaults
from shared.catalogue.folders import assignments_in_folders
from shared.catalogue.structured import structured_assignments
from shared.catalogue.zips import present_zips, read_zip, zip_sha256
from shared.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Assignment",
    "Catalogue",
    "Defaults",
    "load_catalogue",
    "present_zips",
    "read_zip",
    "zip_sha256",
]


def load_catalogue(
    *, course_config: Path | None, autograders: Path, defaults: Defaults, course: str | None
) -> Catalogue:
    """Return the assignments that can be submitted.

    Args:
        course_config: a course config file, TOML or the classic JSON. None takes what lies under
            `autograders` by convention.
        autograders: the folder of the autograder zips.
        defaults: what an assignment has that sets nothing else.
        course: the course that `{lab|hw|project}/…` directly under `autograders` belongs to; only
            used where there is no course config.

    Raises:
        ConfigError: the catalogue cannot be used; one line names the file and the key.
    """
    if course_config is None:
        found = assignments_in_folders(autograders, defaults, course)
        return Catalogue(found, source=str(autograders))
    try:
        text = course_config.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{course_config}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{course_config}: is not UTF-8 text") from error
    if _is_json(course_config, text):
        entries = classic_assignments(_read_json(course_config, text), course_config, autograders)
    else:
        entries = structured_assignments(
            _read_toml(course_config, text), course_config, autograders
        )
    return Catalogue((entry.assignment(defaults) for entry in entries), source=str(course_config))


def _is_json(path: Path, text: str) -> bool:
    if path.suffix in {".json", ".toml"}:
        return path.suffix == ".json"
    return text.lstrip().startswith("{")


def _read_json(path: Path, text: str) -> object:
    try:
        found: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{path}: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except RecursionError as error:
        raise ConfigError(f"{path}: is nested too deeply") from error
    return found


def _read_toml(path: Path, text: str) -> object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
