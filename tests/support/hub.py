"""A real JupyterHub with its proxy, from an environment of its own, on free loopback ports.

`make test` makes the environments. Everything that a Hub starts is stopped with it, and its log is
shown when it dies.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
import psutil
import pytest

from tests.support.processes import DEADLINE_S, ROOT, wait_until

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

_SHOWN_LINES: Final = 80
_STOP_S: Final = 20.0
_LOWEST_PORT: Final = 12_000
_HIGHEST_PORT: Final = 32_000

_BEFORE: Final = """\
import json, os
c = get_config()
_ours = json.loads({ours!r})
c.JupyterHub.bind_url = _ours["bind_url"]
c.JupyterHub.hub_bind_url = _ours["hub_bind_url"]
c.ConfigurableHTTPProxy.api_url = _ours["proxy_url"]
c.ConfigurableHTTPProxy.command = _ours["proxy_command"]
c.ConfigurableHTTPProxy.pid_file = _ours["folder"] + "/proxy.pid"
c.JupyterHub.db_url = "sqlite:///" + _ours["folder"] + "/hub.sqlite"
c.JupyterHub.cookie_secret_file = _ours["folder"] + "/cookie_secret"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = _ours["folder"] + "/homes/{{username}}"
c.Spawner.args = _ours["server_arguments"]
# --- the test's own part ---
"""
_AFTER: Final = """
# --- the tests' administrator ---
c.JupyterHub.services.append({"name": "tests", "api_token": _ours["admin_token"]})
c.JupyterHub.load_roles.append({
    "name": "tests",
    "services": ["tests"],
    "scopes": ["admin:users", "admin:servers", "admin:groups", "tokens", "access:servers"],
})
"""


def free_port() -> int:
    """Return a loopback port that nobody listens on.

    It is none of those that the system hands out by itself: between this and a Hub's listening on
    it pass seconds, in which any connection of another program could take it.
    """
    while True:
        port = _LOWEST_PORT + secrets.randbelow(_HIGHEST_PORT - _LOWEST_PORT)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def environment_of_hub(version: int) -> Path:
    """Return the folder of a JupyterHub's environment; fail the test where it was not made."""
    folder = ROOT / ".cache" / "hubs" / f"hub{version}"
    if not (folder / "bin" / "jupyterhub").exists():
        pytest.fail(f"JupyterHub {version} is not there: run `make hub-environments`")
    return folder


class Hub:
    """A JupyterHub that is up: users log in with any password, and any of their servers starts.

    Args:
        folder: for its database, its log and its users' homes; made if it is not there.
        config: Python for `jupyterhub_config.py`, where `c` is the config already. It may set
            `c.JupyterHub.services` and `c.JupyterHub.load_roles` as it likes.
        version: 5 or 6.
        base_url: path under which its proxy answers; begins and ends with a slash.
        environment: for the Hub's process, and so for its config.
    """

    def __init__(
        self,
        folder: Path,
        config: str = "",
        *,
        version: int = 6,
        base_url: str = "/",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.prefix = environment_of_hub(version)
        self.folder = folder
        self.version = version
        self.base_url = base_url
        self.admin_token = secrets.token_hex(16)
        proxy_port, hub_port, proxy_api_port = free_port(), free_port(), free_port()
        self.origin = f"http://127.0.0.1:{proxy_port}"
        self.url = f"{self.origin}{base_url}"
        """What people open; ends with a slash."""
        self.api_url = f"http://127.0.0.1:{hub_port}{base_url}hub/api"
        """What services are told as JUPYTERHUB_API_URL."""
        (folder / "homes").mkdir(parents=True, exist_ok=True)
        ours = {
            "folder": str(folder),
            "bind_url": self.url,
            "hub_bind_url": f"http://127.0.0.1:{hub_port}",
            "proxy_url": f"http://127.0.0.1:{proxy_api_port}",
            "proxy_command": [str(self.prefix / "bin" / "configurable-http-proxy")],
            "server_arguments": ["--allow-root"] if os.geteuid() == 0 else [],
            "admin_token": self.admin_token,
        }
        self._config = folder / "jupyterhub_config.py"
        self._config.write_text(_BEFORE.format(ours=json.dumps(ours)) + config + _AFTER, "utf-8")
        self._environment = {
            "PATH": f"{self.prefix / 'bin'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            **(environment or {}),
        }
        self._log = folder / "hub.log"
        self._started: set[psutil.Process] = set()
        self._api = httpx.Client(
            headers={"Authorization": f"token {self.admin_token}"}, timeout=DEADLINE_S
        )

    # --- up and down -----------------------------------------------------------------------------

    def start(self) -> Self:
        """Start it, or start it again where it was stopped, and wait until it answers."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.prefix / "bin" / "python", "-m", "jupyterhub", "-f", self._config],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_for(f"{self.url}hub/api/")
        self._remember_children()
        return self

    def stop(self) -> None:
        """Stop it with all that it started; it can be started again, and knows its users then."""
        self._remember_children()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOP_S)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(_STOP_S)
        # What it started leads sessions of its own, and stays where a Hub was killed.
        for child in self._started:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self._started.clear()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *exception: object) -> None:
        self.stop()
        self._api.close()

    def _remember_children(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self._started.update(psutil.Process(self.process.pid).children(recursive=True))

    # --- waiting ---------------------------------------------------------------------------------

    @property
    def log(self) -> str:
        """What it and all it started have said."""
        return self._log.read_text("utf-8", "replace")

    def wait_for(self, url: str, status: int = 200) -> None:
        """Wait until a URL answers with a status; fail with the log where the Hub dies first."""

        def is_so() -> bool:
            code = self.process.poll()
            if code is not None:
                pytest.fail(f"JupyterHub ended with {code}:\n{self._last_lines()}")
            try:
                return httpx.get(url, timeout=DEADLINE_S).status_code == status
            except httpx.TransportError:
                return False

        try:
            wait_until(is_so)
        except AssertionError:
            pytest.fail(f"{url} did not answer {status}. The Hub said:\n{self._last_lines()}")

    def wait_for_service(self, name: str, path: str = "healthz") -> None:
        """Wait until a service answers through the proxy."""
        self.wait_for(f"{self.url}services/{name}/{path}")
        self._remember_children()

    def _last_lines(self) -> str:
        return "\n".join(self.log.splitlines()[-_SHOWN_LINES:])

    # --- people and what they hold ---------------------------------------------------------------

    def call(self, method: str, path: str, content: object = None) -> Any:
        """Call the Hub's API as an administrator; return what it says, as JSON."""
        response = self._api.request(method, f"{self.api_url}/{path}", json=content)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def make_user(self, name: str, *groups: str) -> None:
        """Make a user, and put them into groups, which are made as well."""
        if name not in {user["name"] for user in self.call("GET", "users")}:
            self.call("POST", f"users/{name}")
        for group in groups:
            if group not in {known["name"] for known in self.call("GET", "groups")}:
                self.call("POST", f"groups/{group}")
            self.call("POST", f"groups/{group}/users", {"users": [name]})

    def make_token(self, name: str, scopes: Collection[str] | None = None) -> dict[str, Any]:
        """Make a token of a user's; without scopes it may do what they may.

        Returns:
            As the Hub tells it: `token`, `id`, `scopes` and more.
        """
        asked: dict[str, Any] = {"note": "test", "expires_in": 3600}
        if scopes is not None:
            asked["scopes"] = list(scopes)
        made: dict[str, Any] = self.call("POST", f"users/{name}/tokens", asked)
        return made

    def token_of(self, name: str, scopes: Collection[str] | None = None) -> str:
        """Make a token of a user's, and return its text."""
        token: str = self.make_token(name, scopes)["token"]
        return token

    def start_server(self, name: str) -> str:
        """Start a user's server and return its URL, once it is ready."""
        self.call("POST", f"users/{name}/server")

        def is_ready() -> bool:
            server = self.call("GET", f"users/{name}")["servers"].get("")
            return server is not None and bool(server["ready"])

        try:
            wait_until(is_ready)
        except AssertionError:
            pytest.fail(f"The server of {name} did not come up:\n{self._last_lines()}")
        self._remember_children()
        return f"{self.url}user/{name}/"

    def log_in(self, browser: httpx.Client, name: str) -> None:
        """Log somebody in to the Hub; they are made where they are not there."""
        page = browser.get(f"{self.url}hub/login")
        found = re.search(r'name="_xsrf"\s+value="([^"]+)"', page.text)
        assert found is not None, page.text
        answer = browser.post(
            f"{self.url}hub/login",
            params={"next": f"{self.base_url}hub/token"},
            data={"username": name, "password": "any", "_xsrf": found[1]},
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        assert answer.url.path == f"{self.base_url}hub/token", answer.url

    @contextmanager
    def signed_in(self, name: str) -> Iterator[httpx.Client]:
        """A browser, without its JavaScript, in which somebody has logged in to the Hub."""
        with httpx.Client(follow_redirects=True, timeout=DEADLINE_S) as browser:
            self.log_in(browser, name)
            yield browser
