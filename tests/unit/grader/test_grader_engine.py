from __future__ import annotations

import docker.errors
import pytest

from gofer_ingest.grader.engine import engine_errors, knows_runtime
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
