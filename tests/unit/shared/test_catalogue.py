from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from shared.catalogue import Catalogue, Defaults, load_catalogue
from shared.errors import ConfigError, UnknownAssignment
from shared.grade_policy import GradePolicy, LateRule, LateUnit
from shared.model import AssignmentKey, AttemptsPolicy, Limits

if TYPE_CHECKING:
    from pathlib import Path

DEFAULTS = Defaults(limits=Limits(time_s=77))


class Place:
    """A folder of autograders and a course config beside it."""

    def __init__(self, root: Path) -> None:
        self.autograders = root / "autograders"
        self.configs = root / "configs"
        self.autograders.mkdir()
        self.configs.mkdir()

    def zip(self, path: str) -> Path:
        made = self.autograders / path
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()
        return made

    def config(self, name: str, text: str) -> Path:
        path = self.configs / name
        path.write_text(text, "utf-8")
        return path

    def load(self, config: Path | None = None, course: str | None = None) -> Catalogue:
        return load_catalogue(
            course_config=config, autograders=self.autograders, defaults=DEFAULTS, course=course
        )

    def toml(self, text: str) -> Catalogue:
        return self.load(self.config("courses.toml", text))

    def classic(self, content: Any) -> Catalogue:
        return self.load(self.config("course-config.json", json.dumps(content)))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def keys(catalogue: Catalogue) -> list[str]:
    return [str(assignment.key) for assignment in catalogue]


# --- the classic JSON ---------------------------------------------------------------------------

CLASSIC = {
    "8x": {
        "1": {
            "course_id": "BerkeleyX+Data8.1x+3T2022",
            "subpath_to_zips": "materials/x22/lab/1",
            "assignments": {"lab02": "fbf6740d45094b9b977111d218969273", "lab01": 6333},
        },
        "3": {
            "course_id": 12,
            "subpath_to_zips": "/materials/x22/lab/3/",
            "assignments": {"lab01": ""},
            "something_else": [1, 2],
        },
    }
}


def test_a_classic_file_loads_unchanged(place: Place) -> None:
    catalogue = place.classic(CLASSIC)
    assert keys(catalogue) == ["8x/1/lab01", "8x/1/lab02", "8x/3/lab01"]
    assert len(catalogue) == 3
    lab01 = catalogue.find(AssignmentKey("8x", "1", "lab01"))
    assert lab01.lms_id == "6333"
    assert lab01.limits == DEFAULTS.limits
    assert lab01.policy.attempts is AttemptsPolicy.BEST
    assert lab01.solution is None
    assert lab01.image is None
    assert catalogue.find(AssignmentKey("8x", "3", "lab01")).lms_id is None


def test_classic_zips_lie_beside_each_other_or_in_a_folder_each(place: Place) -> None:
    flat = place.zip("materials/x22/lab/1/lab01-autograder.zip")
    folder = place.zip("materials/x22/lab/1/lab02/autograder.zip")
    catalogue = place.classic(CLASSIC)
    assert catalogue.find(AssignmentKey("8x", "1", "lab01")).autograder_zip == flat
    assert catalogue.find(AssignmentKey("8x", "1", "lab02")).autograder_zip == folder


def test_a_classic_zip_that_is_not_there_yet_is_expected_beside_the_others(place: Place) -> None:
    found = place.classic(CLASSIC).find(AssignmentKey("8x", "3", "lab01"))
    assert found.autograder_zip == (place.autograders / "materials/x22/lab/3/lab01-autograder.zip")


def test_a_classic_section_without_a_subpath_follows_the_folders(place: Place) -> None:
    hw = place.zip("hw/1/warmup/autograder.zip")
    catalogue = place.classic({"8x": {"1": {"assignments": {"warmup": "a", "project2": "b"}}}})
    assert catalogue.find(AssignmentKey("8x", "1", "warmup")).autograder_zip == hw
    assert catalogue.find(AssignmentKey("8x", "1", "project2")).autograder_zip == (
        place.autograders / "8x/project/1/project2/autograder.zip"
    )


def test_a_classic_section_that_lists_nothing_has_what_lies_under_its_subpath(
    place: Place,
) -> None:
    place.zip("m/lab01-autograder.zip")
    place.zip("m/lab02/autograder.zip")
    assert keys(place.classic({"8x": {"1": {"subpath_to_zips": "m"}}})) == [
        "8x/1/lab01",
        "8x/1/lab02",
    ]


def test_classic_keys_that_are_no_course_or_section_are_left_alone(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        catalogue = place.classic({"_comment": "ours", "8x": {"name": "Data 8", **CLASSIC["8x"]}})
    assert len(catalogue) == 3
    assert [vars(record)["key"] for record in caplog.records] == ["_comment", "name"]


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ([], "the whole file"),
        ({"8x": {"1": {"assignments": []}}}, "8x.1.assignments"),
        ({"8x": {"1": {"assignments": {"lab01": True}}}}, "8x.1.assignments.lab01"),
        ({"8x": {"1": {"subpath_to_zips": 5}}}, "8x.1.subpath_to_zips"),
        ({"8x": {"1": {"assignments": {"lab\n01": "a"}}}}, r"'lab\n01'"),
    ],
)
def test_a_bad_classic_file_is_one_line_with_file_and_key(
    place: Place, content: object, key: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        place.classic(content)
    assert str(caught.value).startswith(f"{place.configs / 'course-config.json'}: {key}: ")
    assert "\n" not in str(caught.value)


# --- TOML ---------------------------------------------------------------------------------------


def test_toml_says_everything_about_an_assignment(place: Place) -> None:
    zip_path = place.zip("demo/lab01.zip")
    found = place.toml("""
        [courses.demo101.sections.1.assignments.lab01]
        autograder = "demo/lab01.zip"
        solution = "solutions/lab01.ipynb"
        image = "gofer-grader:demo"
        time_limit_s = 60
        cell_time_limit_s = 12.5
        memory = "512m"
        cpus = 0.5
        pids = 64
        output = 1048576
        disk = "64m"
        attempts = "latest"
        lms_id = 42
    """).find(AssignmentKey("demo101", "1", "lab01"))
    assert found.autograder_zip == zip_path
    assert found.solution == place.configs / "solutions/lab01.ipynb"
    assert found.image == "gofer-grader:demo"
    assert found.limits == Limits(
        time_s=60,
        cell_time_s=12.5,
        memory_bytes=512 << 20,
        cpus=0.5,
        pids=64,
        output_bytes=1 << 20,
        disk_bytes=64 << 20,
    )
    assert found.policy.attempts is AttemptsPolicy.LATEST
    assert found.lms_id == "42"


def test_toml_takes_what_an_assignment_leaves_out_from_section_course_and_defaults(
    place: Place,
) -> None:
    catalogue = place.toml("""
        [courses.demo101]
        attempts = "first"
        memory = "1g"
        pids = 10
        autograder = "zips/{section}-{assignment}.zip"
        [courses.demo101.sections.1]
        memory = "2g"
        pids = 20
        [courses.demo101.sections.1.assignments.lab01]
        pids = 30
        [courses.demo101.sections.1.assignments.lab02]
        attempts = "best"
    """)
    lab01 = catalogue.find(AssignmentKey("demo101", "1", "lab01"))
    assert lab01.limits == Limits(time_s=77, memory_bytes=2 << 30, pids=30)
    assert lab01.policy.attempts is AttemptsPolicy.FIRST
    assert lab01.autograder_zip == place.configs / "zips/1-lab01.zip"
    lab02 = catalogue.find(AssignmentKey("demo101", "1", "lab02"))
    assert lab02.policy.attempts is AttemptsPolicy.BEST
    assert lab02.limits.pids == 20


def test_the_rules_of_grades_come_from_every_level(place: Place) -> None:
    catalogue = place.toml("""
        [courses.demo101]
        timezone = "Europe/Berlin"
        max_attempts = 5
        late = { grace = "15m", percent = 10, floor = 50, cutoff = "7d" }
        [courses.demo101.sections.1.assignments.lab01]
        due = 2026-12-01T23:59:00
        points = 100
        [courses.demo101.sections.1.assignments.lab02]
        due = "2026-07-01T18:00:00-05:00"
        late = { percent = 1, per = "hour" }
        bonus = 2
        [courses.demo101.sections.2.assignments.lab03]
        timezone = "America/New_York"
        due = "2026-07-01 18:00"
    """)
    course_rule = LateRule(900, 10, LateUnit.DAY, 50, 7 * 86_400)
    lab01, lab02, lab03 = (assignment.policy for assignment in catalogue)
    assert lab01 == GradePolicy(
        due_at=datetime(2026, 12, 1, 22, 59, tzinfo=UTC),
        late=course_rule,
        max_attempts=5,
        points=100,
    )
    assert lab02 == GradePolicy(
        due_at=datetime(2026, 7, 1, 23, tzinfo=UTC),
        late=LateRule(percent=1, per=LateUnit.HOUR),
        max_attempts=5,
        bonus=2,
    )
    assert lab03.due_at == datetime(2026, 7, 1, 22, tzinfo=UTC)
    assert lab03.late == course_rule
    assert len({policy.as_text() for policy in (lab01, lab02, lab03)}) == 3


def test_toml_without_an_autograder_follows_the_folders(place: Place) -> None:
    zip_path = place.zip("demo101/lab/1/lab01/autograder.zip")
    found = place.toml("[courses.demo101.sections.1.assignments.lab01]").find(
        AssignmentKey("demo101", "1", "lab01")
    )
    assert found.autograder_zip == zip_path


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("x = 1", "courses: this key is missing (and 1 more)"),
        ("[courses.a]\nmemory = '1g'", "courses.a.sections: this key is missing"),
        ("[courses.a.sections.1]", "courses.a.sections.1.assignments: this key is missing"),
        (
            "[courses.a.sections.1.assignments.lab01]\nmemmory = '1g'",
            "courses.a.sections.1.assignments.lab01.memmory: there is no such key",
        ),
        (
            "[courses.a.sections.1.assignments.lab01]\nmemory = 'lots'",
            "courses.a.sections.1.assignments.lab01.memory: write a size",
        ),
        (
            "[courses.a.sections.1.assignments.lab01]\ntime_limit_s = -1",
            "courses.a.sections.1.assignments.lab01.time_limit_s: ",
        ),
        (
            "[courses.a.sections.1.assignments.lab01]\nattempts = 'worst'",
            "courses.a.sections.1.assignments.lab01.attempts: ",
        ),
        (
            "[courses.a.sections.1.assignments.lab01]\ndue = 2026-12-01",
            "courses.a.sections.1.assignments.lab01.due: write the time of the day too",
        ),
        (
            '[courses.a.sections.1.assignments.lab01]\ndue = "soon"',
            "courses.a.sections.1.assignments.lab01.due: write a day and a time",
        ),
        (
            "[courses.a.sections.1.assignments.lab01]\ndue = 2026-12-01T23:59:00",
            "courses.a.sections.1.assignments.lab01.due: the time needs a zone",
        ),
        (
            "[courses.a.sections.1.assignments.lab01]\ndue = 9999-12-31T23:59:00-05:00",
            "courses.a.sections.1.assignments.lab01.due: the year is too far away",
        ),
        (
            "[courses.a.sections.1.assignments.lab01]\npublish = 9999-12-31T23:59:00-05:00",
            "courses.a.sections.1.assignments.lab01.publish: the year is too far away",
        ),
        (
            '[courses.a.sections.1.assignments.lab01]\ntimezone = "Mars/Base"',
            "courses.a.sections.1.assignments.lab01.timezone: there is no such time zone",
        ),
        (
            '[courses.a.sections.1.assignments.lab01]\ntimezone = "../../etc/passwd"',
            "courses.a.sections.1.assignments.lab01.timezone: there is no such time zone",
        ),
        (
            '[courses.a.sections.1.assignments.lab01]\nlate = { grace = "2h", cutoff = "1m" }',
            "courses.a.sections.1.assignments.lab01.late: `cutoff` is shorter",
        ),
        (
            "[courses.a.sections.1.assignments.lab01]\nlate = { grace = 5 }",
            "courses.a.sections.1.assignments.lab01.late.grace: write how long it is",
        ),
        (
            "[courses.a.sections.1.assignments.lab01]\nlate = { percent = 101 }",
            "courses.a.sections.1.assignments.lab01.late.percent: ",
        ),
        (
            "[courses.a.sections.1.assignments.lab01]\nlate = { percnt = 10 }",
            "courses.a.sections.1.assignments.lab01.late.percnt: there is no such key",
        ),
        (
            "[courses.a.sections.1.assignments.lab01]\nmax_attempts = 0",
            "courses.a.sections.1.assignments.lab01.max_attempts: ",
        ),
        (
            "[courses.a.sections.1.assignments.lab01]\npoints = 0",
            "courses.a.sections.1.assignments.lab01.points: ",
        ),
        (
            "[courses.a.sections.1.assignments.lab01]\nbonus = -1",
            "courses.a.sections.1.assignments.lab01.bonus: ",
        ),
        ("[courses.a.sections.1.assignments.'']", "'': a name has 1 to 255 characters"),
        ("[courses", "Expected ']'"),
    ],
)
def test_a_bad_toml_file_is_one_line_with_file_and_key(place: Place, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        place.toml(text)
    assert str(caught.value).startswith(f"{place.configs / 'courses.toml'}: {key}")
    assert "\n" not in str(caught.value)


def test_names_that_become_equal_are_an_error(place: Place) -> None:
    with pytest.raises(ConfigError, match="twice"):
        place.toml(
            '[courses.a.sections.1.assignments."jos\\u00e9"]\n'
            '[courses.a.sections.1.assignments."jose\\u0301"]\n'
        )


# --- the folders --------------------------------------------------------------------------------


def test_without_a_config_the_folders_tell(place: Place) -> None:
    lab = place.zip("demo101/lab/1/lab01/autograder.zip")
    place.zip("demo101/hw/1/hw02/autograder.zip")
    place.zip("demo101/project/2/final/autograder.zip")
    place.zip("demo101/other/2/final/autograder.zip")
    place.zip("lab/1/lab09/autograder.zip")
    catalogue = place.load()
    assert keys(catalogue) == ["demo101/1/hw02", "demo101/1/lab01", "demo101/2/final"]
    found = catalogue.find(AssignmentKey("demo101", "1", "lab01"))
    assert found.autograder_zip == lab
    assert found.limits == DEFAULTS.limits


def test_a_named_course_has_the_folders_without_its_name_too(place: Place) -> None:
    place.zip("lab/1/lab09/autograder.zip")
    place.zip("demo101/lab/1/lab01/autograder.zip")
    assert keys(place.load(course="8x")) == ["8x/1/lab09", "demo101/1/lab01"]


def test_the_same_assignment_in_two_folders_is_an_error(place: Place) -> None:
    place.zip("demo101/lab/1/x/autograder.zip")
    place.zip("demo101/hw/1/x/autograder.zip")
    with pytest.raises(ConfigError, match="demo101/1/x: is there twice"):
        place.load()


def test_no_folder_is_an_empty_catalogue(place: Place) -> None:
    place.autograders.rmdir()
    assert len(place.load()) == 0


# --- any shape ----------------------------------------------------------------------------------


def test_an_assignment_that_is_not_there_is_unknown(place: Place) -> None:
    catalogue = place.classic(CLASSIC)
    for key in (
        AssignmentKey("8x", "1", "lab03"),
        AssignmentKey("8X", "1", "lab01"),
        AssignmentKey("8x", "../1", "lab01"),
    ):
        with pytest.raises(UnknownAssignment):
            catalogue.find(key)


def test_a_file_of_another_name_is_known_by_its_first_character(place: Place) -> None:
    config = place.config("courses", json.dumps(CLASSIC))
    assert len(place.load(config)) == 3
    config = place.config("courses", "[courses.a.sections.1.assignments.lab01]")
    assert len(place.load(config)) == 1


def test_a_file_that_cannot_be_read_is_one_line(place: Place) -> None:
    missing = place.configs / "missing.toml"
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        place.load(missing)
    binary = place.configs / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        place.load(binary)
    with pytest.raises(ConfigError, match="line 1, column 2"):
        place.load(place.config("bad.json", "{"))
    with pytest.raises(ConfigError, match="nested too deeply"):
        place.load(place.config("deep.json", "[" * 200_000))
