"""Finding out what an autograder zip holds, without any student code."""

from __future__ import annotations

import json
import math
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any

import yaml
from otter.nbmeta_config import NBMetadataConfig
from otter.run.run_autograder import AutograderConfig
from otter.test_files import create_test_file
from otter.version import __version__ as otter_version
from packaging.requirements import InvalidRequirement, Requirement

from .autograder_zip import unpack

if TYPE_CHECKING:
    from pathlib import Path

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
            test = create_test_file(str(path), NBMetadataConfig())
            points = float(test.possible)
        except BaseException as error:  # noqa: BLE001 - a test file is code and may raise anything
            found["problems"].append(
                f"tests/{path.name} cannot be loaded: {type(error).__name__}: {error}"
            )
            continue
        if not math.isfinite(points) or points < 0:
            found["problems"].append(f"tests/{path.name} is worth {points} points.")
        if test.name in names:
            found["problems"].append(f"Two test files are named {test.name!r}: {path.name} is one.")
        names.add(test.name)
        found["questions"].append(
            {"name": str(test.name), "points": points, "hidden": not test.all_public}
        )
    found["points_possible"] = sum(question["points"] for question in found["questions"])


def _read_config(source: Path, found: dict[str, Any]) -> None:
    path = source / "otter_config.json"
    if not path.is_file():
        return
    try:
        config = AutograderConfig(json.loads(path.read_text("utf-8")))
    except Exception as error:  # noqa: BLE001 - otter's config library raises what it likes
        found["problems"].append(
            f"otter_config.json cannot be read: {type(error).__name__}: {error}"
        )
        return
    if config.lang != "python":
        found["problems"].append(f"It grades {config.lang!r}; Gofer grades Python notebooks.")
    if config.grade_from_log:
        found["problems"].append("It grades from otter's log, which is not sent with a notebook.")
    if config.points_possible is not None:
        found["points_possible"] = float(config.points_possible)
    found["score_threshold"] = config.score_threshold
    for plugin in config.plugins:
        found["plugins"].append(plugin if isinstance(plugin, str) else next(iter(plugin)))
    if config.pdf or config.token:
        found["notes"].append("It asks for a PDF or an upload to Gradescope; neither is made.")


def _read_requirements(source: Path, found: dict[str, Any]) -> None:
    lines = []
    environment = source / "environment.yml"
    if environment.is_file():
        try:
            lines += _pip_lines(yaml.safe_load(environment.read_text("utf-8")), found)
        except (yaml.YAMLError, AttributeError, TypeError) as error:
            found["problems"].append(f"environment.yml cannot be read: {error}")
    requirements = source / "requirements.txt"
    if requirements.is_file():
        lines += requirements.read_text("utf-8").splitlines()
    for raw in lines:
        line = raw.split("#")[0].strip()
        if line:
            _take_requirement(line, found)


def _pip_lines(environment: dict[str, Any], found: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for dependency in environment.get("dependencies", []):
        if isinstance(dependency, dict):
            lines += [str(line) for line in dependency.get("pip", [])]
            continue
        name = re.split(r"[=<>! ]", dependency)[0].lower()
        if name not in _ALREADY_HERE:
            found["notes"].append(f"conda's {dependency} is ignored: Gofer installs with pip.")
    return lines


def _take_requirement(line: str, found: dict[str, Any]) -> None:
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        found["problems"].append(f"It asks for {line!r}, which is not a requirement pip knows.")
        return
    name = requirement.name.lower().replace("_", "-")
    if requirement.marker is not None and not requirement.marker.evaluate():
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
