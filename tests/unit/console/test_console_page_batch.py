"""The page Batch: looked through first, then handed in, then followed to the last notebook."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from gofer_console.batch.uploads import Said, Upload, hand_in, look_through
from gofer_console.web.person import Role
from shared.errors import BatchRefused
from shared.requests import Source
from tests.support.console_pages import open_page
from tests.support.console_term import ConsoleTerm
from tests.support.told import LAB01

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from gofer_console.batch.uploads import Looked

PATTERN = r"(?P<student>[a-z]+)_.*"


def notebook(text: str = "1", key: bool = True) -> bytes:  # noqa: FBT001, FBT002 - a sample
    named = {"course": "demo101", "section": "1", "assignment": "lab01"} if key else {}
    cell = {"cell_type": "code", "source": text, "metadata": {}, "outputs": []}
    return json.dumps(
        {"cells": [cell], "metadata": named, "nbformat": 4, "nbformat_minor": 5}
    ).encode()


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.ipynb", data)
    return content.getvalue()


def uploads(**files: bytes) -> list[Upload]:
    return [Upload(name.replace("__", "."), io.BytesIO(content)) for name, content in files.items()]


@pytest.fixture
def term(tmp_path: Path) -> Iterator[ConsoleTerm]:
    made = ConsoleTerm(tmp_path)
    yield made
    made.close()


def looked(term: ConsoleTerm, files: Sequence[Upload], **said: str) -> Looked:
    return look_through(
        files, Said(**said), term.room.catalogue(), term.spool, term.room.gradebook()
    )


def handed_in(term: ConsoleTerm, files: Sequence[Upload], **said: str) -> tuple[list[Any], Any]:
    return hand_in(
        files,
        Said(**said),
        term.room.catalogue(),
        term.spool,
        term.room.gradebook(),
        volume=term.volume,
        requested_by="tess",
        reason="An exam without a network.",
    )


def test_looking_through_tells_whose_each_is_and_changes_nothing(term: ConsoleTerm) -> None:
    files = uploads(ada_lab01__ipynb=notebook("a"), class__zip=zipped(ben_x=notebook("b")))
    found = looked(term, files, pattern=PATTERN)
    assert {(one.student, one.key) for one in found.plan.entries} == {
        ("ada", LAB01),
        ("ben", LAB01),
    }
    assert found.new == 2
    assert term.spool.pending() == []


def test_what_is_handed_in_is_delivered_once(term: ConsoleTerm) -> None:
    files = uploads(ada_lab01__ipynb=notebook("a"), ben_lab01__ipynb=notebook("b"))
    taken, problems = handed_in(term, files, pattern=PATTERN)
    assert problems == []
    assert [one.is_new for one in taken] == [True, True]
    envelope = term.spool.envelope_of(taken[0].id)
    assert (envelope.requested_by, envelope.reason) == ("tess", "An exam without a network.")
    assert envelope.payload.source is Source.BATCH
    again, _ = handed_in(term, files, pattern=PATTERN)
    assert [one.is_new for one in again] == [False, False]
    assert len(term.spool.pending()) == 2
    assert looked(term, files, pattern=PATTERN).new == 0


def test_a_manifest_says_whose_they_are(term: ConsoleTerm) -> None:
    manifest = b"file,student,assignment\none.ipynb,ada,lab01\n"
    files = uploads(grades__csv=manifest, one__ipynb=notebook(key=False))
    (entry,) = looked(term, files).plan.entries
    assert (entry.student, entry.key) == ("ada", LAB01)


def test_an_assignment_is_taken_for_notebooks_that_do_not_say_it(term: ConsoleTerm) -> None:
    files = uploads(ada_x__ipynb=notebook(key=False))
    assert len(looked(term, files, pattern=PATTERN).plan.problems) == 1
    found = looked(term, files, pattern=PATTERN, assignment="demo101/1/lab01")
    assert [one.key for one in found.plan.entries] == [LAB01]


@pytest.mark.parametrize(
    "name",
    ["../../etc/ada_x.ipynb", "C:\\temp\\ada_x.ipynb", "/ada_x.ipynb", "ada_x.ipynb"],
)
def test_a_path_in_a_name_is_no_path(term: ConsoleTerm, name: str) -> None:
    found = looked(term, [Upload(name, io.BytesIO(notebook()))], pattern=PATTERN)
    assert [(one.student, one.file) for one in found.plan.entries] == [("ada", "ada_x.ipynb")]


@pytest.mark.parametrize("name", ["", "..", ".hidden.ipynb", "a\x00b.ipynb", "x" * 300 + ".ipynb"])
def test_a_name_that_is_none_harms_nothing(term: ConsoleTerm, name: str) -> None:
    found = looked(term, [Upload(name, io.BytesIO(notebook()))], pattern=PATTERN)
    assert len(found.plan.entries) + len(found.plan.problems) == 1


def test_two_files_of_one_name_are_both_looked_at(term: ConsoleTerm) -> None:
    files = [
        Upload("ada_x.ipynb", io.BytesIO(notebook("a"))),
        Upload("ada_x.ipynb", io.BytesIO(notebook("b"))),
    ]
    assert looked(term, files, pattern=PATTERN).new == 2


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"pattern": "("}, "Name pattern: "),
        ({"pattern": "x"}, "Name pattern: "),
        ({"assignment": "nope"}, "Assignment: "),
        ({"as_of": "soon"}, "Received: "),
    ],
)
def test_what_cannot_be_meant_is_named(term: ConsoleTerm, said: dict[str, str], told: str) -> None:
    with pytest.raises(BatchRefused, match=told):
        looked(term, uploads(ada_x__ipynb=notebook()), **said)


def test_what_is_no_notebook_is_refused_by_its_name(term: ConsoleTerm) -> None:
    with pytest.raises(BatchRefused, match=r"^notes.txt: this is no notebook"):
        looked(term, uploads(notes__txt=b"hello"))


def test_two_manifests_are_refused(term: ConsoleTerm) -> None:
    with pytest.raises(BatchRefused, match="two manifests"):
        looked(term, uploads(a__csv=b"file,student\n", b__csv=b"file,student\n"))


# --- the page -------------------------------------------------------------------------------------


def with_files(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    page.file_uploader[0].set_value(
        [(name, content, "application/octet-stream") for name, content in files]
    )
    page.text_input(key="pattern").set_value(PATTERN)
    return page.run()


def test_the_page_looks_through_hands_in_and_follows(term: ConsoleTerm) -> None:
    page = with_files(
        open_page("batch"), ("ada_x.ipynb", notebook()), ("broken.ipynb", b"no notebook")
    )
    page.button(key="look").click().run()
    assert not page.exception
    assert [one.value for one in page.metric] == ["1", "0", "1", "0"]
    assert list(page.dataframe[0].value["Student"]) == ["ada"]
    assert term.spool.pending() == []
    page.button(key="hand_in_submit").click().run()
    assert not page.exception
    (one,) = term.spool.pending()
    assert term.spool.envelope_of(one).requested_by == "ta1"
    assert [list(cell) for cell in page.dataframe[0].value["State"]] == [["Waiting"]]
    term.graded(one)
    page.run()
    assert [list(cell) for cell in page.dataframe[0].value["State"]] == [["Graded"]]
    assert list(page.dataframe[0].value["Score"]) == ["7.5 of 10"]
    page.button(key="clear_batch").click().run()
    assert not page.dataframe


def test_a_batch_that_is_refused_says_why(term: ConsoleTerm) -> None:
    page = with_files(open_page("batch"), ("ada_x.ipynb", notebook()))
    page.text_input(key="as_of").set_value("soon").run()
    page.button(key="look").click().run()
    assert not page.exception
    assert any("Received: " in one.value for one in page.text)


def test_a_reader_hands_nothing_in(tmp_path: Path) -> None:
    term = ConsoleTerm(tmp_path, role=Role.READER)
    page = open_page("batch")
    assert not page.exception
    assert len(page.get("file_uploader")) == 0
    term.close()
