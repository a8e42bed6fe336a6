from __future__ import annotations

import docker
import docker.errors
import pytest

from gofer_ingest.grader.engine import NoEngine, connect, engine_errors, knows_runtime
from shared.errors import SandboxUnavailable

OLD = "Unknown runtime specified runsc"
NEW = "unknown or invalid runtime name: runsc"


@pytest.mark.parametrize("explanation", [OLD, NEW])
def test_an_engine_that_does_not_know_the_runtime_is_out_of_order_in_plain_words(
    explanation: str,
) -> None:
    with (
        pytest.raises(SandboxUnavailable, match=r"GOFER_DOCKER_RUNTIME names: .*runsc"),
        engine_errors(),
        knows_runtime("runsc"),
    ):
        raise docker.errors.APIError("400 Client Error", explanation=explanation)


@pytest.mark.parametrize("runtime", [None, "kata"])
def test_another_refusal_is_not_the_runtimes(runtime: str | None) -> None:
    with (
        pytest.raises(SandboxUnavailable, match=r"^The container engine failed"),
        engine_errors(),
        knows_runtime(runtime),
    ):
        raise docker.errors.APIError("500 Server Error", explanation=OLD)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("FileNotFoundError(2, 'No such file or directory')", "No container engine answers."),
        ("PermissionError(13, 'Permission denied')", "This user may not use the container engine."),
    ],
)
def test_an_engine_that_cannot_be_used_is_said_plainly_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    def refuse(**_: object) -> None:
        raise docker.errors.DockerException(
            f"Error while fetching server API version: ('Connection aborted.', {said})"
        )

    monkeypatch.setattr(docker, "APIClient", refuse)
    with pytest.raises(NoEngine) as raised:
        connect(None)
    assert raised.value.message == told
    assert str(raised.value) == f"{told} {raised.value.advice}"
