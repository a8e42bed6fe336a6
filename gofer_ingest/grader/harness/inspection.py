"""Finding out what an autograder zip holds, without any student code."""

from __future__ import annotations

import json
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from otter.nbmeta_config import NBMetadataConfig
from otter.run.run_autograder import AutograderConfig
from otter.test_files import create_test_file
from otter.version import __version__ as otter_version
from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import Requirement

from .autograder_zip import unpack

if TYPE_CHECKING:
    from pathlib import Path

NAME_MAX_CHARACTERS = 1_000
POINTS_MAX = 1e9
"""Far beyond any course, and no sum of them overflows."""

_T = TypeVar("_T")

_ALREADY_HERE = {"otter-grader", "pip", "python", "jupyter-server", "jupyter_server"}
"""otter's zips always name these; the image brings its own."""


def inspect(autograder_zip: bytes, folder: Path) -> dict[str, Any]:
    """Return what the zip holds, as plain JSON values.

    What is wrong with it stands in `problems`.
    """
    source = folder / "source"
    found: dict[str, Any] = {
        "questions": [],
        "points_possible": 0.0,
        "score_threshold": None,
        "plugins": [],
        "requirements": [],
        "missing": [],
        "problems": [],
        "notes": [],
        "otter_version": otter_version,
    }
    try:
        unpack(autograder_zip, source)
    except ValueError as error:
        found["problems"].append(f"The zip cannot be used: {error}.")
        return found
    _read_tests(source, found)
    _read_config(source, found)
    _read_requirements(source, found)
    return found


def _read_tests(source: Path, found: dict[str, Any]) -> None:
    paths = sorted((source / "tests").glob("*.py"))
    if not paths:
        found["problems"].append("The zip holds no test files (tests/*.py).")
    names = set()
    for path in paths:
        try:
            question = _question(path)
        except BaseException as error:  # noqa: BLE001 - a test file is code and may raise anything
            found["problems"].append(
                f"tests/{path.name} cannot be loaded: {type(error).__name__}: {error}"[:1000]
            )
            continue
        name = question["name"]
        if name in names:
            found["problems"].append(f"Two test files are named {name!r}: {path.name} is one.")
            continue
        names.add(name)
        found["questions"].append(question)
    found["points_possible"] = sum(question["points"] for question in found["questions"])


def _question(path: Path) -> dict[str, Any]:
    test = create_test_file(str(path), NBMetadataConfig())
    if not isinstance(test.name, str) or not 1 <= len(test.name) <= NAME_MAX_CHARACTERS:
        raise ValueError(f"its name is not a text of 1 to {NAME_MAX_CHARACTERS} characters")
    if "\0" in test.name:  # a database may not be able to hold it
        raise ValueError("its name holds the character U+0000")
    points = float(test.possible)
    if not 0 <= points <= POINTS_MAX:
        raise ValueError(f"it is worth {points} points")
    return {"name": test.name, "points": points, "hidden": not test.all_public}


def _read_config(source: Path, found: dict[str, Any]) -> None:
    path = source / "otter_config.json"
    if not path.is_file():
        return
    try:
        config = AutograderConfig(json.loads(path.read_text("utf-8")))
        points_possible = _points(config, "points_possible")
        found["score_threshold"] = _points(config, "score_threshold")
        found["plugins"] += map(_plugin_name, _checked(config.plugins, list, "plugins"))
    except Exception as error:  # noqa: BLE001 - otter's config library raises what it likes
        found["problems"].append(
            f"otter_config.json cannot be read: {type(error).__name__}: {error}"
        )
        return
    if points_possible is not None:
        found["points_possible"] = points_possible
    if config.lang != "python":
        found["problems"].append(f"It grades {config.lang!r}; Gofer grades Python notebooks.")
    if config.grade_from_log:
        found["problems"].append("It grades from otter's log, which is not sent with a notebook.")
    if config.pdf or config.token:
        found["notes"].append("It asks for a PDF or an upload to Gradescope; neither is made.")


def _points(config: AutograderConfig, key: str) -> float | None:
    value = getattr(config, key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{key} is {repr(value)[:100]}, which is not a number")
    if not 0 <= value <= POINTS_MAX:
        raise ValueError(f"{key} is {value}")
    return float(value)


def _plugin_name(plugin: object) -> str:
    if isinstance(plugin, dict) and len(plugin) == 1:
        plugin = next(iter(plugin))  # with its settings
    return _checked(plugin, str, "one of the plugins")


def _checked(value: Any, kind: type[_T], what: str) -> _T:
    if not isinstance(value, kind):
        raise TypeError(f"{what} is {repr(value)[:100]}, which is not a {kind.__name__}")
    return value


def _read_requirements(source: Path, found: dict[str, Any]) -> None:
    lines = []
    environment = source / "environment.yml"
    if environment.is_file():
        try:
            lines += _pip_lines(yaml.safe_load(environment.read_text("utf-8")), found)
        except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
            found["problems"].append(f"environment.yml cannot be read: {error}")
    requirements = source / "requirements.txt"
    if requirements.is_file():
        try:
            lines += requirements.read_text("utf-8").splitlines()
        except ValueError as error:
            found["problems"].append(f"requirements.txt cannot be read: {error}")
    for raw in lines:
        line = raw.split("#")[0].strip()
        if line:
            _take_requirement(line, found)


def _pip_lines(environment: Any, found: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    named = _checked(environment or {}, dict, "what it holds").get("dependencies") or []
    for dependency in _checked(named, list, "its list of dependencies"):
        if isinstance(dependency, dict):
            lines += map(str, _checked(dependency.get("pip") or [], list, "its list for pip"))
            continue
        name = re.split(r"[=<>! ]", _checked(dependency, str, "a dependency"))[0].lower()
        if name not in _ALREADY_HERE:
            found["notes"].append(f"conda's {dependency} is ignored: Gofer installs with pip.")
    return lines


def _take_requirement(line: str, found: dict[str, Any]) -> None:
    try:
        requirement = Requirement(line)
        applies = requirement.marker is None or requirement.marker.evaluate()
    except (ValueError, UndefinedEnvironmentName):  # its marker may compare what cannot be
        found["problems"].append(f"It asks for {line!r}, which is not a requirement pip knows.")
        return
    name = requirement.name.lower().replace("_", "-")
    if not applies:
        return
    if name == "otter-grader":
        if not requirement.specifier.contains(otter_version, prereleases=True):
            made_for = f"otter-grader{requirement.specifier}"
            found["notes"].append(f"It was made for {made_for}; the image has {otter_version}.")
        return
    if name in _ALREADY_HERE:
        return
    found["requirements"].append(str(requirement))
    try:
        installed = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        found["missing"].append(str(requirement))
        return
    if not requirement.specifier.contains(installed, prereleases=True):
        found["missing"].append(str(requirement))
