"""What the demo's processes see of the machine's settings, and in which sandbox they grade."""

from __future__ import annotations

from pathlib import Path

import pytest

from gofer_console.demo.sandbox_choice import engine_answers, is_image_missing
from gofer_console.demo.services import demo_environment
from gofer_console.grader_side import Check, Health


def environment(**inherited: str) -> dict[str, str]:
    return demo_environment(
        inherited,
        volume=Path("/var/demo"),
        course_config=Path("/examples/course.toml"),
        sandbox="process",
        port=4321,
    )


def check(name: str, status: Health) -> Check:
    return Check(name=name, status=status, message="")


def test_the_demo_has_a_volume_a_course_and_a_port_of_its_own() -> None:
    made = environment(VOLUME_PATH="/srv/gofer", COURSE_CONFIG_PATH="/etc/course.json")
    assert made["VOLUME_PATH"] == "/var/demo"
    assert made["COURSE_CONFIG_PATH"] == "/examples/course.toml"
    assert (made["GOFER_PORT"], made["GOFER_SANDBOX"]) == ("4321", "process")


def test_neither_the_real_gradebook_nor_the_lms_is_known_to_a_demo() -> None:
    made = environment(
        GOFER_DATABASE_URL="postgresql://real",
        LTI_CONSUMER_SECRET="hush",
        LTI_CONSUMER_SECRET_FILE="/run/hush",
        POST_GRADE="1",
        EDX_URL="lms.example.edu",
        CREDENTIALS_DIRECTORY="/run/credentials",
        JUPYTERHUB_API_TOKEN="hush",
    )
    assert not {name for name in made if name.startswith(("LTI", "POST", "EDX", "CRED", "JUPYT"))}
    assert "GOFER_DATABASE_URL" not in made


def test_what_the_machine_needs_to_run_and_to_reach_its_engine_stays() -> None:
    kept = {
        "PATH": "/usr/bin",
        "DOCKER_HOST": "unix:///run/d.sock",
        "GOFER_GRADER_IMAGE": "mine",
        "GOFER_CONCURRENCY": "1",
    }
    assert environment(**kept).items() >= kept.items()


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([check("engine", Health.OK)], True),
        ([check("engine", Health.WARNING)], False),
        ([check("engine", Health.PROBLEM)], False),
        ([check("image", Health.OK)], False),
        ([], False),
    ],
)
def test_containers_are_used_where_an_engine_answers(
    checks: list[Check], *, expected: bool
) -> None:
    assert engine_answers(checks) is expected


def test_an_image_that_is_not_well_is_built() -> None:
    assert is_image_missing([check("engine", Health.OK), check("image", Health.PROBLEM)])
    assert not is_image_missing([check("engine", Health.OK), check("image", Health.OK)])
