"""A base image is pulled, found, or made: by an engine and tools that only a test has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import pytest

from gofer_ingest.grader.base_image import DEBIAN, PULLED, find_or_make_base
from shared.errors import ImageBuildFailed, SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PULLED_NAME, DEBIAN_NAME = ":".join(PULLED), ":".join(DEBIAN)


class ScriptedEngine(docker.APIClient):
    """An engine with some images, with or without a registry behind it."""

    def __init__(self) -> None:
        super().__init__(base_url="http+unix://nowhere", version="1.41")
        self.there: set[str] = set()
        self.has_registry = False
        self.is_away = False
        self.pulled: list[str] = []
        self.imported = b""

    def images(self, *_: Any, **asked: Any) -> Any:
        if self.is_away:
            raise docker.errors.DockerException("nobody answers")
        return ["sha256:1"] if asked["name"] in self.there else []

    def pull(self, repository: str, *_: Any, **asked: Any) -> Any:
        if not self.has_registry:
            raise docker.errors.APIError("no route to host")
        self.pulled.append(f"{repository}:{asked['tag']}")

    def import_image_from_data(self, data: Any, *_: Any, **__: Any) -> Any:
        self.imported = data.read()


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    made = ScriptedEngine()
    yield made
    made.close()


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which a command is found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(tools: Path, name: str, script: str) -> None:
    (tools / name).write_text(f"#!/bin/sh\n{script}\n")
    (tools / name).chmod(0o755)


def found(engine: ScriptedEngine) -> str:
    return find_or_make_base(engine, lambda _: None)


@pytest.mark.parametrize(
    ("there", "name"),
    [
        ({PULLED_NAME}, PULLED_NAME),
        ({DEBIAN_NAME}, DEBIAN_NAME),
        ({PULLED_NAME, DEBIAN_NAME}, PULLED_NAME),
    ],
)
def test_a_base_that_is_there_is_taken(engine: ScriptedEngine, there: set[str], name: str) -> None:
    engine.there = there
    engine.has_registry = True
    assert found(engine) == name
    assert engine.pulled == []


def test_a_base_is_pulled_where_a_registry_answers(engine: ScriptedEngine) -> None:
    engine.has_registry = True
    assert found(engine) == PULLED_NAME
    assert engine.pulled == [PULLED_NAME]


def test_without_a_registry_a_base_is_made_from_debians_archive(
    engine: ScriptedEngine, tools: Path
) -> None:
    install(tools, "mmdebstrap", 'for last; do :; done; echo "$@" > "$last"')
    assert found(engine) == DEBIAN_NAME
    assert b"python3" in engine.imported
    assert b" trixie " in engine.imported


def test_a_base_that_cannot_be_made_says_what_went_wrong(
    engine: ScriptedEngine, tools: Path
) -> None:
    install(tools, "mmdebstrap", "echo 'E: the archive is away' >&2; exit 1")
    with pytest.raises(ImageBuildFailed, match="the archive is away"):
        found(engine)


def test_who_may_not_install_the_maker_is_told_whom_to_ask(
    engine: ScriptedEngine, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    install(tools, "apt-get", "exit 1")
    with pytest.raises(ImageBuildFailed, match="Ask an administrator"):
        found(engine)


def test_the_maker_is_installed_where_that_is_allowed(
    engine: ScriptedEngine, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    maker = tools / "mmdebstrap"
    install(
        tools,
        "apt-get",
        f"""[ "$1" = install ] || exit 0
echo '#!/bin/sh' > {maker}
echo 'for last; do :; done; echo made > "$last"' >> {maker}
/bin/chmod +x {maker}""",
    )
    assert found(engine) == DEBIAN_NAME
    assert engine.imported == b"made\n"


def test_an_engine_that_is_away_is_no_missing_base(engine: ScriptedEngine) -> None:
    engine.is_away = True
    with pytest.raises(SandboxUnavailable):
        found(engine)
