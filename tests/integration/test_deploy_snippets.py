"""What the pages show for systemd, compose, Kubernetes and sops: each starts the server it says.

systemd itself reads the units where it is there. Neither compose, a cluster nor sops is: each is
played by what its own documentation says it does with such a file.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import yaml

from tests.integration.server.conftest import running_server
from tests.support.processes import ROOT
from tests.unit.test_docs import blocks_of, units_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.integration.server.conftest import Server

DOCS: Final = ROOT / "docs"
JUPYTERHUB: Final = DOCS / "jupyterhub.md"
UNITS: Final = [
    block for name in ("jupyterhub.md", "operations.md") for block in blocks_of(DOCS / name, "ini")
]
PYTHON: Final = re.compile(r"[^\s=]*\.venv/bin/python\b")
SECRET: Final = "the secret that the Hub and Gofer share"
EXECUTE: Final = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"


def external_env() -> dict[str, str]:
    """What the example for an external service sets."""
    lines = (ROOT / "deploy" / "jupyterhub" / "external.env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def snippet(key: str) -> Any:
    """The YAML on the page that has this key at its top."""
    (found,) = [
        read for block in blocks_of(JUPYTERHUB, "yaml") if key in (read := yaml.safe_load(block))
    ]
    return found


@contextmanager
def started(
    folder: Path, command: list[str], more: Mapping[str, str], *before: str
) -> Iterator[Server]:
    """Start a command as the example for an external service says, at a place of its own.

    Args:
        folder: for the volume and the course.
        command: as the snippet has it; its Python is the tests'.
        more: variables beside those of `external.env`.
        before: a program that is to start the command.
    """
    there = {
        "VOLUME_PATH": str(folder / "volume"),
        "GOFER_ADDRESS": "127.0.0.1",
        "GOFER_PORT": "0",
        "GOFER_IDENTITY": "hub",
        "PATH": os.environ["PATH"],
    }
    environment = {**external_env(), **there, **more}
    del environment["COURSE_CONFIG_PATH"]
    argv = [sys.executable if PYTHON.fullmatch(word) else word for word in command]
    with running_server(folder, "-c", EXECUTE, *before, *argv, **environment) as server:
        yield server


def knows_its_secret(server: Server) -> bool:
    """Whether browsers are sent to sign in: without its token of the Hub's it cannot do that."""
    answer = httpx.get(server.url, headers={"Accept": "text/html", "Sec-Fetch-Mode": "navigate"})
    return answer.status_code == httpx.codes.FOUND and "oauth2/authorize" in str(
        answer.headers["Location"]
    )


def test_without_a_secret_nobody_is_sent_to_sign_in(tmp_path: Path) -> None:
    with started(tmp_path, [sys.executable, "-m", "gofer_ingest.server"], {}) as server:
        assert not knows_its_secret(server)


# --- systemd --------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.splitlines()[0])
def test_systemd_has_nothing_to_say_about_a_unit(unit: str, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze")
    path = tmp_path / "gofer-example.service"
    path.write_text(PYTHON.sub(sys.executable, unit), "utf-8")
    done = subprocess.run(
        [analyze, "verify", "--man=no", path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_unit_with_a_credential_starts_a_server_that_knows_it(tmp_path: Path) -> None:
    (unit,) = [one["Service"] for one in units_of(JUPYTERHUB)]
    (tmp_path / unit["LoadCredential"].partition(":")[0]).write_text(f"{SECRET}\n")
    more = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    with started(tmp_path, shlex.split(unit["ExecStart"]), more) as server:
        assert knows_its_secret(server)


# --- compose --------------------------------------------------------------------------------------


def test_the_compose_file_brings_all_that_its_environment_names() -> None:
    compose = snippet("services")
    assert compose.keys() <= {"services", "volumes", "secrets"}
    (service,) = compose["services"].values()
    assert service.keys() <= {"image", "command", "env_file", "volumes", "secrets", "ports"}
    assert (ROOT / "deploy" / "jupyterhub" / service["env_file"]).is_file()
    assert set(service["secrets"]) == compose["secrets"].keys()
    mounts = dict(mount.split(":")[:2] for mount in service["volumes"])
    named = {source for source in mounts if not source.startswith((".", "/"))}
    assert named == compose["volumes"].keys()
    environment = external_env()
    for name in ("VOLUME_PATH", "COURSE_CONFIG_PATH"):
        path = PurePosixPath(environment[name])
        assert any(path.is_relative_to(target) for target in mounts.values()), name
    built = (ROOT / "gofer_ingest" / "grader" / "__main__.py").read_text("utf-8")
    assert f'"{service["image"]}"' in built  # by `make image-service`


def test_the_compose_file_starts_a_server_that_knows_its_secret(tmp_path: Path) -> None:
    compose = snippet("services")
    (service,) = compose["services"].values()
    (secret,) = service["secrets"]
    laid = tmp_path / secret
    laid.write_text(f"{SECRET}\n")
    lay = 'mount -t tmpfs none /run && mkdir /run/secrets && cp "$0" /run/secrets && exec "$@"'
    probe = ["unshare", "--mount", "sh", "-c", lay, str(laid), "true"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount something over /run")
    command = [sys.executable, *shlex.split(service["command"])[1:]]
    assert shlex.split(service["command"])[0] == "python"
    with started(tmp_path, command, {}, *probe[:-1]) as server:
        assert knows_its_secret(server)


# --- Kubernetes -----------------------------------------------------------------------------------


def test_the_pods_container_starts_a_server_that_knows_its_secret(tmp_path: Path) -> None:
    pod = snippet("containers")
    (container,) = pod["containers"]
    (mount,) = container["volumeMounts"]
    assert mount["name"] in {volume["name"] for volume in pod["volumes"]}
    folder = PurePosixPath(mount["mountPath"])
    more = {}
    for variable in container["env"]:
        path = tmp_path / PurePosixPath(variable["value"]).relative_to(folder)
        path.write_text(f"{SECRET}\n")
        more[variable["name"]] = str(path)
    with started(tmp_path, [sys.executable, "-m", "gofer_ingest.server"], more) as server:
        assert knows_its_secret(server)


# --- sops -----------------------------------------------------------------------------------------


def test_sops_starts_a_server_with_what_it_decrypted(tmp_path: Path) -> None:
    """`sops exec-env FILE COMMAND` puts the file's variables into the command's environment."""
    text = JUPYTERHUB.read_text("utf-8")
    found = re.search(r"^sops exec-env \S+\.env '([^']+)'$", text, re.MULTILINE)
    assert found is not None
    decrypted = {"JUPYTERHUB_API_TOKEN": SECRET}
    with started(tmp_path, shlex.split(found[1]), decrypted) as server:
        assert knows_its_secret(server)
