"""Images with what an autograder zip asks for beyond the grader image: built once, by content."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from gofer_ingest.grader.engine import engine_errors
from gofer_ingest.grader.wheelhouse import fetch_requirements
from shared.errors import ImageBuildFailed, ImageMissing

if TYPE_CHECKING:
    import docker

REPOSITORY = "gofer-derived"
_BUILD_WITHIN_S = 1800
_DOCKERFILE = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
USER root
COPY wheels/ /opt/derived/
RUN python3 -m pip install --no-cache-dir --no-index --find-links /opt/derived \\
    --disable-pip-version-check --requirement /opt/derived/requirements.txt
USER 10001:10001
"""


def derive_image(
    api: docker.APIClient,
    base_id: str,
    requirements: tuple[str, ...],
    wheelhouse: Path | None,
) -> str:
    """Return the name of an image on top of `base_id` that has `requirements`.

    Args:
        api: the engine.
        base_id: the digest of the image to build on.
        requirements: names with or without versions, as an inspection found them.
        wheelhouse: where wheels are looked for instead of a package index.

    Raises:
        ImageBuildFailed: a requirement cannot be had, or pip cannot install them together.
        SandboxUnavailable: the engine does not answer.
    """
    wanted = tuple(sorted(_checked(requirement) for requirement in requirements))
    content = hashlib.sha256("\n".join([base_id, *wanted]).encode()).hexdigest()[:32]
    name = f"{REPOSITORY}:{content}"
    try:
        with engine_errors():
            api.inspect_image(name)  # type: ignore[no-untyped-call]  # stubs lag
    except ImageMissing:
        _build(api, base_id, wanted, wheelhouse, name)
    return name


def _checked(requirement: str) -> str:
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement as error:
        raise ImageBuildFailed(f"{requirement!r} is not a requirement that pip knows.") from error
    if parsed.url is not None:
        raise ImageBuildFailed(f"{requirement!r} names an address; name a package of an index.")
    return str(parsed)


def _build(
    api: docker.APIClient,
    base_id: str,
    requirements: tuple[str, ...],
    wheelhouse: Path | None,
    name: str,
) -> None:
    with tempfile.TemporaryDirectory(prefix="gofer-wheels-") as folder:
        wheels = Path(folder)
        fetch_requirements(requirements, wheels, wheelhouse)
        (wheels / "requirements.txt").write_text("\n".join(requirements) + "\n", "utf-8")
        with tempfile.TemporaryFile() as context, engine_errors():
            with tarfile.open(fileobj=context, mode="w") as tar:
                dockerfile = tarfile.TarInfo("Dockerfile")
                dockerfile.size = len(_DOCKERFILE)
                tar.addfile(dockerfile, io.BytesIO(_DOCKERFILE.encode()))
                tar.add(wheels, arcname="wheels")
            context.seek(0)
            said = []
            for event in api.build(
                fileobj=context,
                custom_context=True,
                tag=name,
                buildargs={"BASE_IMAGE": base_id},
                network_mode="none",  # all that is installed is in the context
                rm=True,
                forcerm=True,
                decode=True,
                timeout=_BUILD_WITHIN_S,
            ):
                said.append(str(event.get("stream", "")).strip())
                if "error" in event:
                    tail = " ".join(line for line in [*said[-8:], str(event["error"])] if line)
                    raise ImageBuildFailed(f"{', '.join(requirements)} cannot be installed: {tail}")
