from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.catalogue import Defaults, load_catalogue
from shared.catalogue.passback import Kind, Names, Passback, Zeros
from shared.errors import ConfigError
from shared.model import AssignmentKey, RateLimit

if TYPE_CHECKING:
    from pathlib import Path

LAB = "[courses.c.sections.s.assignments.lab01]\n"
LTI13 = """
[courses.c.passback]
kind = "lti13"
client_id = "gofer"
token_url = "https://lms.example.edu/token"
private_key_file = "lti.pem"
line_items = "https://lms.example.edu/items"
"""


def passback_of(folder: Path, text: str, edx_url: str | None = None) -> Passback | None:
    config = folder / "course.toml"
    config.write_text(text)
    catalogue = load_catalogue(
        course_config=config, autograders=folder, defaults=Defaults(edx_url=edx_url), course=None
    )
    return catalogue.find(AssignmentKey("c", "s", "lab01")).passback


def test_without_a_block_nothing_is_posted(tmp_path: Path) -> None:
    assert passback_of(tmp_path, LAB) is None


def test_levels_are_combined_key_by_key_and_the_nearest_wins(tmp_path: Path) -> None:
    found = passback_of(
        tmp_path,
        LTI13
        + "hold = true\nzeros = 'hold'\nrate = '5/1s'\nconcurrency = 1\n"
        + "[courses.c.sections.s.passback]\nhold = false\n"
        + LAB
        + "lms_id = 'lab-1'\n[courses.c.sections.s.assignments.lab01.passback]\nlabel = 'Lab 1'\n",
    )
    assert found == Passback(
        Kind.LTI13,
        lms_id="lab-1",
        client_id="gofer",
        token_url="https://lms.example.edu/token",
        private_key_file=tmp_path / "lti.pem",
        line_items="https://lms.example.edu/items",
        resource_id="lab-1",
        label="Lab 1",
        hold=False,
        zeros=Zeros.HOLD,
        rate=RateLimit(5, 1),
        concurrency=1,
    )
    assert found.has_files


def test_edx_is_known_by_its_course_and_knows_students_by_their_names(tmp_path: Path) -> None:
    text = "[courses.c.passback]\ncourse_id = 'Org+C+R'\n" + LAB + "lms_id = 6333\n"
    found = passback_of(tmp_path, text, "edx.example.org")
    assert found == Passback(
        Kind.LTI11,
        edx_url="edx.example.org",
        course_id="Org+C+R",
        lms_id="6333",
        students=Names.STUDENT,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LTI13.replace("client_id", "# "), "passback.client_id: this key is missing, which lti13"),
        (LTI13.replace("line_items", "# "), "passback.line_items: this key is missing"),
        (LTI13.replace("token_url", "# "), "passback.token_url: this key is missing"),
        ("[courses.c.passback]\nkey_file = 'k'\n", "key_file and secret_file belong together"),
        ("[courses.c.passback]\nkind = 'lti2'\n", "c.passback.kind: Input should be"),
        ("[courses.c.passback]\nsecret = 'x'\n", "c.passback.secret: there is no such key"),
        ("[courses.c]\npassback = 'off'\n", "c.passback: this has to be a table of keys"),
        ("[courses.c.passback]\nhold = 'yes'\n", "c.passback.hold: Input should be"),
        ("[courses.c.passback]\nrate = 'fast'\n", "c.passback.rate: write it as"),
        ("[courses.c.passback]\nservice_url = 'lms'\n", "service_url: write it as an address"),
        ("[courses.c.passback]\nconcurrency = 0\n", "c.passback.concurrency: Input should be"),
    ],
)
def test_a_mistake_is_one_line_that_names_file_and_key(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ConfigError) as wrong:
        passback_of(tmp_path, text + LAB)
    message = str(wrong.value)
    assert message.startswith(str(tmp_path / "course.toml"))
    assert said in message
    assert "\n" not in message
