"""A test that nobody can pass, laid among the zip's own: who makes all tests pass is found out.

It is worth nothing, is made anew for each run, and is taken out of the results before anything is
read of them.
"""

from __future__ import annotations

import enum
import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_NUMBERS_MAX = 30
"""A number up to here, or twice the largest that the zip has, makes a likely name."""
_NUMBER = re.compile(r"(\d+)(?!.*\d)")
_OK_FORMAT = """\
OK_FORMAT = True

test = {{   'name': {name!r},
    'points': 0,
    'suites': [   {{   'cases': [{{'code': {code!r}, 'hidden': True, 'locked': False}}],
                      'type': 'doctest'}}]}}
"""
_EXCEPTION_FORMAT = """\
OK_FORMAT = False

from otter.test_files import test_case

name = {name!r}
points = 0

@test_case(points=None, hidden=True)
def test_value():
    assert {claim}
"""


class CanaryState(enum.StrEnum):
    """What became of a run's canary."""

    FAILED = "failed"
    """As it must."""
    PASSED = "passed"
    MISSING = "missing"
    """The other tests have results, and it has none."""
    NOT_RUN = "not_run"
    """The run ended before, or there are no results at all."""
    LEFT_OUT = "left_out"
    """The zip does not take one."""


@dataclass(frozen=True)
class Canary:
    """The test that must fail.

    Attributes:
        name: of the test, and of its file but for the suffix.
    """

    name: str

    @property
    def path(self) -> str:
        """Where otter finds it, as it names its tests."""
        return f"./tests/{self.name}.py"


def lay_canary(source: Path) -> Canary | None:
    """Write a canary beside the tests of an unpacked zip.

    It is hidden, so that no report for students shows it. otter's `show_all_public` is off as soon
    as one test is hidden, and plugins see all tests: where the zip's config asks for either, there
    is no canary.

    Args:
        source: the folder of the zip; its tests lie in `tests`.

    Returns:
        What was laid; None where there is none.
    """
    files = sorted((source / "tests").glob("*.py"))
    if not files or _is_unwelcome(source / "otter_config.json"):
        return None
    texts = {path.stem: path.read_text("utf-8", errors="replace") for path in files}
    taken = "\n".join(texts.values())
    names = [name for name in _likely_names(texts) if not re.search(rf"\b{name}\b", taken)]
    name = secrets.choice(names) if names else f"q{secrets.randbelow(900) + 100}"
    left, right = secrets.token_hex(4), secrets.token_hex(4)
    claim = f"'a{left}' == 'b{right}'"  # of values of its own: no notebook's names can change it
    if "OK_FORMAT = False" in secrets.choice(list(texts.values())):
        text = _EXCEPTION_FORMAT.format(name=name, claim=claim)
    else:
        text = _OK_FORMAT.format(name=name, code=f">>> {claim}\nTrue")
    (source / "tests" / f"{name}.py").write_text(text, "utf-8")
    return Canary(name)


def take_out(results: Any, canary: Canary | None) -> Any:
    """Remove the canary's result from otter's results, and return it; None where there is none."""
    if canary is None or not isinstance(results, dict):
        return None
    return results.pop(canary.name, None)


def has_failed(result: Any) -> bool:
    """Whether a canary's result says that it failed, in the way otter says it."""
    try:
        cases = list(result.test_case_results)
        return bool(cases) and all(case.passed is False for case in cases)
    except Exception:  # noqa: BLE001 - a result that the notebook made up raises what it likes
        return False


def _is_unwelcome(config_file: Path) -> bool:
    try:
        config = json.loads(config_file.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and bool(config.get("show_all_public") or config.get("plugins"))


def _likely_names(stems: Iterable[str]) -> list[str]:
    """Return names like those of the zip's tests, none of them taken, that are words to Python."""
    stems = list(stems)
    lower = {stem.lower() for stem in stems}
    numbered = [(stem, match) for stem in stems if (match := _NUMBER.search(stem))]
    largest = max((int(match[1]) for _, match in numbered if len(match[1]) < 4), default=0)  # noqa: PLR2004 - longer ones are years and the like
    most = max(_NUMBERS_MAX, 2 * largest)
    likely = {
        f"{stem[: match.start()]}{number:0{len(match[1])}}{stem[match.end() :]}"
        for stem, match in numbered
        for number in range(1, most)
    } or {f"{stem}_{number}" for stem in stems for number in range(2, _NUMBERS_MAX)}
    return sorted(name for name in likely if name.lower() not in lower and _is_plain(name))


def _is_plain(name: str) -> bool:
    return re.fullmatch(r"[\w-]{1,100}", name) is not None
