"""`gofer submit` against a real server: what it prints, sends and exits with."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from shared.spool import Spool
from tests.support.commands import run_gofer
from tests.support.processes import LoggedProcess, wait_until
from tests.support.zips import notebook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METADATA = {"course": "c", "section": "1", "assignment": "lab01"}


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli") / "volume"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, volume: Path) -> Iterator[str]:
    autograders = tmp_path_factory.mktemp("autograders")
    folder = autograders / "c" / "lab" / "1" / "lab01"
    folder.mkdir(parents=True)
    (folder / "autograder.zip").write_bytes(b"")
    environment = {
        "VOLUME_PATH": str(volume),
        "GOFER_AUTOGRADERS": str(autograders),
        "GOFER_IDENTITY": "dev",
        "GOFER_PORT": "0",
    }
    with LoggedProcess("gofer_ingest.server", environment) as server:
        yield str(server.logged("listening")["url"])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "lab 01.ipynb"
    # Each test has one of its own: the same one again would only be told its first receipt.
    path.write_bytes(notebook("total = 5", f"# {tmp_path.name}", metadata=METADATA))
    return path


def test_a_receipt_says_for_what_and_the_notebook_is_in_the_spool(
    url: str, volume: Path, good: Path
) -> None:
    before = set(Spool(volume).pending())
    done = run_gofer({"GOFER_URL": url}, "submit", str(good), "--as", "Zoë Müller")
    (new,) = set(Spool(volume).pending()) - before
    assert done.returncode == 0
    assert done.stdout.startswith(f"{good}: received for lab01, receipt {new[-8:]}, ")
    assert done.stdout.endswith(" UTC\n")
    entry = Spool(volume).read(new)
    assert entry.envelope.payload.student == "Zoë Müller"
    assert entry.notebook() == good.read_bytes()


def test_what_is_refused_is_said_in_the_servers_words_and_the_rest_is_sent(
    url: str, volume: Path, good: Path, tmp_path: Path
) -> None:
    before = len(Spool(volume).pending())
    other = tmp_path / "other.ipynb"
    other.write_bytes(notebook(metadata=METADATA | {"assignment": "lab99"}))
    files = [str(other), str(tmp_path / "missing.ipynb"), str(good)]
    done = run_gofer({}, "submit", *files, "--as", "ben", "--url", url.rstrip("/"))
    assert done.returncode == 1
    assert f"{other}: This course has no such assignment." in done.stderr
    assert "missing.ipynb: The file cannot be read: No such file" in done.stderr
    assert done.stdout.count("\n") == 1
    assert len(Spool(volume).pending()) == before + 1


def test_json_tells_programs_of_each_file(url: str, good: Path, tmp_path: Path) -> None:
    (tmp_path / "not.ipynb").write_text("hello", "utf-8")
    files = [str(good), str(tmp_path / "not.ipynb")]
    done = run_gofer({"GOFER_URL": url}, "submit", *files, "--as", "ben", "--json")
    taken, refused = json.loads(done.stdout)
    assert done.returncode == 1
    assert (taken["assignment"], taken["refusal"]) == ("lab01", None)
    assert refused["id"] is None
    assert "not a Jupyter notebook" in refused["refusal"]


@pytest.mark.parametrize(
    ("verb", "said", "exit_code"),
    [("settle", "Grading is done.", 0), ("bury", "our failure, not yours", 1)],
)
def test_waiting_ends_when_the_submission_is_graded_or_set_aside(
    url: str, volume: Path, good: Path, verb: str, said: str, exit_code: int
) -> None:
    spool = Spool(volume)
    before = set(spool.pending())

    def grade() -> None:
        wait_until(lambda: bool(set(spool.pending()) - before))
        (new,) = set(spool.pending()) - before
        if verb == "settle":
            spool.settle(new)
        else:
            spool.bury(new, "the engine is away")

    grader = threading.Thread(target=grade)
    grader.start()
    done = run_gofer({"GOFER_URL": url}, "submit", str(good), "--as", "ben", "--wait")
    grader.join()
    assert (done.returncode, said in done.stdout) == (exit_code, True)


def test_a_server_that_wants_a_sign_in_points_to_batches(tmp_path: Path, good: Path) -> None:
    environment = {
        "VOLUME_PATH": str(tmp_path / "volume"),
        "GOFER_IDENTITY": "signed",
        "GOFER_IDENTITY_SECRET": "x" * 32,
        "GOFER_PORT": "0",
    }
    with LoggedProcess("gofer_ingest.server", environment) as server:
        url = str(server.logged("listening")["url"])
        done = run_gofer({"GOFER_URL": url}, "submit", str(good), "--as", "ada")
    assert done.returncode == 1
    assert "GOFER_IDENTITY=dev" in done.stderr
    assert "gofer batch" in done.stderr


def test_no_server_is_said_in_two_lines(good: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        nowhere = f"http://127.0.0.1:{nobody.getsockname()[1]}/x/"
        done = run_gofer({"GOFER_URL": nowhere}, "submit", str(good), "--as", "ben")
    assert (done.returncode, done.stdout) == (1, "")
    first, second = done.stderr.splitlines()
    assert nowhere in first
    assert "gofer up" in second


def test_something_else_at_the_address_is_said(url: str, good: Path) -> None:
    elsewhere = url.removesuffix("services/gofer_nb/")
    done = run_gofer({"GOFER_URL": elsewhere}, "submit", str(good), "--as", "ben")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["", " ben", "a\tb"])
def test_a_name_that_no_student_can_have_is_said(url: str, good: Path, name: str) -> None:
    done = run_gofer({"GOFER_URL": url}, "submit", str(good), "--as", name)
    assert done.returncode == 1
    assert "cannot be a student's name" in done.stderr


def test_a_setting_that_cannot_be_used_exits_with_2(good: Path) -> None:
    done = run_gofer({"GOFER_URL": "nonsense"}, "submit", str(good), "--as", "ben")
    assert done.returncode == 2
    assert done.stderr.startswith("GOFER_URL: ")
    assert "nonsense" not in done.stderr
