"""`gofer roster` with a Hub's API beside it, as JupyterHub answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from typer.testing import CliRunner

from gofer_console import asking
from gofer_console.cli import app
from shared.errors import GoferError
from shared.gradebook.engine import open_gradebook
from shared.gradebook.roster import Known, import_rows, known_of
from shared.gradebook.transactions import reading
from shared.model import AssignmentKey
from shared.requests import RosterImportPayload, StaffRequest
from shared.spool import Spool
from tests.support.faulty_http import Fault, FaultyServer, Request, Response, Steering

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

BLOCK = "0123456789abcdef0123456789abcdef"
KEY = AssignmentKey("demo101", "fa26", "lab01")
TOKEN = "a-secret-token"

BY_LTI11 = {
    "user_id": "a" * 32,
    "lis_person_name_full": "Lovelace, Ada",
    "lis_person_contact_email_primary": "ada@x.edu",
    "lis_result_sourcedid": "course:block:" + "a" * 32,
    "lis_outcome_service_url": "https://courses.example.edu/outcomes",
    "resource_link_id": f"courses.example.edu-{BLOCK}",
    "oauth_nonce": "1",
}
BY_LTI13 = {
    "sub": "1b2c-uuid",
    "name": "Ben",
    "https://purl.imsglobal.org/spec/lti/claim/resource_link": {"id": BLOCK},
}


class Hub:
    """The part of the Hub's API that is asked."""

    def __init__(self) -> None:
        self.states: dict[str, Any] = {"ada": BY_LTI11, "ben@x.edu": BY_LTI13, "new/one": None}
        self.tells = True
        self.server = FaultyServer(self.answer)

    def answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"token {TOKEN}":
            return Response.of_json(403, {"status": 403, "message": "Forbidden"})
        parts = urlsplit(request.path)
        if parts.path == "/hub/api/users":
            query = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
            names = sorted(self.states)[query["offset"] :][: query["limit"]]
            return Response.of_json(200, [{"name": name, "kind": "user"} for name in names])
        name = unquote(parts.path.removeprefix("/hub/api/users/"))
        model = {"name": name, "kind": "user", "admin": False}
        return Response.of_json(
            200, model | ({"auth_state": self.states[name]} if self.tells else {})
        )


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    with made.server:
        yield made


@pytest.fixture
def environment(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(asking, "WAIT_S", 0.0)  # no grader runs here
    config = tmp_path / "courses.json"
    section = {"course_id": "O+C+R", "subpath_to_zips": "", "assignments": {"lab01": BLOCK}}
    config.write_text(json.dumps({"demo101": {"fa26": section}}))
    volume = tmp_path / "volume"
    open_gradebook(volume).dispose()
    Spool(volume).prepare()
    return {
        "VOLUME_PATH": str(volume),
        "COURSE_CONFIG_PATH": str(config),
        "JUPYTERHUB_API_URL": f"{hub.server.url}/hub/api",
        "GOFER_HUB_LAUNCHES_TOKEN": TOKEN,
    }


def gofer(environment: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(app, ["roster", "launches", *arguments], env=environment)


def delivered(volume: Path) -> list[StaffRequest]:
    spool = Spool(volume)
    found = [spool.any_envelope_of(entry_id) for entry_id in spool.pending()]
    return [request for request in found if isinstance(request, StaffRequest)]


def test_launches_that_the_hub_keeps_say_where_grades_go_and_once_is_enough(
    environment: dict[str, str], hub: Hub, tmp_path: Path
) -> None:
    volume = tmp_path / "volume"
    done = gofer(environment, "--why", "nightly")
    assert "2 launches at the Hub; 0 of no assignment" in done.stderr
    assert TOKEN not in done.output
    (request,) = delivered(volume)
    assert isinstance(request.payload, RosterImportPayload)
    engine = open_gradebook(volume)
    take(engine, request)
    with reading(engine, "test") as connection:
        assert known_of(connection, "ada", KEY) == Known(
            user_id_lti11="a" * 32,
            name="Lovelace, Ada",
            email="ada@x.edu",
            sourcedid=BY_LTI11["lis_result_sourcedid"],
            service_url=BY_LTI11["lis_outcome_service_url"],
        )
        assert known_of(connection, "ben@x.edu", KEY) == Known(user_id="1b2c-uuid", name="Ben")
    engine.dispose()
    assert "0 rows are news" in gofer(environment).stderr
    assert len(delivered(volume)) == 1
    hub.states["ada"] = BY_LTI11 | {"lis_result_sourcedid": "another"}
    assert "1 row is news" in gofer(environment, "--dry-run").stderr
    assert len(delivered(volume)) == 1


def take(engine: Any, request: StaffRequest) -> None:
    assert isinstance(request.payload, RosterImportPayload)
    import_rows(engine, request, request.payload, "Taken.")


def test_a_launch_of_something_else_or_with_rubbish_in_it_is_passed_over(
    environment: dict[str, str], hub: Hub, tmp_path: Path
) -> None:
    hub.states = {
        "elsewhere": BY_LTI11 | {"resource_link_id": "another"},
        "odd": BY_LTI11 | {"lis_outcome_service_url": "file:///etc/passwd"},
        "numbers": {"resource_link_id": 7, "user_id": ["x"]},
    }
    done = gofer(environment)
    assert "2 of no assignment" in done.stderr
    assert "The launch of odd holds what does not belong there" in done.stderr
    assert delivered(tmp_path / "volume") == []


def test_a_hub_of_hundreds_is_read_in_pages(environment: dict[str, str], hub: Hub) -> None:
    hub.states = {f"s{number:03}": BY_LTI11 for number in range(401)}
    assert "401 launches at the Hub; 0 of no" in gofer(environment, "--dry-run").stderr


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(status=403), "the token needs list:users"),
        (Fault(status=500), "The Hub answered 500"),
        (Fault(status=200, body="<html>"), "is no Hub"),
        (Fault(status=200, body='{"a": 1}'), "list of users cannot be read"),
        (Fault(status=302, headers={"Location": "http://127.0.0.1:9/"}), "The Hub answered 302"),
        (Fault("cut_before"), "The Hub does not answer"),
        (Fault("half"), "The Hub does not answer"),
    ],
)
def test_a_hub_that_does_not_help_is_told_in_plain_words(
    environment: dict[str, str], hub: Hub, tmp_path: Path, fault: Fault, said: str
) -> None:
    Steering(hub.server.url).plan(fault)
    done = gofer(environment)
    assert isinstance(done.exception, GoferError)
    assert said in str(done.exception)
    assert TOKEN not in str(done.exception)
    assert delivered(tmp_path / "volume") == []


def test_a_token_that_may_not_read_launches_and_settings_that_lack_are_told(
    environment: dict[str, str], hub: Hub
) -> None:
    hub.tells = False
    assert "admin:auth_state" in str(gofer(environment).exception)
    without = environment | {"GOFER_HUB_LAUNCHES_TOKEN": ""}
    assert "GOFER_HUB_LAUNCHES_TOKEN" in str(gofer(without).exception)
