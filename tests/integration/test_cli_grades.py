"""`gofer grades` and the classic dump, on a gradebook that the grader's own functions filled."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from gofer_console.export import write_grades
from gofer_console.queries import Filter, Layout, opened_gradebook
from shared.gradebook.engine import open_gradebook
from tests.support.commands import run_gofer
from tests.unit.shared.gradebook_samples import graded, record, submitted, ungraded

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two graded attempts of ada, one of a formula, one that timed out, one in another course."""
    folder = tmp_path_factory.mktemp("grades") / "volume"
    engine = open_gradebook(folder)
    record(engine, submitted("ada", minutes=1), graded(2.5))
    record(engine, submitted("ada", minutes=2), graded(7.5))
    record(engine, submitted("=HYPERLINK(1)", minutes=3), graded(10))
    record(engine, submitted("farid", minutes=4), ungraded())
    record(engine, submitted("josé", minutes=5, course="other"), graded(4, 8))
    engine.dispose()
    return folder


def gofer(volume: Path, *arguments: str) -> str:
    done = run_gofer({"VOLUME_PATH": str(volume)}, "grades", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def exported(volume: Path, layout: Layout, **wanted: Any) -> list[dict[str, str]]:
    file = io.StringIO(newline="")
    with opened_gradebook(volume, None) as engine:
        write_grades(file, engine, layout, Filter(**wanted))
    return rows(file.getvalue())


def test_the_list_shows_grades_of_record_with_aligned_numbers(volume: Path) -> None:
    header, *lines = gofer(volume, "list", "--course", "demo101").splitlines()
    assert header.split()[:4] == ["course", "section", "assignment", "student"]
    assert [line.split()[3:7] for line in lines] == [
        ["=HYPERLINK(1)", "10.00", "10.00", "100.0"],
        ["ada", "7.50", "10.00", "75.0"],
    ]
    end_of_scores = header.index("score") + len("score")
    assert all(line[end_of_scores - 1].isdigit() for line in lines)
    assert all(line[end_of_scores] == " " for line in lines)


def test_the_list_as_json_has_the_exports_columns(volume: Path) -> None:
    (row,) = json.loads(gofer(volume, "list", "--student", "josé", "--json"))
    assert (row["course"], row["score"], row["points_possible"], row["percent"]) == (
        "other",
        4.0,
        8.0,
        50.0,
    )


def test_nothing_that_fits_is_said_and_no_failure(volume: Path) -> None:
    done = run_gofer({"VOLUME_PATH": str(volume)}, "grades", "list", "--student", "nobody")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no such grade" in done.stderr


def test_the_export_goes_to_stdout_as_csv(volume: Path) -> None:
    found = rows(gofer(volume, "export"))
    assert [row["student"] for row in found] == ["'=HYPERLINK(1)", "ada", "josé"]
    assert found[1]["score"] == "7.5"
    assert found[1]["received_at"] == "2026-09-01T12:02:00+00:00"


def test_the_export_is_utf8_whatever_the_terminals_encoding(volume: Path) -> None:
    environment = {"VOLUME_PATH": str(volume), "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = run_gofer(environment, "grades", "export", "--student", "josé")
    assert "josé" in done.stdout, done.stderr


def test_the_export_into_a_file_replaces_it(volume: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old", "utf-8")
    assert gofer(volume, "export", "--output", str(path), "--assignment", "lab01") == ""
    assert len(rows(path.read_text("utf-8"))) == 3


def test_an_export_that_cannot_be_written_is_said(volume: Path, tmp_path: Path) -> None:
    done = run_gofer(
        {"VOLUME_PATH": str(volume)}, "grades", "export", "-o", str(tmp_path / "no" / "a.csv")
    )
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_the_classic_layout_has_a_row_for_each_graded_submission(volume: Path) -> None:
    found = exported(volume, Layout.CLASSIC)
    assert [(row["userid"], row["grade"]) for row in found] == [
        ("ada", "0.25"),
        ("ada", "0.75"),
        ("'=HYPERLINK(1)", "1.0"),
        ("josé", "0.5"),
    ]


def test_filters_hold_in_both_layouts(volume: Path) -> None:
    assert len(exported(volume, Layout.CLASSIC, course="other")) == 1
    assert len(exported(volume, Layout.CLASSIC, student="ada", assignment="lab01")) == 2
    assert len(exported(volume, Layout.GOFER, student="ada")) == 1
    assert exported(volume, Layout.GOFER, assignment="lab02") == []


def test_the_dump_writes_the_classic_file_into_the_volume(volume: Path) -> None:
    done = run_gofer({"VOLUME_PATH": str(volume)}, module="gofer_console.dump_grades")
    assert done.returncode == 0, done.stderr
    text = (volume / "grades.csv").read_text("utf-8")
    assert text.splitlines()[0] == "userid,grade,section,lab,timestamp"
    assert rows(text) == exported(volume, Layout.CLASSIC)


def test_without_a_gradebook_the_export_is_its_header_and_no_failure(tmp_path: Path) -> None:
    done = run_gofer({"VOLUME_PATH": str(tmp_path)}, "grades", "export", "--layout", "classic")
    assert (done.returncode, done.stdout) == (0, "userid,grade,section,lab,timestamp\n")
    assert "no gradebook yet" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_gradebook_is_said(tmp_path: Path) -> None:
    (tmp_path / "gradebook.db").write_bytes(b"this is not a database" * 100)
    done = run_gofer({"VOLUME_PATH": str(tmp_path)}, "grades", "list")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
