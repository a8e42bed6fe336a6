"""A campus: a real JupyterHub with Gofer as a managed and as an external service of it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from shared.spool import Spool
from tests.support.hub import Hub, free_port
from tests.support.processes import DEADLINE_S, ROOT, LoggedProcess, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.requests import Envelope

BROWSER: Final = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
"""What browsers send when a page is opened."""

_CONFIG: Final = """
campus = json.loads(os.environ["CAMPUS"])
doors = ["managed", "external"]
c.JupyterHub.services = [
    {
        "name": "managed",
        "url": campus["managed_url"],
        "command": [campus["python"], "-m", "gofer_ingest.server"],
        "cwd": campus["root"],
        "environment": campus["managed"],
        "oauth_no_confirm": True,
    },
    {
        "name": "external",
        "url": campus["external_url"],
        "api_token": campus["external_token"],
        "oauth_no_confirm": True,
    },
    {"name": "other", "api_token": campus["other_token"]},
    {"name": "robot", "api_token": campus["robot_token"]},
]
c.JupyterHub.load_groups = {"class": {"users": ["ada", "ben"]}, "tas": {"users": ["tess"]}}
access = [f"access:services!service={door}" for door in doors]
c.JupyterHub.load_roles = [
    {"name": "class", "groups": ["class", "tas"], "scopes": access},
    {"name": "robot", "services": ["robot"], "scopes": access},
]
"""


@dataclass
class Door:
    """Gofer as one service of a Hub.

    Attributes:
        name: of the service.
        url: through the Hub's proxy; ends with a slash.
        direct_url: without the proxy.
        folder: of its volume and its catalogue.
    """

    hub: Hub
    name: str
    direct_url: str
    folder: Path
    spool: Spool = field(init=False)

    def __post_init__(self) -> None:
        self.spool = Spool(self.folder / "volume")

    @property
    def url(self) -> str:
        return f"{self.hub.url}services/{self.name}/"

    @property
    def scope(self) -> str:
        return f"access:services!service={self.name}"

    def envelopes(self) -> list[Envelope]:
        """What the spool holds, oldest first."""
        return [self.spool.envelope_of(entry) for entry in self.spool.pending()]

    def token_of(self, name: str) -> str:
        """A token of somebody's that may do nothing but come through this door."""
        return self.hub.token_of(name, [self.scope])

    def post(self, token: str | None = None, url: str = "", **headers: str) -> httpx.Response:
        """Submit a notebook."""
        if token is not None:
            headers["Authorization"] = f"token {token}"
        return httpx.post(
            url or self.url, content=NOTEBOOK, headers=_sent(headers), timeout=DEADLINE_S
        )

    def get(self, path: str, token: str) -> httpx.Response:
        """Get what lies under the prefix."""
        return httpx.get(
            self.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=DEADLINE_S
        )

    def is_spool_empty(self) -> bool:
        """Whether nothing lies in `new/` or `tmp/`."""
        folders = [self.folder / "volume" / "spool" / name for name in ("new", "tmp")]
        return not any(path for folder in folders for path in folder.iterdir())


def _sent(headers: dict[str, str]) -> dict[str, str]:
    usual = {"Content-Type": "application/json", "Accept": "application/json"}
    return {**usual, **{name.replace("_", "-"): value for name, value in headers.items()}}


NOTEBOOK: Final = json.dumps(
    {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "course": "demo101",
            "section": "1",
            "assignment": "lab01",
            "student": "mallory",
        },
        "cells": [],
    }
)
"""A notebook that says whose it is, which is nobody's word."""


def make_folder(folder: Path) -> dict[str, str]:
    """Lay a catalogue of one assignment out; return the settings of a server with it."""
    zip_folder = folder / "autograders" / "demo101" / "lab" / "1" / "lab01"
    zip_folder.mkdir(parents=True)
    (zip_folder / "autograder.zip").touch()
    return {
        "VOLUME_PATH": str(folder / "volume"),
        "GOFER_AUTOGRADERS": str(folder / "autograders"),
        "GOFER_LOG_FORMAT": "json",
        "GOFER_LOG_LEVEL": "debug",
        "GOFER_STAFF_GROUPS": "tas",
        "GOFER_IDENTITY_CACHE_S": "1",
        "GOFER_RATE": "off",
        "GOFER_REPEAT_WINDOW_S": "0",
    }


class Campus:
    """The Hub, and Gofer behind it twice."""

    server: LoggedProcess
    """The external service."""

    def __init__(self, folder: Path, version: int) -> None:
        ports = free_port(), free_port()
        managed_url, external_url = (f"http://127.0.0.1:{port}" for port in ports)
        environments = {}
        for name in ("managed", "external"):
            (folder / name).mkdir()
            environments[name] = make_folder(folder / name)
        self.tokens = {name: f"{name}-secret-token" for name in ("external", "other", "robot")}
        told: dict[str, Any] = {
            "managed_url": managed_url,
            "external_url": external_url,
            "managed": environments["managed"],
            "python": sys.executable,
            "root": str(ROOT),
            **{f"{name}_token": token for name, token in self.tokens.items()},
        }
        self.hub = Hub(
            folder / "hub", _CONFIG, version=version, environment={"CAMPUS": json.dumps(told)}
        )
        self.environment = {
            **environments["external"],
            "GOFER_PORT": str(ports[1]),
            "JUPYTERHUB_API_URL": self.hub.api_url,
            "JUPYTERHUB_API_TOKEN": self.tokens["external"],
            "JUPYTERHUB_SERVICE_NAME": "external",
            "JUPYTERHUB_SERVICE_PREFIX": "/services/external/",
        }
        """Of the external service's process."""
        urls = {"managed": managed_url, "external": external_url}
        self.doors = {
            name: Door(self.hub, name, f"{url}/services/{name}/", folder / name)
            for name, url in urls.items()
        }

    def open(self) -> None:
        """Wait for both doors of a Hub that has been started, and have its people in it."""
        for name in self.doors:
            self.hub.wait_for_service(name)
        for name in ("ada", "ben", "tess", "eve"):
            self.hub.make_user(name)


@pytest.fixture(scope="session", params=[5, 6], ids=["hub5", "hub6"])
def whole_campus(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Campus]:
    """One for all tests: each leaves it as it found it, but for what lies in the spools."""
    made = Campus(tmp_path_factory.mktemp(f"campus{request.param}"), request.param)
    # Before the Hub, which would wait for it for half a minute.
    with LoggedProcess("gofer_ingest.server", made.environment) as made.server, made.hub:
        made.server.logged("listening")
        made.open()
        yield made


@pytest.fixture
def campus(whole_campus: Campus) -> Iterator[Campus]:
    """The campus, with a Hub that runs: a test in which it dies fails alone, and says why."""
    if whole_campus.hub.process.poll() is not None:
        whole_campus.hub.stop()
        whole_campus.hub.start()
        whole_campus.open()
    yield whole_campus
    code = whole_campus.hub.process.poll()
    assert code is None, f"JupyterHub ended with {code}:\n{whole_campus.hub.log[-8000:]}"


@pytest.fixture(params=["managed", "external"])
def door(campus: Campus, request: pytest.FixtureRequest) -> Iterator[Door]:
    """Gofer as a managed or an external service, with an empty spool."""
    yield from emptied(campus.doors[request.param])


@pytest.fixture
def external(campus: Campus) -> Iterator[Door]:
    """Gofer as an external service, with an empty spool."""
    yield from emptied(campus.doors["external"])


def emptied(door: Door) -> Iterator[Door]:
    yield door
    for envelope in door.envelopes():
        door.spool.settle(envelope.id)
    wait_until(door.is_spool_empty)
