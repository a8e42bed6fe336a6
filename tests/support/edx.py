"""The real LTI consumer of Open edX, started in its own environment, as a test sees it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, Self

import pytest

from tests.support.faulty_http import Steering
from tests.support.processes import DEADLINE_S, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_PYTHON = ROOT / ".cache" / "edx" / "bin" / "python"
_SERVE = ROOT / "tests" / "support" / "edx_consumer" / "serve.py"


class EdxConsumer:
    """The process. `places` is what it tells of itself: see `edx_consumer/serve.py`.

    Args:
        students: whom it knows, by their anonymous id of LTI 1.1.
        tool_public_pem: the tool's public key.
        folder: for its database and its log.
        ags_mode: `declarative`, edX's default, or `programmatic`.
    """

    key = "gofer-key"
    secret = "0123456789abcdef"

    def __init__(
        self,
        students: Iterable[str],
        tool_public_pem: str,
        folder: Path,
        ags_mode: str = "declarative",
    ) -> None:
        if not _PYTHON.exists():
            pytest.fail("Open edX's consumer is not there: run `make edx-environment`")
        self._told = {
            "students": list(students),
            "key": self.key,
            "secret": self.secret,
            "tool_public_pem": tool_public_pem,
            "folder": str(folder),
            "ags_mode": ags_mode,
        }
        self.log = folder / "edx.log"
        self.places: dict[str, Any] = {}

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [_PYTHON, "-I", _SERVE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={},
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(self._told) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self.__exit__()
            pytest.fail(f"Open edX's consumer did not start:\n{self.log.read_text()[-4000:]}")
        self.places = json.loads(line)
        self.steering = Steering(self.places["url"])
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._process.communicate(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def history(self, student: str) -> list[float]:
        """Return the fractions that its gradebook has had of a student, in order."""
        found: list[float] = self.steering.told().get(student, [])
        return found
