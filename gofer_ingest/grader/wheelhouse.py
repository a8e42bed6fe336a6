"""Folders of wheels for an image's Python, downloaded by the host's pip.

Inside a build there may be no network and no certificate of the campus's proxy; the host has both.
The locks carry hashes, so what is installed is what was locked, wherever it came from.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

from shared.errors import ImageBuildFailed

if TYPE_CHECKING:
    from pathlib import Path

IMAGE_PYTHON = "3.13"


def fill_wheelhouse(lock: Path, folder: Path) -> Path:
    """Download every wheel of `lock` into a folder of its own below `folder`; return that folder.

    A folder that is already full for exactly this lock is used as it is.

    Raises:
        ImageBuildFailed: a wheel cannot be had.
    """
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    wheels = folder / f"{lock.stem}-{digest}"
    marker = wheels / ".complete"
    if marker.exists():
        return wheels
    wheels.mkdir(parents=True, exist_ok=True)
    command = _download(wheels, ["--require-hashes", "--no-deps", "--requirement", str(lock)])
    if command.returncode != 0:
        raise ImageBuildFailed(
            f"The wheels for {lock.name} could not be downloaded: {command.stderr.strip()[-1500:]}"
        )
    descriptor = os.open(marker, os.O_CREAT | os.O_WRONLY, 0o644)
    os.close(descriptor)
    return wheels


def fetch_requirements(
    requirements: tuple[str, ...], folder: Path, wheelhouse: Path | None
) -> None:
    """Put the wheels of `requirements`, and of what they need, into `folder`.

    Args:
        requirements: what pip is to find, each a name with or without versions.
        folder: an empty folder.
        wheelhouse: where they are looked for instead of a package index.

    Raises:
        ImageBuildFailed: they cannot be had; the text says which.
    """
    where = [] if wheelhouse is None else ["--no-index", "--find-links", str(wheelhouse)]
    ended = _download(folder, [*where, "--", *requirements])
    if ended.returncode != 0:
        source = "a package index" if wheelhouse is None else str(wheelhouse)
        said = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")]
        raise ImageBuildFailed(
            f"{', '.join(requirements)} cannot be had from {source}: {' '.join(said)[-600:]}"
        )


def _download(folder: Path, what: list[str]) -> subprocess.CompletedProcess[str]:
    machine = platform.machine()
    abi = "cp" + IMAGE_PYTHON.replace(".", "")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)]
    command += ["--disable-pip-version-check", "--only-binary=:all:"]
    command += ["--python-version", IMAGE_PYTHON, "--implementation", "cp"]
    command += [f"--abi={name}" for name in (abi, "abi3", "none")]
    for glibc in ("manylinux_2_28", "manylinux_2_17", "manylinux2014"):
        command.append(f"--platform={glibc}_{machine}")
    return subprocess.run(  # noqa: S603 - requirements stand behind `--`, and no shell reads them
        [*command, "--platform=any", *what], capture_output=True, text=True, check=False
    )
