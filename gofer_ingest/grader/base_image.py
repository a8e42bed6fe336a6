"""The image everything else is built on: pulled where a registry answers, else made from Debian.

A campus without a registry, and a CI machine, have Debian's archive and nothing more: `mmdebstrap`
makes a minimal trixie with its Python 3.13 in half a minute, and the engine imports it as a tar.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import docker.errors

from gofer_ingest.grader.engine import engine_errors
from shared.errors import ImageBuildFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

PULLED = ("python", "3.13-slim-trixie")
DEBIAN = ("gofer-base", "trixie")
DEBIAN_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates,tini"


def find_or_make_base(api: docker.APIClient, say: Callable[[str], None]) -> str:
    """Return the name of a base image that is there now, pulling or making it if need be.

    Raises:
        ImageBuildFailed: there is neither a registry nor a way to Debian's archive.
        SandboxUnavailable: the engine does not answer.
    """
    for name in (PULLED, DEBIAN):
        if _is_there(api, ":".join(name)):
            return ":".join(name)
    try:
        with engine_errors():
            say(f"Pulling {':'.join(PULLED)} …")
            api.pull(PULLED[0], tag=PULLED[1])
            return ":".join(PULLED)
    except Exception as error:  # noqa: BLE001
        say(f"No registry answers ({type(error).__name__}); making a base from Debian's archive …")
    _import_debian(api)
    return ":".join(DEBIAN)


def _is_there(api: docker.APIClient, name: str) -> bool:
    with engine_errors():
        return bool(api.images(name=name, quiet=True))


def _import_debian(api: docker.APIClient) -> None:
    if shutil.which("mmdebstrap") is None:
        _install_mmdebstrap()
    with tempfile.TemporaryDirectory(prefix="gofer-base-") as folder:
        tar = Path(folder) / "base.tar"
        command = [
            "mmdebstrap",
            "--variant=minbase",
            f"--include={DEBIAN_PACKAGES}",
            DEBIAN[1],
            str(tar),
        ]
        _run(command, "mmdebstrap could not make a Debian base")
        with engine_errors(), tar.open("rb") as data:
            api.import_image_from_data(data, repository=DEBIAN[0], tag=DEBIAN[1])


def _install_mmdebstrap() -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ImageBuildFailed(
            "No image registry answers, and mmdebstrap is not installed. "
            "Ask an administrator to run: apt-get install mmdebstrap"
        )
    _run(["apt-get", "update", "-q"], "apt-get update failed")
    _run(["apt-get", "install", "-q", "-y", "mmdebstrap"], "mmdebstrap could not be installed")


def _run(command: list[str], what: str) -> None:
    ended = subprocess.run(  # noqa: S603 - every word of the command stands above
        command, capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise ImageBuildFailed(f"{what}: {ended.stderr.strip()[-1500:]}")
