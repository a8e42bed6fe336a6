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
        SandboxUnavailable: nothing answers there.
    """
    with engine_errors():
        return docker.APIClient(base_url=docker_host, version="auto", timeout=CALL_TIMEOUT_S)
