"""The peer: the Docker route of `otter grade`, otter's own code unmodified but for its image.

otter builds its image with BuildKit and lets conda fetch the packages, which many machines cannot
do. Here the image is made by the engine's classic build from Gofer's grader image, laid out as
otter's Dockerfile lays it out, and `build_image` returns its tag. Everything after the build runs
as otter wrote it. It unpickles what comes out of the containers, on this machine: fit for the
project's own samples, and for nothing else.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import time
import zipfile
from typing import TYPE_CHECKING, Any, Self
from unittest import mock

from otter.grade import containers as otter_containers
from otter.run import AutograderConfig

from gofer_ingest.grader.engine import engine_errors
from shared.errors import GoferError, ImageBuildFailed
from tests.bench.scores import NotebookScore, Timed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import docker

_DOCKERFILE = """\
FROM {image_id}
USER root
ENTRYPOINT []
COPY autograder/ /autograder/
"""
_RUN_AUTOGRADER = b"#!/bin/bash\npython3 /autograder/source/run_otter.py\n"
_BUILD_WITHIN_S = 300
_FOLDER_MODE = 0o755
_CONFIG = {"zips": False, "pdf": False, "debug": False}
"""What `otter grade` overrides for notebooks without `--pdfs` and `--debug`."""


class OtterRoute:
    """`otter grade` for one autograder zip; leaving the block removes its containers and image.

    Args:
        api: the engine.
        image_id: the grader image that the peer's is made from.
        autograder_zip: as `otter assign` makes it.
    """

    def __init__(self, api: docker.APIClient, image_id: str, autograder_zip: Path) -> None:
        self._api = api
        self._image_id = image_id
        self._zip = autograder_zip
        self._tag = f"gofer-bench-otter:{os.getpid()}"

    def __enter__(self) -> Self:
        check_client(self._api)
        self._build()
        return self

    def __exit__(self, *exception: object) -> None:
        with engine_errors():
            left = self._api.containers(all=True, quiet=True, filters={"ancestor": self._tag})
            for container in left:  # otter leaves those behind whose run failed
                self._api.remove_container(container["Id"], force=True, v=True)
            self._api.remove_image(self._tag, force=True)

    def grade(self, notebooks: Sequence[Path], *, num_containers: int) -> Timed:
        """Grade notebooks with `launch_containers`, and measure that call alone.

        Raises:
            GoferError: otter could not grade one of them.
        """
        results: dict[str, Any] = {}
        grade_submission = otter_containers.grade_submission

        def grade_and_note(submission_path: str, **options: Any) -> Any:
            # otter's results carry a file's base name alone, and students' files are namesakes
            results[submission_path] = grade_submission(submission_path=submission_path, **options)
            return results[submission_path]

        def built(*_arguments: object) -> str:
            return self._tag

        paths = [str(path) for path in notebooks]
        with mock.patch.multiple(
            otter_containers, build_image=built, grade_submission=grade_and_note
        ):
            began_s = time.perf_counter()
            otter_containers.launch_containers(
                str(self._zip),
                paths,
                num_containers=num_containers,
                base_image=self._image_id,
                tag="bench",
                config=AutograderConfig(_CONFIG),
                network=False,
            )
            seconds = time.perf_counter() - began_s
        scores = [
            _score(notebook, results[path]) for notebook, path in zip(notebooks, paths, strict=True)
        ]
        return Timed(seconds, scores)

    def _build(self) -> None:
        with engine_errors():
            events = self._api.build(
                fileobj=io.BytesIO(_context(self._image_id, self._zip)),
                custom_context=True,
                tag=self._tag,
                rm=True,
                forcerm=True,
                decode=True,
                timeout=_BUILD_WITHIN_S,
            )
            for event in events:
                if "error" in event:
                    raise ImageBuildFailed(
                        f"The image for otter's route could not be built: {event['error']}"
                    )


def check_client(api: docker.APIClient) -> None:
    """Make sure that otter's route can work here: it drives the docker command-line client.

    Raises:
        GoferError: there is no such client, or it speaks to another engine than `api`.
    """
    client = shutil.which("docker")
    if client is None:
        raise GoferError(
            "`otter grade` drives the command-line client `docker`, and there is none in PATH.\n"
            "Install it (Debian 13: apt-get install docker-cli; Debian 12: apt-get install "
            "docker.io) and run this again."
        )
    asked = subprocess.run(
        [client, "info", "--format", "{{.ID}}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    with engine_errors():
        ours = str(api.info()["ID"])
    if asked.stdout.strip() != ours:
        raise GoferError(
            "The command-line client `docker`, which `otter grade` drives, does not speak to the "
            f"engine that Gofer uses. Set DOCKER_HOST for both. {asked.stderr.strip()}".strip()
        )


def _context(image_id: str, autograder_zip: Path) -> bytes:
    """Return the build's context: /autograder as otter's own Dockerfile lays it out."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar, zipfile.ZipFile(autograder_zip) as zipped:
        _add(tar, "Dockerfile", _DOCKERFILE.format(image_id=image_id).encode())
        for name in ("source", "submission", "results"):
            folder = tarfile.TarInfo(f"autograder/{name}")
            folder.type = tarfile.DIRTYPE
            folder.mode = _FOLDER_MODE
            tar.addfile(folder)
        _add(tar, "autograder/run_autograder", _RUN_AUTOGRADER, mode=0o755)
        _add(tar, "autograder/submission_metadata.json", b"")
        config = AutograderConfig(json.loads(zipped.read("otter_config.json")))
        config.update(_CONFIG)
        overridden = json.dumps(config.get_user_config()).encode()
        _add(tar, "autograder/source/otter_config.json", overridden)
        for name in zipped.namelist():
            if name == "run_otter.py" or name.startswith(("tests/", "files/")):
                _add(tar, f"autograder/source/{name}", zipped.read(name))
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = mode
    tar.addfile(info, io.BytesIO(data))


def _score(notebook: Path, results: Any) -> NotebookScore:
    if results.has_catastrophic_failure():
        raise GoferError(f"otter grade could not grade {notebook}: {results.catastrophic_error}")
    return NotebookScore(
        notebook.parent.name,
        {
            name: (float(of["score"]), float(of["possible"]))
            for name, of in results.to_dict().items()
        },
    )
