"""The configurations that `deploy/jupyterhub` shows are the ones that are started here.

A managed and an external service are tried at both versions of JupyterHub in the other modules.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Final

import httpx
import psutil
import pytest

from shared.config import ServerSettings, is_secret, variable_of
from shared.spool import Spool
from tests.integration.hub.conftest import BROWSER, NOTEBOOK, make_folder
from tests.support.hub import Hub, free_port
from tests.support.processes import DEADLINE_S, ROOT, LoggedProcess

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES: Final = ROOT / "deploy" / "jupyterhub"
TOKEN: Final = "the secret that the Hub and Gofer share"

LOADED: Final = """
c.JupyterHub.services = []
load_subconfig({example!r})
there = json.loads({there!r})
for service in c.JupyterHub.services:
    service.update({{key: there[key] for key in service.keys() & there.keys()}})
c.Spawner.environment.update(
    {{"GOFER_URL": there.get("gofer_url", f"{{c.JupyterHub.bind_url}}services/gofer_nb/")}}
)
c.JupyterHub.load_groups = {{"course-staff": {{"users": ["tess"]}}}}
"""
"""The very file, and then what is another address or folder in a test."""


def variables(example: str) -> dict[str, str]:
    """What an environment file sets."""
    lines = (EXAMPLES / example).read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def hub_with(example: str, folder: Path, version: int, **there: object) -> Hub:
    """A Hub with an example, which is not started yet."""
    (folder / "gofer_service_token").write_text(f"{TOKEN}\n")
    return Hub(
        folder / "hub",
        LOADED.format(example=str(EXAMPLES / example), there=json.dumps(there)),
        version=version,
        environment={"CREDENTIALS_DIRECTORY": str(folder)},
    )


def page_token(hub: Hub, browser: httpx.Client) -> str:
    """The token that a notebook's page gets, and with it the Submit button."""
    page = browser.get(f"{hub.url}user/ada/lab", headers=BROWSER)
    found = re.search(
        r'<script id="jupyter-config-data" type="application/json">(.*?)</script>',
        page.text,
        re.DOTALL,
    )
    assert found is not None, page.text[:2000]
    token: str = json.loads(found[1])["token"]
    assert token
    return token


def server_environment(hub: Hub) -> dict[str, str]:
    """What programs in the student's running server see."""
    for process in psutil.Process(hub.process.pid).children(recursive=True):
        if "jupyterhub-singleuser" in " ".join(process.cmdline()):
            return process.environ()
    raise AssertionError(hub.log)


def post(url: str, token: str) -> httpx.Response:
    headers = {"Authorization": f"token {token}", "Accept": "application/json"}
    return httpx.post(
        url,
        content=NOTEBOOK,
        headers={**headers, "Content-Type": "application/json"},
        timeout=DEADLINE_S,
    )


def check_that_all_ways_in_work(hub: Hub, gofer_url: str, volume: Path) -> None:
    """A page, a student's server, an old button, a browser, staff: as the documentation says."""
    with hub.signed_in("ada") as browser:
        hub.start_server("ada")
        in_server = server_environment(hub)
        from_page = post(in_server["GOFER_URL"], page_token(hub, browser))
        assert from_page.status_code == 202, from_page.text
        from_server = post(in_server["GOFER_URL"], in_server["JUPYTERHUB_API_TOKEN"])
        assert from_server.status_code == 202, from_server.text
        old_button = httpx.post(
            in_server["GOFER_URL"],
            content=NOTEBOOK,
            headers={"Referer": f"{hub.url}user/ada/lab", "Content-Type": "application/json"},
        )
        assert old_button.status_code == 401
        page = f"{gofer_url}submissions/{from_page.json()['id']}"
        answer = browser.get(page, headers=BROWSER)
        assert str(answer.url) == page
        assert from_page.json()["id"] in answer.text
    hub.make_user("ben")
    for name, status in (("tess", 200), ("ben", 404)):
        headers = {"Authorization": f"Bearer {hub.token_of(name)}"}
        assert httpx.get(page, headers=headers).status_code == status
    spool = Spool(volume)
    delivered = [spool.envelope_of(entry).payload for entry in spool.pending()]
    assert [(payload.student, payload.source) for payload in delivered] == [("ada", "hub")] * 2


def server_of(hub: Hub, example: str, folder: Path, **there: str) -> LoggedProcess:
    """Gofer's server with an example's environment, the secret from a file as systemd lays it."""
    (folder / "jupyterhub_api_token").write_text(f"{TOKEN}\n")
    environment = {
        **make_folder(folder),
        **variables(example),
        "VOLUME_PATH": str(folder / "volume"),
        "CREDENTIALS_DIRECTORY": str(folder),
        "JUPYTERHUB_API_URL": hub.api_url,
        **there,
    }
    del environment["COURSE_CONFIG_PATH"]
    return LoggedProcess("gofer_ingest.server", environment)


def test_the_managed_example_works(tmp_path: Path) -> None:
    environment = {**make_folder(tmp_path), "GOFER_STAFF_GROUPS": "course-staff"}
    hub = hub_with(
        "managed_jupyterhub_config.py",
        tmp_path,
        6,
        url=f"http://127.0.0.1:{free_port()}",
        command=[sys.executable, "-m", "gofer_ingest.server"],
        cwd=str(ROOT),
        environment=environment,
    )
    with hub:
        hub.wait_for_service("gofer_nb")
        check_that_all_ways_in_work(hub, f"{hub.url}services/gofer_nb/", tmp_path / "volume")


def test_the_external_example_works(tmp_path: Path) -> None:
    port = free_port()
    hub = hub_with("external_jupyterhub_config.py", tmp_path, 5, url=f"http://127.0.0.1:{port}")
    server = server_of(
        hub, "external.env", tmp_path, GOFER_ADDRESS="127.0.0.1", GOFER_PORT=str(port)
    )
    with server:
        server.logged("listening")
        with hub:
            hub.wait_for_service("gofer_nb")
            check_that_all_ways_in_work(hub, f"{hub.url}services/gofer_nb/", tmp_path / "volume")


@pytest.mark.parametrize("version", [5, 6])
def test_the_redirect_example_works(tmp_path: Path, version: int) -> None:
    """The Hub is 127.0.0.1 and Gofer localhost: to a browser, two hosts."""
    port = free_port()
    url = f"http://localhost:{port}/services/gofer_nb/"
    hub = hub_with(
        "redirect_jupyterhub_config.py",
        tmp_path,
        version,
        oauth_redirect_uri=f"{url}oauth_callback",
        gofer_url=url,
    )
    server = server_of(
        hub,
        "redirect.env",
        tmp_path,
        GOFER_PORT=str(port),
        JUPYTERHUB_HOST=hub.origin,
        JUPYTERHUB_OAUTH_CALLBACK_URL=f"{url}oauth_callback",
        GOFER_ALLOWED_ORIGINS=hub.origin,
    )
    with server, hub:
        server.logged("listening")
        check_that_all_ways_in_work(hub, url, tmp_path / "volume")


def test_the_environments_of_the_examples_name_settings_and_no_secret() -> None:
    known = {
        variable_of(field, name): is_secret(field)
        for name, field in ServerSettings.model_fields.items()
    }
    for example in ("external.env", "redirect.env"):
        assert [name for name in variables(example) if known.get(name) is not False] == []
