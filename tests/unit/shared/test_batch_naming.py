"""Whose a notebook is: the LMSs' names, staff's patterns, folders, and when nobody is guessed."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batch.gradescope import submitters
from shared.batch.naming import Named, Unnamed, compiled_pattern, name_all
from shared.errors import FileRefused
from shared.model import opaque_name

METADATA = b"""---
submission_123456789:
  :submitters:
  - :name: Ada Lovelace
    :sid: '17'
    :email: ada@example.edu
  :created_at: 2026-11-01 10:11:12.131415000 Z
  :results:
    :output: "&a *a {"
submission_222:
  :submitters:
  - :name: "Jos\xc3\xa9"
  - :name: Ben
submission_333:
  :submitters: []
"""


def names(
    *paths: str,
    container: str = "labs",
    pattern: str | None = None,
    gradescope: bytes | None = None,
    reserved: tuple[str, ...] = (),
) -> list[str]:
    """Return the students' names, or `?` and the reason."""
    directory = {PurePosixPath(): submitters(gradescope)} if gradescope else {}
    found = name_all(
        [PurePosixPath(path) for path in paths],
        container=container,
        pattern=re.compile(pattern) if pattern else None,
        gradescope=directory,
        reserved=reserved,
    )
    return ["? " + one if isinstance(one, Unnamed) else "+".join(one.students) for one in found]


def are_unnamed(found: list[str], reason: str) -> bool:
    return all(one.startswith("? ") and reason in one for one in found)


def words(alphabet: str) -> st.SearchStrategy[str]:
    return st.text(alphabet=alphabet, min_size=1, max_size=20)


plain_names = st.from_regex(r"[a-z][a-z .'é-]{0,18}[a-z]", fullmatch=True)
numbers = st.integers(1, 10**9).map(str)
files = st.from_regex(r"[A-Za-z0-9 _.()-]{1,30}", fullmatch=True).map(lambda stem: f"{stem}.ipynb")


@given(
    student=plain_names,
    user=numbers,
    number=numbers,
    file=files,
    late=st.sampled_from(["", "_LATE"]),
)
def test_canvas_names_tell_the_student_whatever_the_file_was_called(
    student: str, user: str, number: str, file: str, late: str
) -> None:
    path = PurePosixPath(f"{student}{late}_{user}_{number}_{file}")
    (found,) = name_all([path], container="submissions.zip")
    assert found == Named((opaque_name(student),), sender=user, file=file)


@given(student=plain_names, number=numbers, file=files)
def test_moodle_names_tell_the_student_as_files_and_as_folders(
    student: str, number: str, file: str
) -> None:
    for path in (
        f"{student}_{number}_assignsubmission_file_{file}",
        f"{student}_{number}_assignsubmission_file_/{file}",
        f"{student}_{number}_assignsubmission_file/{file}",
        f"{student}_{number}_assignsubmission_file_/deeper/{file}",
    ):
        (found,) = name_all([PurePosixPath(path)], container="a.zip")
        assert found == Named((opaque_name(student),), sender=number, file=file)


def test_gradescope_names_stand_in_its_metadata() -> None:
    paths = ("submission_123456789/x.ipynb", "submission_222/sub/y.ipynb")
    assert names(*paths, gradescope=METADATA) == ["Ada Lovelace", "José+Ben"]
    wrapped = [f"export/{path}" for path in paths]
    directory = {PurePosixPath("export"): submitters(METADATA)}
    found = name_all(
        [PurePosixPath(path) for path in wrapped], container="export (1).zip", gradescope=directory
    )
    assert [one.students for one in found if isinstance(one, Named)] == [
        ("Ada Lovelace",),
        ("José", "Ben"),
    ]


def test_a_gradescope_folder_without_metadata_or_submitters_is_nobodys() -> None:
    assert are_unnamed(names("submission_1/x.ipynb"), "submission_metadata.yml")
    for folder in ("submission_333", "submission_4"):
        assert are_unnamed(names(f"{folder}/x.ipynb", gradescope=METADATA), folder)


@pytest.mark.parametrize("content", [b"[", b"- a", b"\x00", b"a: &a [*a", b"", b"!!python/name:os"])
def test_what_is_not_gradescopes_is_refused(content: bytes) -> None:
    with pytest.raises(FileRefused):
        submitters(content)


def test_odd_metadata_name_nobody() -> None:
    assert submitters(b"submission_1: 3\n2: {submitters: [{name: a}]}\nx: {submitters: [1]}") == {
        "x": ()
    }


def test_a_pattern_goes_before_everything_else() -> None:
    pattern = r"hw1-(?P<student>[a-z]+)\.ipynb"
    assert names("ben/hw1-ada.ipynb", pattern=pattern) == ["ada"]
    assert names("ada_12_34_hw1.ipynb", pattern=pattern) == ["ada"], "and Canvas is still known"
    assert names("x.hw1-ada.ipynb", pattern=pattern)[0].startswith("?"), "it fits the whole name"
    by_path = r"(?P<student>[^/]+)/.*"
    assert names("ada/deep/hw1.ipynb", pattern=by_path) == ["ada"]


@pytest.mark.parametrize("text", ["(", "(?P<name>.*)", ".*"])
def test_a_pattern_without_a_student_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it "):
        compiled_pattern(text)


def test_one_folder_a_student() -> None:
    assert names("ada/a.ipynb", "ada/b.ipynb", "josé/deep/c.ipynb") == ["ada", "ada", "josé"]
    assert names("ada/a.ipynb") == ["ada"]


def test_a_folder_called_as_the_zip_is_nobody() -> None:
    for container in ("labs.zip", "labs", "labs (2).zip", "labs(1).zip"):
        assert names("labs/ada/a.ipynb", "labs/ben/b.ipynb", container=container) == ["ada", "ben"]
        assert names("labs/ada_1_2_x.ipynb", container=container) == ["ada"]


def test_a_single_folder_with_folders_may_be_the_student_or_not_so_nobody_is_guessed() -> None:
    found = names("hw/ada/a.ipynb", "hw/ben/b.ipynb", container="all.zip")
    assert are_unnamed(found, "Hand in hw itself")


def test_notebooks_beside_the_folders_make_the_folders_doubtful() -> None:
    assert are_unnamed(names("ada/a.ipynb", "solution.ipynb"), "Nobody can tell")
    assert are_unnamed(names("a.ipynb"), "Nobody can tell")


def test_a_folder_with_the_name_of_an_assignment_is_no_student() -> None:
    found = names("lab01/a.ipynb", "ada/b.ipynb", reserved=("lab01", "demo101"))
    assert found[0].startswith("? ")
    assert "lab01" in found[0]
    assert found[1] == "ada"


def test_a_student_cannot_hand_in_as_another_by_the_names_inside_their_own_folder() -> None:
    forged = "ada/Ben_12_assignsubmission_file_/x.ipynb"
    assert are_unnamed(names(forged, "carl/y.ipynb")[:1], "ada")
    assert names("Ada_1_assignsubmission_file_/Ben_2_assignsubmission_file_/x.ipynb") == ["Ada"]
    assert names("ada_1_2_work.zip/ben_3_4_x.ipynb") == ["ada"]
    inside = name_all(
        [PurePosixPath("Ada_1_assignsubmission_file_/submission_222/x.ipynb")],
        container="a.zip",
        gradescope={PurePosixPath("Ada_1_assignsubmission_file_"): submitters(METADATA)},
    )
    assert [one.students for one in inside if isinstance(one, Named)] == [("Ada",)]


def test_two_students_of_one_name_are_not_made_one() -> None:
    found = names("wangwei_1_10_a.ipynb", "wangwei_2_11_a.ipynb", "ada_3_12_a.ipynb")
    assert are_unnamed(found[:2], "wangwei")
    assert found[2] == "ada"
    assert names("ada_3_12_a.ipynb", "ada_3_13_b.ipynb") == ["ada", "ada"], "one who sent two"


def test_what_cannot_be_a_name_is_nobodys() -> None:
    assert are_unnamed(names("a\x1bb/x.ipynb"), "cannot be a name")
    assert are_unnamed(names("\udcff/x.ipynb"), "cannot be a name")


path_parts = words("ab_1 .é") | st.sampled_from(["submission_1", "ada_1_2_x.ipynb", "LATE_1_2_"])
any_paths = st.lists(
    st.lists(path_parts.filter(lambda part: part not in {".", ".."}), min_size=1, max_size=4)
    .map(lambda parts: PurePosixPath(*parts))
    .filter(lambda path: path.parts),
    max_size=6,
)


@given(any_paths, st.sampled_from(["a", "a.zip", "1 (1).zip"]))
def test_every_notebook_is_answered_with_names_or_a_reason(
    paths: list[PurePosixPath], container: str
) -> None:
    found = name_all(paths, container=container)
    assert len(found) == len(paths)
    for one in found:
        if isinstance(one, Named):
            assert one.students
            assert all(opaque_name(student) == student for student in one.students)
        else:
            assert one.endswith((".", "…"))


@given(any_paths)
def test_the_order_of_the_files_changes_nothing(paths: list[PurePosixPath]) -> None:
    forward = name_all(paths, container="a.zip")
    backward = name_all(paths[::-1], container="a.zip")
    assert forward == backward[::-1]
