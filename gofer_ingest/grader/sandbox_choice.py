"""Which sandbox notebooks run in, and where the process sandbox is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer_ingest.grader.docker_sandbox import DockerSandbox
from gofer_ingest.grader.process_sandbox import ProcessSandbox
from gofer_ingest.grader.sharing_sandbox import SharingDockerSandbox
from shared.errors import ConfigError

if TYPE_CHECKING:
    from gofer_ingest.grader.sandbox import Sandbox
    from shared.catalogue import Catalogue
    from shared.config import GraderSettings


def make_sandbox(settings: GraderSettings) -> Sandbox:
    """Return the sandbox that the settings ask for.

    Raises:
        ConfigError: they ask for the process sandbox where grades leave the machine, or strangers
            can reach it.
    """
    if settings.sandbox == "docker":
        engine = (
            settings.grader_image,
            settings.volume_path,
            settings.docker_host,
            settings.wheelhouse,
            settings.docker_runtime,
        )
        if settings.shared_start:
            return SharingDockerSandbox(*engine, keep=settings.concurrency)
        return DockerSandbox(*engine)
    against = []
    if settings.lti_consumer_key is not None or settings.lti_consumer_secret is not None:
        against.append("LTI credentials are set")
    if settings.post_grade:
        against.append("POST_GRADE is on")
    if not settings.is_loopback:
        against.append("GOFER_ADDRESS is not a loopback address")
    if against:
        raise ConfigError(
            "GOFER_SANDBOX: `process` runs notebooks without a container and is only for trying "
            f"Gofer out, and {' and '.join(against)}. Use `docker`."
        )
    return ProcessSandbox(settings.volume_path)


def refuse_secrets_beside_processes(sandbox: Sandbox, catalogue: Catalogue) -> None:
    """Make sure that no notebook runs as a process beside the files of an LMS's secrets.

    Raises:
        ConfigError: the course config names such files, and the sandbox is the process one.
    """
    if sandbox.name != "process":
        return
    for assignment in catalogue:
        if assignment.passback is not None and assignment.passback.has_files:
            raise ConfigError(
                "GOFER_SANDBOX: `process` runs notebooks without a container and is only for "
                f"trying Gofer out, and the course config names files of secrets ({assignment.key})"
                ". Use `docker`."
            )
