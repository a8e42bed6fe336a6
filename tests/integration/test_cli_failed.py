"""`gofer failed`: staff see what was set aside, and say what becomes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gofer_console import failed
from shared.errors import GoferError
from shared.spool import Place, Spool
from tests.support.commands import run_gofer
from tests.support.processes import LoggedProcess
from tests.unit.shared.spool_entries import new_delivery, prepared_spool

if TYPE_CHECKING:
    from pathlib import Path

    from shared.model import SubmissionId


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return prepared_spool(tmp_path / "volume")


def set_aside(spool: Spool, reason: str = "The engine \x1b[31mslept.") -> SubmissionId:
    delivery = new_delivery()
    spool.deliver(delivery.envelope, delivery.notebook)
    spool.bury(delivery.id, reason)
    return delivery.id


def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "VOLUME_PATH": str(tmp_path / "volume"),
        "GOFER_AUTOGRADERS": str(tmp_path / "none"),
        "GOFER_SANDBOX": "process",
    }


def test_the_list_tells_who_what_and_why(spool: Spool, tmp_path: Path) -> None:
    entry = set_aside(spool)
    done = run_gofer(environment(tmp_path), "failed", "list")
    assert done.returncode == 0
    assert entry[-8:] in done.stdout
    assert "josé" in done.stdout
    assert "The engine �[31mslept." in done.stdout
    (row,) = json.loads(run_gofer(environment(tmp_path), "failed", "list", "--json").stdout)
    assert (row["id"], row["student"], row["assignment"]) == (entry, "josé", "lab01")


def test_an_empty_list_says_so(spool: Spool, tmp_path: Path) -> None:
    done = run_gofer(environment(tmp_path), "failed", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing is set aside." in done.stderr
    done = run_gofer(environment(tmp_path), "failed", "retry", "--all", "--why", "Mended.")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing is set aside." in done.stderr


def test_the_grader_carries_out_a_discard_and_a_retry(spool: Spool, tmp_path: Path) -> None:
    given_up, again = set_aside(spool), set_aside(spool)
    with LoggedProcess("gofer_ingest.grader", environment(tmp_path)) as grader:
        grader.logged("started")
        done = run_gofer(
            environment(tmp_path), "failed", "discard", given_up[-8:], "--why", "A test."
        )
        assert done.returncode == 0, done.stderr
        assert "in the archive" in done.stderr
        done = run_gofer(environment(tmp_path), "failed", "retry", "--all", "--why", "Mended.")
        assert done.returncode == 0, done.stderr
        assert "graded again" in done.stderr
    assert spool.find(given_up) is Place.ARCHIVED
    assert spool.find(again) is Place.NEW  # no such assignment here: it waits for staff


def test_without_a_grader_the_request_waits(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = set_aside(spool)
    done = run_gofer(environment(tmp_path), "failed", "retry", entry, "--why", "Mended.")
    assert done.returncode == 0
    assert "the grader does it when it runs" in done.stderr
    assert len(spool.pending()) == 1


def test_a_word_that_fits_none_or_several_is_refused(spool: Spool, tmp_path: Path) -> None:
    for _ in range(20):
        set_aside(spool)
    failures = spool.failed()
    with pytest.raises(GoferError, match="No submission"):
        failed.chosen(failures, ["zz"], every=False)
    with pytest.raises(GoferError, match="Several"):
        failed.chosen(failures, [""], every=False)
    for words, every in (([], False), (["a"], True)):
        with pytest.raises(GoferError, match="--all"):
            failed.chosen(failures, words, every=every)
    assert failed.chosen(failures, [], every=True) == [one.id for one in failures]
