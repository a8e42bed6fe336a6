"""The console as a service of a real JupyterHub: staff in, students and strangers out."""

from __future__ import annotations

import json
import secrets
import sys
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.support.console_process import OPENED, REFUSED, ConsoleProcess
from tests.support.hub import Hub, free_port
from tests.support.processes import ROOT, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

BROWSER: Final = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FORGED: Final = {"X-Console-User": "tess", "X-Console-Role": "editor", "X-Console-Visit": "x"}
PREFIX: Final = "/services/console/"

_CONFIG: Final = """
said = json.loads(os.environ["CONSOLE"])
c.JupyterHub.services = [
    {
        "name": "console",
        "url": said["url"],
        "api_token": said["token"],
        "oauth_no_confirm": True,
    },
    {
        "name": "managed",
        "url": said["managed_url"],
        "command": [said["python"], "-m", "gofer_console.cli", "console"],
        "cwd": said["root"],
        "environment": said["managed"],
        "oauth_no_confirm": True,
    },
]
c.JupyterHub.load_groups = {
    "tas": {"users": ["tess"]}, "auditors": {"users": ["rita"]}, "others": {"users": ["olga"]},
}
c.JupyterHub.load_roles = [
    {
        "name": "console-staff",
        "groups": ["tas", "auditors", "others"],
        "scopes": ["access:services!service=console", "access:services!service=managed"],
    },
]
"""


class Campus:
    """A Hub, and a console that it knows.

    Attributes:
        url: of the console, through the Hub's proxy.
    """

    def __init__(self, hub: Hub, console: ConsoleProcess) -> None:
        self.hub = hub
        self.console = console
        self.url = f"{hub.url}services/console/"


@pytest.fixture(scope="module", params=[6, 5])
def campus(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Campus]:
    folder = tmp_path_factory.mktemp(f"campus{request.param}")
    port, token = free_port(), secrets.token_hex(16)
    staff = {"GOFER_STAFF_GROUPS": "tas", "GOFER_READER_GROUPS": "auditors"}
    said = {
        "url": f"http://127.0.0.1:{port}",
        "token": token,
        "managed_url": f"http://127.0.0.1:{free_port()}",
        "python": sys.executable,
        "root": str(ROOT),
        "managed": {
            "VOLUME_PATH": str(folder / "managed"),
            "GOFER_AUTOGRADERS": str(folder),
            "GOFER_CONSOLE_SIGN_IN": "hub",
            **staff,
        },
    }
    with Hub(
        folder / "hub",
        _CONFIG,
        version=request.param,
        environment={"CONSOLE": json.dumps(said)},
    ) as hub:
        environment = {
            "JUPYTERHUB_API_URL": hub.api_url,
            "GOFER_CONSOLE_HUB_TOKEN": token,
            "GOFER_CONSOLE_HUB_SERVICE": "console",
            "GOFER_CONSOLE_PREFIX": PREFIX,
            "GOFER_CONSOLE_URL": f"{hub.url}services/console/",
            **staff,
        }
        folder.joinpath("volumes").mkdir()
        with ConsoleProcess(
            folder / "volumes" / "volume", environment, "--port", str(port)
        ) as console:
            yield Campus(hub, console)


def cookies_of(browser: httpx.Client) -> str:
    """All that a browser holds, as it would send it to the console."""
    return "; ".join(
        f"{cookie.name}={cookie.value}"
        for cookie in browser.cookies.jar
        if cookie.path in {"/", PREFIX}
    )


def test_staff_land_where_they_wanted_to(campus: Campus) -> None:
    with campus.hub.signed_in("tess") as browser:
        page = browser.get(f"{campus.url}grades?assignment=lab01", headers=BROWSER)
        assert page.status_code == 200
        assert str(page.url) == f"{campus.url}grades?assignment=lab01"
        assert '<div id="root">' in page.text
        visit = next(c for c in browser.cookies.jar if c.name == "gofer_console_visit")
        assert visit.path == PREFIX
        assert visit.has_nonstandard_attr("HttpOnly")
        origin = campus.hub.origin
        assert campus.console.websocket_status(cookies_of(browser), Origin=origin) == OPENED


def test_a_student_gets_the_hubs_own_no(campus: Campus) -> None:
    with campus.hub.signed_in("sam") as browser:
        page = browser.get(campus.url, headers=BROWSER)
        assert page.status_code == REFUSED
        assert page.url.path.startswith("/hub/")
        cookies = cookies_of(browser)
        assert campus.console.websocket_status(cookies, Origin=campus.hub.origin) == REFUSED


def test_who_may_use_the_service_and_is_no_staff_is_told_so(campus: Campus) -> None:
    with campus.hub.signed_in("olga") as browser:
        page = browser.get(campus.url, headers=BROWSER)
        assert page.status_code == REFUSED
        assert "you are not among them" in page.text
        assert not [c for c in browser.cookies.jar if c.name == "gofer_console_visit"]


def test_strangers_get_no_further_than_the_hubs_door(campus: Campus) -> None:
    answer = httpx.get(campus.url, headers=BROWSER, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/hub/api/oauth2/authorize?")
    for path in ("", "grades", "_stcore/host-config", "media/x", "oauth_callback"):
        assert httpx.get(campus.url + path, headers=FORGED).status_code == REFUSED
    assert campus.console.websocket_status(Origin=campus.hub.origin) == REFUSED
    assert campus.console.websocket_status(Origin=campus.hub.origin, **FORGED) == REFUSED
    assert httpx.get(f"{campus.url}_stcore/health").is_success


def test_a_code_of_another_browsers_sign_in_is_refused(campus: Campus) -> None:
    with campus.hub.signed_in("tess") as browser:
        sent = browser.get(campus.url, headers=BROWSER, follow_redirects=False)
        back = browser.get(f"{campus.hub.origin}{sent.headers['location']}", follow_redirects=False)
        address = back.headers["location"]
        assert "code=" in address
    stranger = httpx.get(f"{campus.hub.origin}{httpx.URL(address).raw_path.decode()}")
    assert stranger.status_code == REFUSED
    assert "gofer_console_visit" not in stranger.headers.get("set-cookie", "")


def test_signing_out_ends_the_visit(campus: Campus) -> None:
    with campus.hub.signed_in("tess") as browser:
        assert browser.get(campus.url, headers=BROWSER).status_code == 200
        cookies = cookies_of(browser)
        assert browser.get(f"{campus.url}sign-out").status_code == 200
        assert campus.console.websocket_status(cookies, Origin=campus.hub.origin) == REFUSED


def test_the_hub_can_start_the_console_itself(campus: Campus) -> None:
    url = f"{campus.hub.url}services/managed/"

    def is_up() -> bool:
        return httpx.get(f"{url}_stcore/health").is_success

    wait_until(is_up)
    with campus.hub.signed_in("rita") as browser:
        page = browser.get(f"{url}grades", headers=BROWSER)
        assert page.status_code == 200, page.text
        assert str(page.url) == f"{url}grades"
    with campus.hub.signed_in("sam") as browser:
        assert browser.get(url, headers=BROWSER).status_code == REFUSED
