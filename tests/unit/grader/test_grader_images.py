from __future__ import annotations

import io
import sys
import tarfile
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gofer_ingest.grader import images
from gofer_ingest.grader.harness.protocol import PROTOCOL_VERSION
from gofer_ingest.grader.images import (
    Target,
    _content_hash,
    _content_name,
    _sources,
    _write_context,
    project_root,
)
from gofer_ingest.grader.wheelhouse import fill_wheelhouse
from shared.errors import ImageBuildFailed

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = st.dictionaries(st.text(max_size=3), st.binary(max_size=3), max_size=3)


# --- what an image says of itself -----------------------------------------------------------------


def test_the_grader_image_says_which_conversation_its_harness_holds() -> None:
    assert (
        f"LABEL gofer.protocol={PROTOCOL_VERSION}\n" in (project_root() / "Dockerfile").read_text()
    )


# --- what an image is made from -------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(one=SOURCES, other=SOURCES)
def test_other_sources_are_other_content(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assume(one != other)
    hashes = {_content_hash("base", Target.GRADER, sources) for sources in (one, other)}
    assert len(hashes) == 2


@settings(max_examples=50, deadline=None)
@given(sources=SOURCES)
def test_the_order_of_sources_does_not_matter(sources: dict[str, bytes]) -> None:
    backwards = dict(reversed(sources.items()))
    assert _content_hash("b", Target.GRADER, sources) == _content_hash(
        "b", Target.GRADER, backwards
    )


def test_another_base_or_target_is_other_content() -> None:
    hashes = {
        _content_hash(base, target, {"Dockerfile": b"FROM base"})
        for base in ("sha256:1", "sha256:2")
        for target in Target
    }
    assert len(hashes) == 4


def test_the_grader_image_is_made_from_its_recipe_its_lock_and_the_harness() -> None:
    root = project_root()
    sources = dict(_sources(root, Target.GRADER))
    assert sources["Dockerfile"] == (root / "Dockerfile").read_bytes()
    assert "requirements/grader-image.txt" in sources
    harness = {path.name for path in (root / "gofer_ingest/grader/harness").glob("*.py")}
    rest = set(sources) - {"Dockerfile", "requirements/grader-image.txt"}
    assert rest == {f"harness/{name}" for name in harness}


def test_no_stage_above_an_images_own_is_sent_as_the_builder_would_run_it() -> None:
    recipe = dict(_sources(project_root(), Target.SERVICE))["Dockerfile"].decode()
    stages = [line for line in recipe.splitlines() if line.startswith("FROM ")]
    assert stages == ["FROM ${BASE_IMAGE} AS service"]
    assert recipe.index("ARG BASE_IMAGE=") < recipe.index(stages[0])
    assert "grader-image.txt" not in recipe


def test_nothing_compiled_or_of_this_machine_is_in_an_image() -> None:
    for target in Target:
        for name, _ in _sources(project_root(), target):
            assert "__pycache__" not in name
            assert not name.startswith("/")
            assert ".." not in name


@pytest.mark.parametrize(
    ("tag", "repository"),
    [
        ("gofer-grader", "gofer-grader"),
        ("gofer-grader:2026", "gofer-grader"),
        ("campus.example:5000/gofer-grader", "campus.example:5000/gofer-grader"),
        ("campus.example:5000/gofer-grader:2026", "campus.example:5000/gofer-grader"),
    ],
)
def test_an_image_is_named_by_its_content_beside_its_tag(tag: str, repository: str) -> None:
    name = _content_name(tag, "0123456789abcdef" * 4)
    assert name == f"{repository}:content-{'0123456789abcdef' * 2}"


def test_a_build_is_sent_its_sources_and_its_wheels(tmp_path: Path) -> None:
    (tmp_path / "one-1.0-py3-none-any.whl").write_bytes(b"wheel")
    (tmp_path / ".complete").write_bytes(b"")
    context = io.BytesIO()
    _write_context(context, {"Dockerfile": b"FROM base", "harness/runner.py": b"run"}, tmp_path)
    with tarfile.open(fileobj=context) as tar:
        assert tar.getnames() == [
            "Dockerfile",
            "harness/runner.py",
            "wheelhouse/one-1.0-py3-none-any.whl",
        ]


class WithoutImages(docker.APIClient):
    """An engine that has no image at all."""

    def __init__(self) -> None:
        pass

    def inspect_image(self, image: Any) -> Any:
        raise docker.errors.ImageNotFound(image)


def test_a_base_image_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "connect", lambda _: WithoutImages())
    with pytest.raises(ImageBuildFailed, match="no base image campus-base:1"):
        images.build_image(
            target=Target.GRADER,
            tag="gofer-grader",
            cache=tmp_path,
            docker_host=None,
            base="campus-base:1",
            say=print,
        )


# --- wheels ---------------------------------------------------------------------------------------


def test_wheels_that_cannot_be_had_are_an_error_with_pips_words_and_leave_no_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "grader-image.txt"
    lock.write_text("numpy==2.0.0 --hash=sha256:0\n")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'ERROR: no such wheel' >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(ImageBuildFailed, match=r"grader-image\.txt.*no such wheel"):
        fill_wheelhouse(lock, tmp_path / "wheels")
    assert list((tmp_path / "wheels").rglob(".complete")) == []


def test_a_full_wheelhouse_is_used_as_it_is_until_its_lock_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "grader-image.txt"
    lock.write_text("# nothing at all\n")
    monkeypatch.setattr(sys, "executable", "/bin/true")  # a pip that has everything
    first = fill_wheelhouse(lock, tmp_path / "wheels")
    monkeypatch.setattr(sys, "executable", "/bin/false")  # a pip that has nothing
    assert fill_wheelhouse(lock, tmp_path / "wheels") == first
    lock.write_text("# something else\n")
    with pytest.raises(ImageBuildFailed):
        fill_wheelhouse(lock, tmp_path / "wheels")
