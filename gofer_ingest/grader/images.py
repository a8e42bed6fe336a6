"""Builds Gofer's images, once per content, through the engine's classic build.

An image carries the hash of what it was made from as a label; asking for the same content again
does nothing. Nothing is built while a notebook waits.
"""

from __future__ import annotations

import enum
import hashlib
import io
import re
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from gofer_ingest.grader.base_image import find_or_make_base
from gofer_ingest.grader.engine import connect, engine_errors
from gofer_ingest.grader.wheelhouse import fill_wheelhouse
from shared.errors import ImageBuildFailed, ImageMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

_CONTENT_TAG = "content-"


class Target(enum.StrEnum):
    """The Dockerfile's targets."""

    GRADER = "grader"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Built:
    """An image that is there now; `is_new` when this call made it."""

    tag: str
    image_id: str
    is_new: bool


def project_root() -> Path:
    """Return the folder with the Dockerfile: the repository's, or what the package carries along.

    Raises:
        ImageBuildFailed: neither is there.
    """
    here = Path(__file__).resolve().parent
    for folder in (here.parents[1], here / "image"):
        if (folder / "Dockerfile").is_file():
            return folder
    raise ImageBuildFailed("The Dockerfile is missing from this installation of Gofer.")


def build_image(
    *,
    target: Target,
    tag: str,
    cache: Path,
    docker_host: str | None,
    base: str | None,
    say: Callable[[str], None],
) -> Built:
    """Build `target` as `tag`, unless that tag already has exactly this content.

    Args:
        target: which of the Dockerfile's images.
        tag: its name on the engine.
        cache: where wheels are kept between builds.
        docker_host: the engine's address, or None for this machine's.
        base: the base image's name, or None to pull or make one.
        say: told of each step, one line at a time.

    Raises:
        ImageBuildFailed: it could not be built; the text has the end of the build's output.
        SandboxUnavailable: the engine does not answer.
    """
    root = project_root()
    api = connect(docker_host)
    base_name = base or find_or_make_base(api, say)
    base_id = _image_id(api, base_name)
    if base_id is None:
        raise ImageBuildFailed(
            f"The engine has no base image {base_name}. Pull or load it first, or leave --base out."
        )
    sources = dict(_sources(root, target))
    content = _content_hash(base_id, target, sources)
    existing = _image_id(api, tag)
    if existing is not None and existing == _image_id(api, _content_name(tag, content)):
        return Built(tag, existing, is_new=False)
    say(f"Downloading wheels for the {target} image …")
    wheels = fill_wheelhouse(root / "requirements" / f"{target}-image.txt", cache)
    with tempfile.TemporaryFile() as context:
        _write_context(context, sources, wheels)
        say(f"Building {tag} on {base_name} …")
        _build(api, context, target, tag, base_name, say)
    built = _image_id(api, tag)
    if built is None:
        raise ImageBuildFailed(f"The engine says it built {tag}, and has no such image.")
    repository, _, name = _content_name(tag, content).rpartition(":")
    with engine_errors():
        api.tag(built, repository, name, force=True)
    return Built(tag, built, is_new=True)


def _sources(root: Path, target: Target) -> Iterator[tuple[str, bytes]]:
    recipe = (root / "Dockerfile").read_bytes()
    yield "Dockerfile", _without_stages_before(target, recipe)
    lock = root / "requirements" / f"{target}-image.txt"
    yield f"requirements/{lock.name}", lock.read_bytes()
    harness = Path(__file__).resolve().parent / "harness"
    for path in sorted(harness.glob("*.py")):
        yield f"harness/{path.name}", path.read_bytes()
    if target is Target.SERVICE:
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            yield f"gofer/{name}", (root / name).read_bytes()
        for package in ("gofer_ingest", "gofer_console", "shared"):
            for path in sorted((root / package).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    yield f"gofer/{path.relative_to(root)}", path.read_bytes()


def _without_stages_before(target: Target, recipe: bytes) -> bytes:
    """Leave out the stages that the classic builder would run on its way to `target`.

    It runs every stage above the one that is asked for, and the wheels sent are of that one alone.
    """
    head, *stages = re.split(rb"(?m)^(?=FROM )", recipe)
    named = [stage.splitlines()[0].endswith(f" AS {target}".encode()) for stage in stages]
    return head + b"".join(stages[named.index(True) :])


def _content_hash(base_id: str, target: Target, sources: dict[str, bytes]) -> str:
    digest = hashlib.sha256(f"{base_id}\0{target}".encode())
    for name, data in sorted(sources.items()):
        digest.update(f"\0{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def _content_name(tag: str, content: str) -> str:
    # a tag follows the last colon, unless that colon is a registry's port
    head, colon, last = tag.rpartition(":")
    repository = head if colon and "/" not in last else tag
    return f"{repository}:{_CONTENT_TAG}{content[:32]}"


def _image_id(api: docker.APIClient, name: str) -> str | None:
    try:
        with engine_errors():
            found = api.inspect_image(name)  # type: ignore[no-untyped-call]  # stubs lag
    except ImageMissing:
        return None
    return str(found["Id"])


def _write_context(context: IO[bytes], sources: dict[str, bytes], wheels: Path) -> None:
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, data in sources.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o644
            tar.addfile(info, io.BytesIO(data))
        for wheel in sorted(wheels.glob("*.whl")):
            tar.add(wheel, arcname=f"wheelhouse/{wheel.name}")
    context.seek(0)


def _build(
    api: docker.APIClient,
    context: IO[bytes],
    target: Target,
    tag: str,
    base: str,
    say: Callable[[str], None],
) -> None:
    said: list[str] = []
    with engine_errors():
        events = api.build(
            fileobj=context,
            custom_context=True,
            target=target.value,
            tag=tag,
            buildargs={"BASE_IMAGE": base},
            network_mode="none",  # all that is installed is in the context
            rm=True,
            forcerm=True,
            decode=True,
            timeout=1800,
        )
        for event in events:
            line = str(event.get("stream", "")).strip()
            if line:
                said.append(line)
                if line.startswith("Step "):
                    say(line)
            if "error" in event:
                tail = "\n".join(said[-20:])
                raise ImageBuildFailed(f"The build of {tag} failed: {event['error']}\n{tail}")
