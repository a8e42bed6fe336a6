"""The connection to the container engine: Docker, or anything that speaks its API."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import docker
import docker.errors
import requests

from shared.errors import ImageMissing, SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

CALL_TIMEOUT_S = 60
"""No call waits longer for the engine to answer: a sick engine must not hold a thread for ever."""


class NoEngine(SandboxUnavailable):
    """No engine can be used; `message` says so, and `advice` what to do about it."""

    def __init__(self, message: str, advice: str) -> None:
        self.message, self.advice = message, advice
        super().__init__(f"{message} {advice}")


@contextmanager
def engine_errors() -> Iterator[None]:
    """Turn what the SDK raises into Gofer's errors.

    Raises:
        ImageMissing: the engine knows no such image.
        SandboxUnavailable: it does not answer, or answers with an error.
    """
    try:
        yield
    except docker.errors.ImageNotFound as error:
        raise ImageMissing from error
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise SandboxUnavailable(f"The container engine failed: {error}") from error
    except OSError as error:
        raise SandboxUnavailable(f"The container engine went away: {error}") from error


@contextmanager
def knows_runtime(runtime: str | None) -> Iterator[None]:
    """Say plainly that an engine does not know a runtime; inside `engine_errors`.

    Args:
        runtime: that the block asks for; None where it leaves it to the engine.

    Raises:
        SandboxUnavailable: the engine refused the block's request for its runtime.
    """
    try:
        yield
    except docker.errors.APIError as error:
        # Docker 20.10: "Unknown runtime specified x"; later: "unknown or invalid runtime name: x"
        if runtime is not None and "runtime" in str(error).lower() and runtime in str(error):
            raise SandboxUnavailable(
                f"The container engine cannot use the runtime {runtime!a} that "
                f"GOFER_DOCKER_RUNTIME names: {error.explanation or error}"
            ) from error
        raise


def connect(docker_host: str | None) -> docker.APIClient:
    """Connect to the engine at `docker_host`, or to this machine's.

    Raises:
        NoEngine: nothing answers there, or this user may not ask.
    """
    try:
        return docker.APIClient(base_url=docker_host, version="auto", timeout=CALL_TIMEOUT_S)
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        # The SDK keeps what the system said as text alone.
        if "Permission denied" in str(error):
            raise NoEngine(
                "This user may not use the container engine.",
                "Let it into the group of the engine's socket, `docker` as a rule.",
            ) from error
        raise NoEngine(
            "No container engine answers.", "Start Docker, or set DOCKER_HOST to where it listens."
        ) from error
