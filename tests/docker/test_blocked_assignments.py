"""Autograder zips that cannot grade as they are: whose fault it is, who waits, and what mends it.

One course, one submission to each of its assignments, and two graders, one after the other: between
them staff mend two of the zips. The second grader finds the rest as the first one left it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from gofer_ingest.grader.engine import connect
from shared.model import AssignmentKey
from shared.spool import Place, Spool
from tests.docker.conftest import DOCKER_HOST
from tests.support.delivered import KEY, POINTS, RIGHT, deliver, small_course, small_zip
from tests.support.processes import LoggedProcess, wait_until
from tests.support.wheels import environment_asking_for, write_wheel
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.model import SubmissionId

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

IN_THE_WHEELHOUSE = "gofer-sample-in-wheelhouse"
NOWHERE = "gofer-sample-nowhere"
SOUND, EXTENDED, LACKING, BROKEN, UNSOLVED = "sound", "extended", "lacking", "broken", "unsolved"
ASSIGNMENTS = (EXTENDED, SOUND, LACKING, BROKEN, UNSOLVED)  # while its image is built, others go on
MENDED = (BROKEN, UNSOLVED)
BEING_BUILT = "is being built"  # said while a build takes longer than a look
WITHIN_S = 300.0  # an image is built, five zips are tried; on a busy machine each takes minutes
COURSE = """
[courses.c.sections.1.assignments.{name}]
autograder = "{name}.zip"
"""
IMPORTING = notebook("from gofer_sample_in_wheelhouse import answer", "total = 5", metadata=KEY)


def asking_for(package: str) -> bytes:
    tests = {"q1": ok_test("q1", "total == 5", points=POINTS)}
    return autograder_zip(tests, environment=environment_asking_for(package))


FIRST_ZIPS = {
    SOUND: small_zip(),
    EXTENDED: asking_for(IN_THE_WHEELHOUSE),
    LACKING: asking_for(NOWHERE),
    BROKEN: autograder_zip({"q1": "OK_FORMAT = True\n\ntest = {'name': 'q1', \n"}),
    UNSOLVED: autograder_zip({"q1": ok_test("q1", "total == 6", points=POINTS)}),
}


@dataclass(frozen=True)
class Found:
    """What one grader left behind.

    Attributes:
        log: its lines.
        runs: verdict and score of each recorded run, by assignment.
        waiting: the tries of each entry that still waits, by assignment.
        images: ids of the derived images, by name.
    """

    log: list[dict[str, Any]]
    runs: dict[str, list[tuple[str, float | None]]]
    waiting: dict[str, int]
    images: dict[str, str] = field(default_factory=dict)

    def reasons(self, assignment: str) -> list[str]:
        """Why the log says that this assignment is blocked, but for the wait for its image."""
        return [
            str(line["reason"])
            for line in self.log
            if line.get("action") == "assignment_blocked"
            and line["assignment"] == str(AssignmentKey("c", "1", assignment))
            and BEING_BUILT not in line["reason"]
        ]


class Installation:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._volume = folder / "volume"
        wheelhouse = folder / "wheelhouse"
        wheelhouse.mkdir()
        write_wheel(wheelhouse, IN_THE_WHEELHOUSE)
        course = "".join(COURSE.format(name=name) for name in ASSIGNMENTS)
        (folder / "course.toml").write_text(f'{course}solution = "solution.ipynb"\n', "utf-8")
        (folder / "solution.ipynb").write_bytes(RIGHT)
        self.write(FIRST_ZIPS)
        self._environment = small_course(
            folder,
            COURSE_CONFIG_PATH=str(folder / "course.toml"),
            GOFER_WHEELHOUSE=str(wheelhouse),
            GOFER_CONCURRENCY="2",
        )
        self._entries: dict[SubmissionId, str] = {}

    def write(self, zips: dict[str, bytes]) -> None:
        for name, content in zips.items():
            (self._folder / f"{name}.zip").write_bytes(content)

    def deliver(self, assignment: str, content: bytes = RIGHT) -> None:
        entry = deliver(self._volume, "ada", content, assignment)
        self._entries[entry] = assignment

    def graded_until(self, *wait_on: str) -> Found:
        """Run a grader until none of the others waits, and each of these was found blocked."""
        with LoggedProcess("gofer_ingest.grader", self._environment) as grader:
            wait_until(lambda: self._waiting().keys() == set(wait_on), WITHIN_S)
            wait_until(
                lambda: all(Found(list(grader.lines), {}, {}).reasons(one) for one in wait_on),
                WITHIN_S,
            )
            assert grader.stop() == 0
        return Found(grader.lines, self._runs(), self._waiting(), derived_images())

    def _waiting(self) -> dict[str, int]:
        spool = Spool(self._volume)
        return {
            assignment: spool.tries(entry)
            for entry, assignment in self._entries.items()
            if spool.find(entry) is Place.NEW
        }

    def _runs(self) -> dict[str, list[tuple[str, float | None]]]:
        path = f"file:{self._volume}/gradebook.db?mode=ro"
        with closing(sqlite3.connect(path, uri=True, timeout=30)) as gradebook:
            rows = gradebook.execute(
                "SELECT submissions.assignment, verdict, score FROM grading_runs "
                "JOIN submissions ON submissions.id = submission_id ORDER BY submissions.id"
            ).fetchall()
        runs: dict[str, list[tuple[str, float | None]]] = {}
        for assignment, verdict, score in rows:
            runs.setdefault(assignment, []).append((verdict, score))
        return runs


def derived_images() -> dict[str, str]:
    found = connect(DOCKER_HOST).images(name="gofer-derived")
    return {tag: image["Id"] for image in found for tag in image["RepoTags"] or ()}


@pytest.fixture(scope="module")
def graders(
    engine: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Found, Found]]:
    """What the first grader found, and the second one after two zips were mended."""
    before = derived_images()
    installation = Installation(tmp_path_factory.mktemp("blocked"))
    for assignment in ASSIGNMENTS:
        installation.deliver(assignment, IMPORTING if assignment == EXTENDED else RIGHT)
    first = installation.graded_until(LACKING, *MENDED)
    installation.write(dict.fromkeys(MENDED, FIRST_ZIPS[SOUND]))
    installation.deliver(EXTENDED, IMPORTING)
    second = installation.graded_until(LACKING)
    yield first, second
    for name in derived_images().keys() - before:
        connect(DOCKER_HOST).remove_image(name, force=True)


def test_a_package_in_the_wheelhouse_comes_into_an_image_that_is_built_once(
    graders: tuple[Found, Found],
) -> None:
    first, second = graders
    assert first.runs[EXTENDED] == [("graded", POINTS)]
    assert second.runs[EXTENDED] == [("graded", POINTS)] * 2
    assert first.images
    assert second.images == first.images


def test_a_package_that_cannot_be_had_is_named_and_its_entries_wait_without_a_try(
    graders: tuple[Found, Found],
) -> None:
    for found in graders:
        assert found.waiting[LACKING] == 0
        assert LACKING not in found.runs
        [reason] = found.reasons(LACKING)
        assert NOWHERE in reason
        assert "packages that the grader image does not have" in reason


def test_a_broken_test_file_is_named_to_staff_and_becomes_no_students_verdict(
    graders: tuple[Found, Found],
) -> None:
    first, second = graders
    [reason] = first.reasons(BROKEN)
    assert "tests/q1.py cannot be loaded: SyntaxError" in reason
    assert first.waiting[BROKEN] == 0
    assert BROKEN not in first.runs
    assert second.runs[BROKEN] == [("graded", POINTS)]


def test_a_zip_that_fails_its_own_solution_grades_nobody_until_it_is_mended(
    graders: tuple[Found, Found],
) -> None:
    first, second = graders
    assert first.waiting[UNSOLVED] == 0
    assert UNSOLVED not in first.runs
    [reason] = first.reasons(UNSOLVED)
    assert "own solution" in reason
    assert f"0 of {POINTS:g} points" in reason
    assert "q1" in reason
    assert second.runs[UNSOLVED] == [("graded", POINTS)]


def test_whoever_waits_holds_up_nobody_elses_grade(graders: tuple[Found, Found]) -> None:
    first, _ = graders
    assert first.runs[SOUND] == [("graded", POINTS)]
