"""What is asked of pip and of the engine for an image with more packages."""

from __future__ import annotations

import io
import sys
import tarfile
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import pytest

from gofer_ingest.grader.derived_images import derive_image
from shared.errors import ImageBuildFailed, SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BASE = "sha256:" + "a" * 64


class BuildingEngine(docker.APIClient):
    """An engine that has the images it was asked to build."""

    def __init__(self) -> None:
        super().__init__(base_url="http+unix://nowhere", version="1.41")
        self.there: set[str] = set()
        self.built: list[dict[str, bytes]] = []
        self.says: list[dict[str, str]] = [{"stream": "Step 1/5"}, {"stream": "done"}]

    def inspect_image(self, image: Any) -> Any:
        if image not in self.there:
            raise docker.errors.ImageNotFound("no such image")
        return {"Id": image}

    def build(self, *_: Any, **asked: Any) -> Any:
        assert asked["buildargs"] == {"BASE_IMAGE": BASE}
        with tarfile.open(fileobj=io.BytesIO(asked["fileobj"].read())) as tar:
            files = [member for member in tar if member.isfile()]
            self.built.append({member.name: _content(tar, member) for member in files})
        self.there.add(asked["tag"])
        return iter(self.says)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    handle = tar.extractfile(member)
    assert handle is not None
    return handle.read()


@pytest.fixture
def engine() -> Iterator[BuildingEngine]:
    made = BuildingEngine()
    yield made
    made.close()


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pip that fetches one wheel; it writes what it was asked into the file `asked`."""
    install(
        tmp_path,
        monkeypatch,
        f'echo "$@" >> {tmp_path}/asked\n'
        'while [ "$1" != --dest ]; do shift; done\n'
        'echo wheel > "$2/one-1.0-py3-none-any.whl"',
    )
    return tmp_path


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))


def test_an_image_is_built_from_wheels_alone(engine: BuildingEngine, pip: Path) -> None:
    name = derive_image(engine, BASE, ("sympy>=1", "one"), None)
    assert name in engine.there
    (sent,) = engine.built
    assert sorted(sent) == [
        "Dockerfile",
        "wheels/one-1.0-py3-none-any.whl",
        "wheels/requirements.txt",
    ]
    assert sent["wheels/requirements.txt"] == b"one\nsympy>=1\n"
    assert b"--no-index" in sent["Dockerfile"]
    assert b"USER 10001:10001" in sent["Dockerfile"].splitlines()[-1]


def test_the_same_requirements_in_any_order_are_built_once(
    engine: BuildingEngine, pip: Path
) -> None:
    names = {derive_image(engine, BASE, pair, None) for pair in (("a", "b"), ("b", "a"))}
    assert len(names) == 1
    assert len(engine.built) == 1


def test_other_requirements_are_another_image(engine: BuildingEngine, pip: Path) -> None:
    names = {derive_image(engine, BASE, (wanted,), None) for wanted in ("a", "a>=1", "b")}
    assert len(names) == 3


def test_requirements_are_never_read_as_options(engine: BuildingEngine, pip: Path) -> None:
    derive_image(engine, BASE, ("one",), None)
    asked = (pip / "asked").read_text().split()
    assert asked[-2:] == ["--", "one"]
    assert "--only-binary=:all:" in asked
    assert "--no-index" not in asked


def test_with_a_wheelhouse_no_index_is_asked(engine: BuildingEngine, pip: Path) -> None:
    derive_image(engine, BASE, ("one",), pip / "wheelhouse")
    asked = (pip / "asked").read_text()
    assert f"--no-index --find-links {pip}/wheelhouse" in asked


@pytest.mark.parametrize(
    "requirement", ["--index-url=x", "one @ https://example.org/one.whl", "not one", ""]
)
def test_what_is_no_package_of_an_index_is_refused_unasked(
    engine: BuildingEngine, pip: Path, requirement: str
) -> None:
    with pytest.raises(ImageBuildFailed):
        derive_image(engine, BASE, (requirement,), None)
    assert not (pip / "asked").exists()
    assert engine.built == []


def test_packages_that_cannot_be_had_are_named_with_where_they_were_looked_for(
    engine: BuildingEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "echo 'ERROR: No matching distribution' >&2; exit 1")
    with pytest.raises(ImageBuildFailed, match=r"one cannot be had from .*/wheels: ERROR: No"):
        derive_image(engine, BASE, ("one",), tmp_path / "wheels")
    assert engine.built == []


def test_a_build_that_fails_says_how(engine: BuildingEngine, pip: Path) -> None:
    engine.says = [{"stream": "ERROR: one and two conflict"}, {"error": "exit code 1"}]
    with pytest.raises(ImageBuildFailed, match="one and two conflict"):
        derive_image(engine, BASE, ("one", "two"), None)


def test_an_engine_that_is_away_is_no_failed_build(
    engine: BuildingEngine, pip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise docker.errors.DockerException("nobody answers")

    monkeypatch.setattr(engine, "build", away)
    with pytest.raises(SandboxUnavailable):
        derive_image(engine, BASE, ("one",), None)
