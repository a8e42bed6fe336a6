"""The probe as it runs in a kernel, here in this process: it is to be left as it was found."""

from __future__ import annotations

import builtins
import doctest
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import numpy as np
import otter.execute
import otter.test_files
import pytest
from otter.execute.checker import Checker
from otter.test_files.ok_test import OKTestFile

from gofer_ingest.grader.harness import kept_results, probe
from gofer_ingest.grader.harness.evidence import differences

if TYPE_CHECKING:
    from pathlib import Path


class Always:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Slow:
    def __eq__(self, other: object) -> bool:
        while True:
            try:
                time.monotonic()
            except Exception:  # noqa: BLE001 - what a student would write
                continue

    __hash__ = None  # type: ignore[assignment]


class Raising:
    def __eq__(self, other: object) -> bool:
        raise TypeError

    __hash__ = None  # type: ignore[assignment]


class Query:
    """As libraries have them: comparing one makes another, which is true."""

    def __eq__(self, other: object) -> Any:
        return Query()

    __hash__ = None  # type: ignore[assignment]


class Numpy:
    def __eq__(self, other: object) -> Any:
        return np.True_

    __hash__ = None  # type: ignore[assignment]


@pytest.fixture
def before() -> dict[str, str]:
    return probe.fingerprints()


def changed(before: dict[str, str]) -> list[str]:
    return differences(before, probe.fingerprints())


def test_nothing_has_changed_where_nothing_was_changed(before: dict[str, str]) -> None:
    assert len(before) > 200
    assert changed(before) == []


def test_another_process_says_the_same(tmp_path: Path) -> None:
    code = (
        "import json, otter.execute\n"
        "from gofer_ingest.grader.harness import probe\n"
        "print(json.dumps(probe.fingerprints()))\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    first, second = (
        subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2)
    )
    assert first == second != b""


@pytest.mark.parametrize(
    ("owner", "name", "value", "told"),
    [
        (Checker, "check", classmethod(lambda *_: None), "otter.execute.checker.Checker.check"),
        (OKTestFile, "run", lambda *_: None, "otter.test_files.ok_test.OKTestFile.run"),
        (OKTestFile, "score", property(lambda _: 5), "otter.test_files.ok_test.OKTestFile.score"),
        (otter.execute, "Checker", Always, "otter.execute.Checker"),
        (otter.test_files, "create_test_file", print, "otter.test_files.create_test_file"),
        (doctest, "exec", lambda *_: None, "doctest.exec"),
        (doctest, "sys", doctest, "doctest.sys"),
        (builtins, "bool", lambda _: True, "builtins.bool"),
    ],
)
def test_what_was_put_in_its_place_is_named(
    before: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    value: Any,
    told: str,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, value, raising=False)
        found = changed(before)
    assert told in found
    assert changed(before) == []


def test_other_defaults_are_seen(before: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctest.DocTestRunner.run, "__defaults__", (None, None, False))
    assert changed(before) == ["doctest.DocTestRunner.run"]


def test_a_class_that_only_says_it_is_the_other_is_seen(
    before: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = type("Checker", (), {"__module__": "otter.execute.checker"})
    monkeypatch.setattr(otter.execute, "Checker", fake)
    assert changed(before) == ["otter.execute.Checker"]


def test_what_equals_everything_is_found_alone_and_in_containers() -> None:
    names = {
        "alone": Always(),
        "listed": [1, Always()],
        "valued": {"a": Always()},
        "any": ANY,
        "number": 5,
        "query": Query(),
        "numpy": Numpy(),
        "text": "a",
        "raising": Raising(),
        "nothing": None,
    }
    assert probe.always_equal(names, 2.0) == ["alone", "listed", "valued", "any", "numpy"]


def test_a_comparison_that_does_not_end_is_left_and_the_next_is_made() -> None:
    started = time.monotonic()
    earlier = signal.getsignal(signal.SIGALRM)
    assert probe.always_equal({"slow": Slow(), "alone": Always()}, 2.0) == ["alone"]
    assert signal.getsignal(signal.SIGALRM) is earlier
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert time.monotonic() - started < 60


def test_no_more_is_looked_at_than_there_is_time_for() -> None:
    started = time.monotonic()
    probe.always_equal({f"slow{number}": Slow() for number in range(200)}, 2.0)
    assert time.monotonic() - started < 30  # each would take 0.2 s


def test_the_list_of_results_is_known_by_what_its_methods_do() -> None:
    class KeptResults(list):  # type: ignore[type-arg]
        def append(self, test_file: Any) -> None:
            super().append(test_file)

    ours = probe.collector_text(kept_results.KeptResults)
    assert ours != probe.collector_text(KeptResults)
    assert "append" in ours
