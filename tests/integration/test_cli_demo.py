"""The demo's parts on real files and processes; the whole of it is `make demo`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import httpx
import pytest

from gofer_console.demo.grading import submit_samples, wait_for_outcomes
from gofer_console.demo.run import fresh_volume
from gofer_console.demo.samples import Outcome, Sample
from gofer_console.demo.services import Services, demo_environment, free_port
from shared.errors import GoferError
from shared.gradebook.engine import open_gradebook
from shared.model import Score, SubmissionId, Verdict
from shared.spool import Spool
from tests.support.zips import notebook
from tests.unit.shared.gradebook_samples import graded, record, submitted, ungraded

if TYPE_CHECKING:
    from pathlib import Path

    from shared.requests import Envelope

METADATA = {"course": "c", "section": "1", "assignment": "lab01"}
SAMPLE = Sample(file="a.ipynb", student="chloé", assignment="lab01", verdict=Verdict.TIMED_OUT)

COURSE = """
[courses.c.sections.1.assignments.lab01]
autograder = "autograder.zip"
"""


def nothing(*_: object) -> None:
    """Hear of an outcome, or of a process, and do nothing about it."""


def sent(*envelopes: Envelope) -> dict[SubmissionId, Sample]:
    return dict.fromkeys((envelope.id for envelope in envelopes), SAMPLE)


def services(folder: Path, **more: str) -> Services:
    (folder / "course.toml").write_text(COURSE, "utf-8")
    environment = demo_environment(
        {"PATH": os.environ["PATH"]},
        volume=folder / "volume",
        course_config=folder / "course.toml",
        sandbox="process",
        port=free_port(),
    )
    return Services(environment | more, folder / "volume" / "logs")


def test_every_verdict_is_waited_for_and_told(tmp_path: Path) -> None:
    first, second = submitted(), submitted("ben")
    engine = open_gradebook(tmp_path)
    record(engine, first, graded(7.5))
    record(engine, second, ungraded())
    engine.dispose()
    Spool(tmp_path).prepare()
    told: list[Outcome] = []
    outcomes = wait_for_outcomes(
        sent(first, second),
        tmp_path,
        check_alive=nothing,
        on_outcome=lambda _sample, outcome: told.append(outcome),
    )
    assert outcomes == {
        first.id: Outcome(
            Verdict.GRADED, Score(7.5, 10), 2.0, frozenset({"cell_timeout", "output_truncated"})
        ),
        second.id: Outcome(Verdict.TIMED_OUT, None, 2.0),
    }
    assert sorted(told, key=str) == sorted(outcomes.values(), key=str)


def test_a_buried_sample_ends_the_waiting_with_the_reason(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.prepare()
    envelope = submitted()
    (spool.new_dir / envelope.id).mkdir()
    spool.bury(envelope.id, "The engine went away.")
    with pytest.raises(GoferError, match=r"a\.ipynb could not be graded: The engine went away"):
        wait_for_outcomes(sent(envelope), tmp_path, check_alive=nothing, on_outcome=nothing)


def test_samples_are_submitted_as_their_students_and_the_services_stop(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_bytes(notebook("total = 5", metadata=METADATA))
    with services(tmp_path) as running:
        running.wait_until_ready()
        (submission_id,) = submit_samples([SAMPLE], tmp_path, running.url)
        running.check_alive()
        envelope = Spool(tmp_path / "volume").envelope_of(submission_id)
    assert envelope.payload.student == "chloé"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{running.url}healthz", trust_env=False)


def test_a_sample_that_is_refused_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_bytes(b"{}")
    with services(tmp_path) as running:
        running.wait_until_ready()
        with pytest.raises(GoferError, match=r"a\.ipynb was refused: This is not a Jupyter"):
            submit_samples([SAMPLE], tmp_path, running.url)


def test_a_process_that_dies_is_said_with_the_end_of_its_log(tmp_path: Path) -> None:
    with (
        services(tmp_path, GOFER_IDENTITY="") as running,
        pytest.raises(GoferError, match=r"(?s)server ended by itself .*GOFER_IDENTITY"),
    ):
        running.wait_until_ready()


def test_every_demo_has_a_volume_of_its_own(tmp_path: Path) -> None:
    volumes = [fresh_volume(tmp_path / "demo") for _ in range(3)]
    assert len(set(volumes)) == 3
    assert all(list(volume.iterdir()) == [] for volume in volumes)
