"""`gofer grades` and the classic dump, on a gradebook that the grader's own functions filled.

What depends on a process of its own (streams, exit codes, a terminal) starts one; all else calls
the command in this one, which spares a second each time.
"""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest
from typer.testing import CliRunner

from gofer_console import grade_list
from gofer_console.cli import app
from shared.errors import ConfigError, GoferError
from shared.gradebook import roster
from shared.gradebook.engine import open_gradebook
from shared.requests import RosterImportPayload, RosterRow
from tests.support.commands import run_gofer
from tests.support.posting_room import asked
from tests.support.processes import ROOT
from tests.support.xlsx import sheets
from tests.unit.shared.gradebook_samples import graded, record, submitted, ungraded

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

LAYOUTS: Final = ("gofer", "wide", "questions", "canvas", "moodle", "edx", "classic")
BOM: Final = b"\xef\xbb\xbf"


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


def run(volume: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return run_gofer({"VOLUME_PATH": str(volume), **settings}, "grades", *arguments)


def call(volume: Path, *arguments: str, **settings: str) -> Result:
    environment = {"VOLUME_PATH": str(volume), **settings}
    done = CliRunner().invoke(app, ["grades", *arguments], env=environment)
    if done.exception is not None and not isinstance(done.exception, SystemExit | GoferError):
        raise done.exception
    return done


def gofer(volume: Path, *arguments: str) -> str:
    done = call(volume, *arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


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
    assert list(row) == gofer(volume, "export").splitlines()[0].split(",")
    assert json.loads(gofer(volume, "list", "--student", "nobody", "--json")) == []


def test_the_lists_json_is_laid_out_as_the_other_commands_is() -> None:
    grades = [{"student": "ada", "score": 1.5}, {"student": "ben", "score": 2.0}]
    assert "".join(grade_list.as_json_text(grades)) == json.dumps(grades, indent=2) + "\n"


def test_nothing_that_fits_is_said_and_no_failure(volume: Path) -> None:
    done = run(volume, "list", "--student", "nobody")
    assert (done.returncode, done.stdout) == (0, "")
    assert "No student 'nobody' has a grade" in done.stderr
    assert "Did you mean lab01?" in call(volume, "export", "--assignment", "lab1").stderr
    both = call(volume, "list", "--student", "ada", "--course", "other")
    assert "not all together" in both.stderr


def test_both_commands_take_every_filter(volume: Path) -> None:
    chosen = [
        "--min-percent",
        "70",
        "--max-score",
        "9",
        "--flag",
        "cell_timeout",
        "--section",
        "fa26",
    ]
    chosen += ["--received-from", "2026-09-01", "--received-before", "2026-09-01T12:10:00+00:00"]
    chosen += ["--verdict", "graded", "--student", "ada", "--student", "josé"]
    assert [row["student"] for row in rows(gofer(volume, "export", *chosen))] == ["ada"]
    assert [row["student"] for row in json.loads(gofer(volume, "list", *chosen, "--json"))] == [
        "ada"
    ]


def test_an_option_that_cannot_be_used_is_named(volume: Path) -> None:
    done = run(volume, "export", "--received-from", "yesterday")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--received-from" in done.stderr


def test_the_export_goes_to_stdout_as_csv(volume: Path) -> None:
    text = run(volume, "export").stdout
    found = rows(text)
    assert [row["student"] for row in found] == ["'=HYPERLINK(1)", "ada", "josé"]
    assert found[1]["score"] == "7.5"
    assert found[1]["received_at"] == "2026-09-01T12:02:00+00:00"
    assert gofer(volume, "export", "--output", "-") == text


def test_the_export_is_utf8_whatever_the_terminals_encoding(volume: Path) -> None:
    environment = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = run(volume, "export", "--student", "josé", **environment)
    assert "josé" in done.stdout, done.stderr


HEADERS: Final = {
    "gofer": "course,section,assignment,student,score,points_possible,percent,submission_id,"
    "received_at,graded_at,flags,origin,autograde,penalty,late_s,name,email,lms_section",
    "wide": "course,section,student,lab01",
    "questions": "course,section,assignment,student,question,score,points_possible,"
    "submission_id,received_at",
    "canvas": "Student,ID,SIS User ID,SIS Login ID,Section,lab01",
    "moodle": "Username,ID number,Email address,lab01",
    "edx": "user_id,username,full_name,student_uid,enrolled,track,cohort,block_id,title,"
    "date_last_graded,who_last_graded,Previous Points,New Points",
    "classic": "userid,grade,section,lab,timestamp",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layouts_columns_are_stable(volume: Path, layout: str) -> None:
    chosen = ["--course", "demo101", "--assignment", "lab01"]
    text = gofer(volume, "export", "--layout", layout, *chosen)
    assert text.splitlines()[0] == HEADERS[layout]


@pytest.mark.parametrize(
    ("layout", "has_mark"),
    [(layout, layout in {"gofer", "wide", "questions"}) for layout in LAYOUTS],
)
def test_files_for_people_have_the_mark_that_excel_needs_and_others_none(
    volume: Path, tmp_path: Path, layout: str, *, has_mark: bool
) -> None:
    path = tmp_path / "grades.csv"
    gofer(volume, "export", "--layout", layout, "-o", str(path), "--course", "demo101")
    content = path.read_bytes()
    assert content.startswith(BOM) == has_mark
    assert content.count(b"HYPERLINK") == content.count(b"'=HYPERLINK") > 0


def test_an_lms_gets_the_ids_of_the_course_config(volume: Path, tmp_path: Path) -> None:
    config = tmp_path / "course.json"
    config.write_text(json.dumps({"demo101": {"fa26": {"assignments": {"lab01": 881}}}}), "utf-8")
    chosen = ["--layout", "canvas", "--course", "demo101"]
    done = call(volume, "export", *chosen, COURSE_CONFIG_PATH=str(config))
    assert [line.split(",")[-1] for line in done.stdout.splitlines()] == [
        "lab01 (881)",
        "10",
        "10",
        "7.5",
    ]


def test_several_courses_are_too_many_for_an_lms(volume: Path, tmp_path: Path) -> None:
    for layout in ("canvas", "moodle", "edx"):
        path = tmp_path / f"{layout}.csv"
        done = call(volume, "export", "--layout", layout, "-o", str(path))
        assert "--course" in str(done.exception)
        assert not path.exists()


def test_the_canvas_layout_counts_its_students_and_not_its_points_possible(
    volume: Path, tmp_path: Path
) -> None:
    path = tmp_path / "canvas.csv"
    done = call(volume, "export", "--layout", "canvas", "--course", "demo101", "-o", str(path))
    assert len(path.read_text("utf-8").splitlines()) == 4  # header, points possible, two students
    assert "2 rows in" in done.stderr
    nobody = ["--course", "demo101", "--student", "nobody", "-o", "-"]
    done = call(volume, "export", "--layout", "canvas", *nobody)
    assert "nobody" in done.stderr


def test_the_edx_layout_says_what_is_still_to_do(volume: Path) -> None:
    done = call(volume, "export", "--layout", "edx", "--course", "demo101", "--student", "ada")
    assert rows(done.stdout)[0]["New Points"] == "7.5"
    assert "block_id" in done.stderr
    assert "user_id" in done.stderr


def test_an_export_as_xlsx_has_text_and_numbers(volume: Path, tmp_path: Path) -> None:
    path = tmp_path / "grades.xlsx"
    done = call(volume, "export", "-o", str(path), "--layout", "wide")
    assert "3 rows in" in done.stderr
    assert sheets(path) == {
        "wide": [
            {
                "A": "course",
                "B": "section",
                "C": "student",
                "D": "demo101/lab01",
                "E": "other/lab01",
            },
            {"A": "demo101", "B": "fa26", "C": "'=HYPERLINK(1)", "D": 10.0},
            {"A": "demo101", "B": "fa26", "C": "ada", "D": 7.5},
            {"A": "other", "B": "fa26", "C": "josé", "E": 4.0},
        ]
    }


def test_xlsx_goes_through_a_pipe_as_well(volume: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gofer_console.cli", "grades", "export", "--format", "xlsx"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "VOLUME_PATH": str(volume)},
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert [row["D"] for row in sheets(io.BytesIO(done.stdout))["gofer"]] == [
        "student",
        "'=HYPERLINK(1)",
        "ada",
        "josé",
    ]


@pytest.mark.parametrize("layout", ["canvas", "moodle", "edx"])
def test_an_lms_imports_no_xlsx(volume: Path, tmp_path: Path, layout: str) -> None:
    path = tmp_path / "grades.xlsx"
    done = call(volume, "export", "--layout", layout, "-o", str(path), "--course", "demo101")
    assert isinstance(done.exception, ConfigError)
    assert "imports CSV" in str(done.exception)
    assert not path.exists()


def test_a_file_that_is_there_is_replaced_only_by_force(volume: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old", "utf-8")
    done = run(volume, "export", "--output", str(path), "--assignment", "lab01")
    assert done.returncode == 1
    assert "--force" in done.stderr
    assert path.read_text("utf-8") == "old"
    assert gofer(volume, "export", "--output", str(path), "--assignment", "lab01", "--force") == ""
    assert len(rows(path.read_text("utf-8-sig"))) == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.csv"]


def test_an_export_that_cannot_be_written_is_said(volume: Path, tmp_path: Path) -> None:
    done = run(volume, "export", "-o", str(tmp_path / "no" / "a.csv"))
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_a_full_disk_behind_standard_output_is_said(volume: Path) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [sys.executable, "-m", "gofer_console.cli", "grades", "export"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "VOLUME_PATH": str(volume)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 1
    assert done.stderr == "Standard output cannot be written: No space left on device.\n"


def test_on_a_terminal_progress_is_shown_and_goes_again(volume: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "gofer_console.cli", "grades", "export", "-o", "out.csv"],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "VOLUME_PATH": str(volume),
                "PYTHONPATH": str(ROOT),
                "TERM": "xterm",
            },
            stderr=theirs,
            check=True,
            timeout=120,
        )
        said = os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0
    assert "Exporting" in said
    assert "3/3" in said
    assert "3 rows in out.csv" in said
    assert "\x1b[2K" in said  # the line of the bar was cleared
    assert len(rows((tmp_path / "out.csv").read_text("utf-8-sig"))) == 3


def test_the_classic_layout_has_a_row_for_each_graded_submission(volume: Path) -> None:
    found = rows(gofer(volume, "export", "--layout", "classic"))
    assert [(row["userid"], row["grade"]) for row in found] == [
        ("ada", "0.25"),
        ("ada", "0.75"),
        ("'=HYPERLINK(1)", "1.0"),
        ("josé", "0.5"),
    ]


DUMPED: Final = (
    "userid,grade,section,lab,timestamp\n"
    "ada,0.25,fa26,lab01,1788264060.123456\n"
    "ada,0.75,fa26,lab01,1788264120.123456\n"
    "'=HYPERLINK(1),1.0,fa26,lab01,1788264180.123456\n"
    '"a,""b""",0.3333333333333333,fa26,lab01,1788264240.123456\n'
    "'-5,0.0,fa26,lab01,1788264300.123456\n"
    "\N{FULLWIDTH EQUALS SIGN}x,0.3,fa26,lab01,1788264360.123456\n"
    "josé,0.5,'@s,'+lab,1788264420.123456\n"
    "b; =1,1.0,fa26,lab01,1788264480.123456\n"
    "tiny,1e-07,fa26,lab01,1788264540.123456\n"
)
"""What the dump of the gradebook below was before there were other layouts."""


def test_the_dump_is_byte_for_byte_what_it_was(tmp_path: Path) -> None:
    engine = open_gradebook(tmp_path)
    record(engine, submitted("ada", minutes=1), graded(2.5))
    record(engine, submitted("ada", minutes=2), graded(7.5))
    record(engine, submitted("=HYPERLINK(1)", minutes=3), graded(10))
    record(engine, submitted('a,"b"', minutes=4), graded(1 / 3 * 10))
    record(engine, submitted("-5", minutes=5), graded(0))
    record(engine, submitted("\N{FULLWIDTH EQUALS SIGN}x", minutes=6), graded(3))
    elsewhere = submitted("josé", minutes=7, course="other", section="@s", assignment="+lab")
    record(engine, elsewhere, graded(4, 8))
    record(engine, submitted("b; =1", minutes=8), graded(12))
    record(engine, submitted("tiny", minutes=9), graded(1e-7, 1))
    record(engine, submitted("farid", minutes=40), ungraded())
    engine.dispose()
    (tmp_path / "grades.csv").write_text("the one of yesterday", "utf-8")
    done = run_gofer({"VOLUME_PATH": str(tmp_path)}, module="gofer_console.dump_grades")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"9 graded submissions in {tmp_path / 'grades.csv'}\n"
    assert (tmp_path / "grades.csv").read_bytes() == DUMPED.encode()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_without_a_gradebook_the_export_is_its_header_and_no_failure(
    tmp_path: Path, layout: str
) -> None:
    done = call(tmp_path, "export", "--layout", layout)
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 1 + (layout == "canvas")  # its points possible
    assert "no gradebook yet" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_gradebook_is_said(tmp_path: Path) -> None:
    (tmp_path / "gradebook.db").write_bytes(b"this is not a database" * 100)
    done = run(tmp_path, "list")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


def test_the_roster_tells_every_layout_that_has_a_place_for_it_who_a_student_is(
    tmp_path: Path,
) -> None:
    volume = tmp_path / "volume"
    engine = open_gradebook(volume)
    record(engine, submitted("ada", minutes=1), graded(2.5))
    record(engine, submitted("ben", minutes=2), graded(7.5))
    told = RosterRow(
        student="ada",
        # Of LTI, and in no export: an importer would find somebody else by it, or nobody.
        user_id="99",
        name="Lovelace, Ada",
        email="ada@x.edu",
        section="L3",
        login="al1",
        id_number="S7",
        lms_user_id="42",
    )
    roster.import_rows(engine, asked(payload := roster_of(told)), payload, "Taken.")
    engine.dispose()
    ada, ben = rows(gofer(volume, "export"))
    assert (ada["name"], ada["email"], ada["lms_section"]) == ("Lovelace, Ada", "ada@x.edu", "L3")
    assert (ben["name"], ben["email"], ben["lms_section"]) == ("", "", "")
    lines = {
        layout: gofer(volume, "export", "--layout", layout).splitlines()
        for layout in ("canvas", "moodle", "edx")
    }
    assert lines["canvas"][2:] == ['"Lovelace, Ada",42,S7,al1,L3,2.5', "ben,,,ben,fa26,7.5"]
    assert lines["moodle"][1:] == ["al1,S7,ada@x.edu,2.5", "ben,ben,,7.5"]
    assert lines["edx"][1].startswith('42,al1,"Lovelace, Ada",S7,')
    assert "99" not in "".join("".join(found) for found in lines.values())


def roster_of(*people: RosterRow) -> RosterImportPayload:
    return RosterImportPayload(file="roster.csv", rows=people)
