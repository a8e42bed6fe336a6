"""What `gofer doctor` wants to know from the grader's side: the engine, the image, the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from gofer_ingest.grader.docker_sandbox import DockerSandbox
from gofer_ingest.grader.engine import NoEngine, connect, engine_errors
from gofer_ingest.grader.sharing_sandbox import SharingDockerSandbox
from shared.errors import GoferError, ImageMissing, SandboxUnavailable
from shared.model import Limits, new_run_id

if TYPE_CHECKING:
    import docker

    from shared.config import GraderSettings


class Check(TypedDict):
    """One thing looked at; `advice` is empty where there is nothing to do."""

    name: str
    status: Literal["ok", "warning", "problem"]
    message: str
    advice: str


def examine(settings: GraderSettings) -> list[Check]:
    """Look at everything the grader needs outside itself, and change nothing."""
    if settings.sandbox == "process":
        return [
            Check(
                name="sandbox",
                status="warning",
                message="Notebooks run as processes of this machine, without a container.",
                advice="Only for trying Gofer out: set GOFER_SANDBOX=docker for a course.",
            ),
            *_engine_checks(settings, is_needed=False),
        ]
    return _engine_checks(settings, is_needed=True)


def _engine_checks(settings: GraderSettings, *, is_needed: bool) -> list[Check]:
    bad: Literal["problem", "warning"] = "problem" if is_needed else "warning"
    try:
        api = connect(settings.docker_host)
        with engine_errors():
            version = str(api.version()["Version"])
    except NoEngine as error:
        return [Check(name="engine", status=bad, message=error.message, advice=error.advice)]
    except SandboxUnavailable as error:
        advice = "Look at the engine's own log."
        return [Check(name="engine", status=bad, message=f"{error}.", advice=advice)]
    checks = [Check(name="engine", status="ok", message=f"Docker {version} answers.", advice="")]
    if settings.docker_runtime is not None:
        checks.append(_runtime_check(api, settings.docker_runtime, bad))
    sandbox = DockerSandbox(
        settings.grader_image,
        settings.volume_path,
        settings.docker_host,
        runtime=settings.docker_runtime,
    )
    try:
        image_id = sandbox.image_id(None)
    except ImageMissing as error:
        checks.append(
            Check(
                name="image",
                status=bad,
                message=f"The grader image {settings.grader_image} cannot be used. {error}",
                advice="Run `gofer image build`.",
            )
        )
        return checks
    checks.append(
        Check(
            name="image",
            status="ok",
            message=f"The grader image {settings.grader_image} is there ({image_id[7:19]}).",
            advice="",
        )
    )
    if is_needed:
        checks.append(_try_harness(sandbox))
    if is_needed and settings.shared_start:
        checks.append(_try_sharing(settings))
    return checks


def _runtime_check(
    api: docker.APIClient, runtime: str, bad: Literal["problem", "warning"]
) -> Check:
    with engine_errors():
        known = sorted(api.info().get("Runtimes") or {})
    if runtime in known:
        message = f"Containers run with {runtime}."
        return Check(name="runtime", status="ok", message=message, advice="")
    return Check(
        name="runtime",
        status=bad,
        message=f"The engine has no runtime {runtime!a}. It has: {', '.join(known) or 'none'}.",
        advice="Make it known to the engine, or leave GOFER_DOCKER_RUNTIME unset.",
    )


def _try_harness(sandbox: DockerSandbox) -> Check:
    try:
        sandbox.prepare(None, Limits(), new_run_id()).discard()
    except GoferError as error:
        return Check(
            name="sandbox",
            status="problem",
            message=f"A container was started, and its harness did not become ready. {error}",
            advice="Build the image again with `gofer image build`, and look at the engine's log.",
        )
    return Check(
        name="sandbox",
        status="ok",
        message="A locked-down container starts and its harness becomes ready.",
        advice="",
    )


def _try_sharing(settings: GraderSettings) -> Check:
    sandbox = SharingDockerSandbox(
        settings.grader_image,
        settings.volume_path,
        settings.docker_host,
        runtime=settings.docker_runtime,
        keep=0,
    )
    try:
        sandbox.prepare(None, Limits(), new_run_id()).discard()
        refusal = sandbox.refusal
    except GoferError as error:
        refusal = str(error)
    if refusal:
        return Check(
            name="shared start",
            status="warning",
            message=f"Runs cannot share a start here, and have containers of their own. {refusal}",
            advice="Let processes of containers make user namespaces, or leave "
            "GOFER_SHARED_START off.",
        )
    return Check(name="shared start", status="ok", message="Runs can share a start.", advice="")
