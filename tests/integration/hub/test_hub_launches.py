"""`gofer roster launches` with a real Hub that keeps what people signed in with."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Final

import pytest
from typer.testing import CliRunner

from gofer_console import asking
from gofer_console.cli import app
from shared.errors import GoferError
from shared.gradebook.engine import open_gradebook
from shared.requests import RosterImportPayload, StaffRequest
from shared.spool import Spool
from tests.support.hub import Hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

BLOCK: Final = "0123456789abcdef0123456789abcdef"
LAUNCH: Final = {
    "user_id": "a" * 32,
    "lis_person_name_full": "Lovelace, Ada",
    "lis_result_sourcedid": "course:block:" + "a" * 32,
    "lis_outcome_service_url": "https://courses.example.edu/outcomes",
    "resource_link_id": f"courses.example.edu-{BLOCK}",
}
READER: Final = "a-token-that-reads-launches"
OTHER: Final = "a-token-that-reads-names-alone"
CONFIG: Final = """
from jupyterhub.auth import DummyAuthenticator

class Launched(DummyAuthenticator):
    async def authenticate(self, handler, data):
        kept = json.loads(os.environ["LAUNCHES"]).get(data["username"])
        return {"name": data["username"], "auth_state": kept}

c.JupyterHub.authenticator_class = Launched
c.Authenticator.enable_auth_state = True
c.JupyterHub.services = [
    {"name": "reader", "api_token": os.environ["READER"]},
    {"name": "other", "api_token": os.environ["OTHER"]},
]
c.JupyterHub.load_roles = [
    {
        "name": "reader",
        "services": ["reader"],
        "scopes": ["list:users", "read:users", "admin:auth_state"],
    },
    {"name": "other", "services": ["other"], "scopes": ["list:users", "read:users"]},
]
"""


@pytest.fixture(params=[5, 6])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    environment = {
        "JUPYTERHUB_CRYPT_KEY": secrets.token_hex(32),
        "LAUNCHES": json.dumps({"ada": LAUNCH}),
        "READER": READER,
        "OTHER": OTHER,
    }
    with Hub(tmp_path / "hub", CONFIG, version=request.param, environment=environment) as hub:
        for name in ("ada", "walter"):  # who came by a launch, and who did not
            with hub.signed_in(name):
                pass
        yield hub


def launches(environment: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(app, ["roster", "launches", *arguments], env=environment)


def test_launches_that_a_hub_keeps_become_rows_of_the_roster(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "WAIT_S", 0.0)  # no grader runs here
    config = tmp_path / "courses.json"
    section = {"course_id": "O+C+R", "subpath_to_zips": "", "assignments": {"lab01": BLOCK}}
    config.write_text(json.dumps({"demo101": {"fa26": section}}))
    volume = tmp_path / "volume"
    open_gradebook(volume).dispose()
    Spool(volume).prepare()
    environment = {
        "VOLUME_PATH": str(volume),
        "COURSE_CONFIG_PATH": str(config),
        "JUPYTERHUB_API_URL": hub.api_url,
        "GOFER_HUB_LAUNCHES_TOKEN": READER,
    }

    refused = launches(environment | {"GOFER_HUB_LAUNCHES_TOKEN": OTHER})
    assert isinstance(refused.exception, GoferError)
    assert "admin:auth_state" in str(refused.exception)

    done = launches(environment, "--why", "nightly")
    assert "1 launch at the Hub; 0 of no assignment" in done.stderr
    spool = Spool(volume)
    (delivered,) = map(spool.any_envelope_of, spool.pending())
    assert isinstance(delivered, StaffRequest)
    assert isinstance(delivered.payload, RosterImportPayload)
    rows = [row.model_dump(exclude_none=True) for row in delivered.payload.rows]
    assert rows == [
        {
            "student": "ada",
            "course": "demo101",
            "user_id_lti11": LAUNCH["user_id"],
            "name": LAUNCH["lis_person_name_full"],
        },
        {
            "student": "ada",
            "course": "demo101",
            "assignment": "lab01",
            "lis_result_sourcedid": LAUNCH["lis_result_sourcedid"],
            "lis_outcome_service_url": LAUNCH["lis_outcome_service_url"],
        },
    ]
