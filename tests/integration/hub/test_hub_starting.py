from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.integration.hub.conftest import BROWSER, make_folder
from tests.support.hub import free_port
from tests.support.processes import ROOT, LoggedProcess

if TYPE_CHECKING:
    from pathlib import Path

HUB: Final = {
    "JUPYTERHUB_API_URL": "http://127.0.0.1:1/hub/api",
    "JUPYTERHUB_API_TOKEN": "a-token-that-nobody-may-see",
}


def refusal(folder: Path, **environment: str) -> str:
    """Start a server that cannot; return what it said."""
    ended = subprocess.run(
        [sys.executable, "-m", "gofer_ingest.server"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "VOLUME_PATH": str(folder / "volume"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert HUB["JUPYTERHUB_API_TOKEN"] not in ended.stderr
    assert not (folder / "volume").exists()
    return ended.stderr


def test_without_scopes_it_does_not_start_since_every_token_would_be_let_in(
    tmp_path: Path,
) -> None:
    line = refusal(tmp_path, **HUB, JUPYTERHUB_OAUTH_ACCESS_SCOPES="[]", JUPYTERHUB_SERVICE_NAME="")
    assert line.startswith("JUPYTERHUB_SERVICE_NAME: is not set")
    assert "every token" in line


def test_without_a_hub_to_ask_it_does_not_start(tmp_path: Path) -> None:
    line = refusal(tmp_path, GOFER_IDENTITY="hub", JUPYTERHUB_SERVICE_NAME="gofer")
    assert line.startswith("JUPYTERHUB_API_URL: is not set")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GOFER_COOKIE_SECRET", "x" * 31),
        ("JUPYTERHUB_OAUTH_CALLBACK_URL", "https://gofer.example.edu/oauth_callback"),
    ],
)
def test_what_cannot_work_is_said_in_one_line_without_the_value(
    tmp_path: Path, variable: str, value: str
) -> None:
    line = refusal(tmp_path, **HUB, JUPYTERHUB_SERVICE_NAME="gofer", **{variable: value})
    assert line.startswith(f"{variable}: ")
    assert value not in line


def test_it_starts_while_the_hub_is_away_and_listens_where_the_hub_says(tmp_path: Path) -> None:
    port = free_port()
    environment = {
        **make_folder(tmp_path),
        **HUB,
        "JUPYTERHUB_SERVICE_NAME": "gofer",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/gofer/",
    }
    with LoggedProcess("gofer_ingest.server", environment) as server:
        url = f"http://127.0.0.1:{port}/services/gofer/"
        assert server.logged("listening")["url"] == url
        assert httpx.get(f"{url}readyz").status_code == 200
        assert server.stop() == 0


def test_cookies_outlive_a_restart_and_their_key_is_its_owners_alone(tmp_path: Path) -> None:
    environment = {
        **make_folder(tmp_path),
        **HUB,
        "JUPYTERHUB_SERVICE_NAME": "gofer",
        "GOFER_PORT": "0",
    }
    key = tmp_path / "volume" / "spool" / "index" / "cookie_secret"
    keys = set()
    for _ in range(2):
        with LoggedProcess("gofer_ingest.server", environment) as server:
            server.logged("listening")
            keys.add(key.read_bytes())
            assert server.stop() == 0
    assert len(keys) == 1
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_key_of_ones_own_is_not_written_down(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a key of the staff's own, long enough\n")
    environment = {
        **make_folder(tmp_path),
        **HUB,
        "JUPYTERHUB_SERVICE_NAME": "gofer",
        "GOFER_COOKIE_SECRET_FILE": str(secret),
        "GOFER_PORT": "0",
    }
    with LoggedProcess("gofer_ingest.server", environment) as server:
        url = str(server.logged("listening")["url"])
        page = f"{url}submissions/00000000-0000-7000-8000-000000000000"
        answer = httpx.get(page, headers=BROWSER)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/hub/api/oauth2/authorize?")
        assert server.stop() == 0
    assert not (tmp_path / "volume" / "spool" / "index" / "cookie_secret").exists()


def test_a_hub_on_another_host_and_path_is_where_browsers_are_sent(tmp_path: Path) -> None:
    environment = {
        **make_folder(tmp_path),
        **HUB,
        "JUPYTERHUB_SERVICE_NAME": "gofer",
        "JUPYTERHUB_HOST": "https://hub.example.edu",
        "JUPYTERHUB_BASE_URL": "/jupyter/",
        "JUPYTERHUB_SERVICE_PREFIX": "/",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": "https://gofer.example.edu/back",
        "GOFER_PORT": "0",
    }
    with LoggedProcess("gofer_ingest.server", environment) as server:
        url = str(server.logged("listening")["url"])
        page = f"{url}submissions/00000000-0000-7000-8000-000000000000"
        sent_to = httpx.URL(httpx.get(page, headers=BROWSER).headers["Location"])
        assert sent_to.host == "hub.example.edu"
        assert sent_to.path == "/jupyter/hub/api/oauth2/authorize"
        assert sent_to.params["redirect_uri"] == "https://gofer.example.edu/back"
        assert httpx.get(f"{url}back", headers=BROWSER).status_code == 403
        assert server.stop() == 0
