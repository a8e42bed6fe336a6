"""From a grade to Open edX's gradebook: the outbox, the loop, and edX's own consumer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from gofer_ingest.grader.passback.credentials import Credentials
from gofer_ingest.grader.passback.loop import PassbackLoop
from gofer_ingest.grader.passback.setting_up import make_lanes
from shared.catalogue import Defaults, load_catalogue
from shared.gradebook.roster import import_rows
from shared.requests import RosterImportPayload, RosterRow
from tests.support.edx import EdxConsumer
from tests.support.faulty_http import Fault
from tests.support.lti_keys import TOOL_KEY, TOOL_PEM
from tests.support.posting_room import PostingRoom, asked, decide_on
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADA, BEN, EVE = (letter * 32 for letter in "abe")
"""Anonymous ids, as edX gives them; by LTI 1.1 they are the Hub's names."""


class EdxRoom(PostingRoom):
    """A gradebook whose course config names the real consumer."""

    def __init__(self, folder: Path, edx: EdxConsumer, kind: str) -> None:
        super().__init__(folder)
        self.edx = edx
        is_classic = kind == "lti11"
        self.config = folder / ("courses.json" if is_classic else "courses.toml")
        self.config.write_text(
            by_outcomes(edx.places) if is_classic else by_services(edx.places, folder)
        )

    def loop(self) -> PassbackLoop:
        catalogue = load_catalogue(
            course_config=self.config,
            autograders=self.volume,
            defaults=Defaults(edx_url=self.edx.places["url"]),
            course=None,
        )
        credentials = Credentials(SecretStr(self.edx.key), SecretStr(self.edx.secret))
        lanes = make_lanes(catalogue, credentials)
        return PassbackLoop(self.gradebook, lanes, holds_unless_told=False)


def by_outcomes(places: dict[str, Any]) -> str:
    """The classic course config, which says nothing of LTI."""
    section = {
        "course_id": places["course"].removeprefix("course-v1:"),
        "subpath_to_zips": "",
        "assignments": {"lab01": places["outcome_block"]},
    }
    return json.dumps({"demo101": {"fa26": section}})


def by_services(places: dict[str, Any], folder: Path) -> str:
    (folder / "lti.pem").write_text(TOOL_PEM)
    return f"""
[courses.demo101.sections.fa26.assignments.lab01.passback]
kind = "lti13"
client_id = "{places["client_id"]}"
token_url = "{places["token_url"]}"
line_items = "{places["line_items_url"]}"
label = "{places["label"]}"
private_key_file = "lti.pem"
"""


@pytest.fixture(params=["lti11", "lti13"])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EdxRoom]:
    edx_folder = tmp_path / "edx"
    edx_folder.mkdir()
    with EdxConsumer([ADA, BEN, EVE], TOOL_KEY.public_pem(), edx_folder) as edx:
        made = EdxRoom(tmp_path, edx, request.param)
        if request.param == "lti13":
            know_students(made)
        yield made
        made.close()


def know_students(room: EdxRoom) -> None:
    """Import what edX's ids of LTI 1.3 are: others than those of 1.1."""
    rows = tuple(
        RosterRow(student=student, user_id=external_id)
        for student, external_id in room.edx.places["external_ids"].items()
    )
    payload = RosterImportPayload(file="roster.csv", rows=rows)
    import_rows(room.gradebook, asked(payload), payload, "Taken.")


def test_a_grade_becomes_the_grade_at_edx_whatever_happens_on_the_way(room: EdxRoom) -> None:
    room.edx.steering.plan(
        Fault(status=503, count=1),
        Fault("cut_after", of="/scores", count=1),
        Fault("cut_after", of="/outcome_service_handler", count=1),
    )
    room.grade(ADA, 2.5)
    room.grade(BEN, 10)
    with room.posting() as running:
        wait_until(lambda: bool(room.edx.history(ADA)))
        room.grade(ADA, 7.5)
        decide_on(room, EVE, 4)
        running.ring()
        wait_until(room.is_quiet)
    for student, fraction in ((ADA, 0.75), (BEN, 1.0), (EVE, 0.4)):
        assert room.edx.history(student)[-1] == pytest.approx(fraction)
        assert room.state(student) == "sent"
    assert set(room.edx.history(ADA)) == {0.25, 0.75}

    # edX lets nobody take a grade out: it is left to staff, and no 0 is written.
    decide_on(room, EVE, None)
    room.post_until_quiet()
    row = room.rows(EVE)[-1]
    assert (row.state, row.cause) == ("failed", "unsupported")
    assert set(room.edx.history(EVE)) == {0.4}
