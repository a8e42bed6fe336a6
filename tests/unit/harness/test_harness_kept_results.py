"""What runs in the notebook's kernel, here in the test's own process."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from otter.execute import Checker
from otter.nbmeta_config import NBMetadataConfig

from gofer_ingest.grader.harness import kept_results
from gofer_ingest.grader.harness.kept_results import keep_results
from gofer_ingest.grader.harness.unpickling import checked_tests, load
from tests.support.zips import ok_test


@pytest.fixture(autouse=True)
def grading(monkeypatch: pytest.MonkeyPatch) -> None:
    """otter's checker as it is in grading mode."""
    monkeypatch.setattr(Checker, "_track_results", True)
    monkeypatch.setattr(Checker, "_test_files", [])


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "results.pkl.kept"


def check(tmp_path: Path, name: str, total: int) -> Any:
    path = tmp_path / f"{name}.py"
    path.write_text(ok_test(name, "total == 5", points=2.0))
    return Checker.check(str(path), NBMetadataConfig(), global_env={"total": total})


def loaded(path: Path) -> dict[str, float]:
    with path.open("rb") as file:
        results = load(file)
    return {name: test_file.score for name, test_file in results.results.items()}


def test_results_are_on_disk_after_each_check(tmp_path: Path, kept: Path) -> None:
    keep_results(str(kept))
    assert not kept.exists()
    check(tmp_path, "q1", 5)
    assert loaded(kept) == {"q1": 2.0}
    check(tmp_path, "q2", 4)
    assert loaded(kept) == {"q1": 2.0, "q2": 0.0}
    assert checked_tests(kept) == [str(tmp_path / "q1.py"), str(tmp_path / "q2.py")]
    assert sorted(tmp_path.glob("results*")) == [kept]


def test_otter_collects_as_before(tmp_path: Path, kept: Path) -> None:
    check(tmp_path, "q0", 5)
    keep_results(str(kept))
    check(tmp_path, "q1", 5)
    assert [test_file.name for test_file in Checker.get_results()] == ["q0", "q1"]
    Checker.check_if_not_already_checked(str(tmp_path / "q1.py"), {"total": 0})
    assert len(Checker.get_results()) == 2
    assert loaded(kept) == {"q0": 2.0, "q1": 2.0}


def test_a_disk_that_takes_nothing_leaves_the_check_as_it_is(tmp_path: Path) -> None:
    keep_results(str(tmp_path / "no such folder" / "results.pkl.kept"))
    assert check(tmp_path, "q1", 5).score == 2.0


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_save_that_is_cut_short_keeps_what_was_saved_before(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    keep_results(str(kept))
    check(tmp_path, "q1", 5)

    def cut_short(_results: object, file: Any) -> None:
        file.write(b"\x80")
        raise error

    monkeypatch.setattr(pickle, "dump", cut_short)
    try:
        check(tmp_path, "q2", 5)
    except KeyboardInterrupt:
        assert error is KeyboardInterrupt
    assert loaded(kept) == {"q1": 2.0}


def test_its_text_runs_by_itself_and_leaves_no_name_behind(tmp_path: Path, kept: Path) -> None:
    source = Path(kept_results.__file__).read_text("utf-8")
    kernel: dict[str, Any] = {"total": 5}
    call = f"\nkeep_results({str(kept)!r})\n"
    exec(f"exec({source!r} + {call!r}, {{'__name__': 'kept_results'}})", kernel)
    assert kernel.keys() == {"total", "__builtins__"}
    check(tmp_path, "q1", 5)
    assert loaded(kept) == {"q1": 2.0}
