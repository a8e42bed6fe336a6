"""The drop folder: taken when it is all there, once; moved and never deleted; reported on."""

from __future__ import annotations

import io
import os
import threading
import zipfile
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.drop import PATIENCE_S, PAUSE_S, Drop, watching
from gofer_ingest.grader.drop_folder import DropFolder, is_open_for_writing
from gofer_ingest.grader.drop_intake import Intake
from shared.catalogue import Catalogue
from shared.errors import SpoolFull
from shared.requests import Envelope, Source
from shared.spool import Content, Spool
from tests.support.processes import wait_until
from tests.support.zips import notebook
from tests.unit.grader.grading_room import Room

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORDS = {"course": "demo101", "section": "1", "assignment": "lab01"}
LAB = notebook("total = 5", metadata=WORDS)
SETTLE_S = 5.0


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, LAB)
    return buffer.getvalue()


class Site:
    """A volume with a drop folder, and a clock of its own."""

    def __init__(self, room: Room, spool: Spool | None = None) -> None:
        self.room = room
        self.root = room.volume / "spool" / "drop"
        self.now = 1000.0
        self.spool = spool or room.spool
        self.start(DropFolder(self.root))

    def start(self, folder: DropFolder) -> None:
        """Start anew, as after a kill: all that was in memory is gone."""
        catalogue = Catalogue([self.room.assignment])
        intake = Intake(self.room.volume, self.spool, catalogue, self.room.gradebook)
        self.drop = Drop(folder, intake, SETTLE_S)
        self.look()

    def look(self, after_s: float = 0.0) -> None:
        self.now += after_s
        self.drop.look(self.now)

    def settle(self) -> None:
        """Look, and look again when everything has lain long enough."""
        self.look()
        self.look(SETTLE_S)

    def put(self, name: str, content: bytes = LAB) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def envelopes(self) -> list[Envelope]:
        return [self.room.spool.envelope_of(one) for one in self.room.spool.pending()]

    def students(self) -> list[str]:
        return sorted(envelope.payload.student for envelope in self.envelopes())

    def put_away(self, kind: str) -> dict[str, str]:
        """What lies in `done` or `problems`: the moved things, and the report beside each."""
        found = {}
        for folder in sorted((self.root / kind).iterdir()):
            report = (folder / "report.txt").read_text("utf-8")
            for path in folder.iterdir():
                if path.name != "report.txt":
                    found[path.name] = report
        return found

    def left(self) -> set[str]:
        return {path.name for path in self.root.iterdir()} - {"done", "problems"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    room = Room(tmp_path)
    yield Site(room)
    room.close()


def test_a_folder_is_taken_once_it_has_lain_unchanged(site: Site) -> None:
    site.put("labs/ada/a.ipynb")
    site.put("labs/ben/b.ipynb")
    site.look()
    site.look(SETTLE_S - 1)
    assert site.students() == []
    site.look(1)
    assert site.students() == ["ada", "ben"]
    assert site.left() == set()
    assert (*site.put_away("done"),) == ("labs",)
    report = site.put_away("done")["labs"]
    assert "TAKEN: 2" in report
    assert "ada, demo101/1/lab01" in report
    assert {one.payload.source for one in site.envelopes()} == {Source.BATCH}
    assert {one.reason for one in site.envelopes()} == {"Dropped: labs"}


def test_what_still_grows_is_not_taken(site: Site) -> None:
    path = site.put("labs/ada/a.ipynb")
    for _ in range(4):
        site.look(SETTLE_S)
        with path.open("ab") as file:
            file.write(b"\n")
    site.put("labs/ben/b.ipynb")
    site.look(SETTLE_S)
    assert site.students() == []
    site.look(SETTLE_S)
    assert site.students() == ["ada", "ben"]


def test_half_a_zip_half_a_notebook_and_unfinished_names_wait(site: Site) -> None:
    whole = zipped("ada/a.ipynb")
    half_zip = site.put("labs.zip", whole[:-30])
    half_notebook = site.put("more/ben/b.ipynb", LAB[: len(LAB) // 2])
    site.put("part/carl/c.ipynb")
    partial = site.put("part/carl/d.ipynb.part", LAB)
    for name in ("x.zip.crdownload", "y.ipynb.tmp", "z.ipynb~", ".labs.zip.Ab12", "._a.ipynb"):
        site.put(name, whole)
    site.settle()
    assert site.students() == []
    half_zip.write_bytes(whole)
    half_notebook.write_bytes(LAB)
    partial.rename(partial.with_suffix(""))
    site.settle()
    assert site.students() == ["ada", "ben", "carl"]  # d.ipynb is the same notebook again
    assert len(site.left()) == 5, "what is called unfinished stays for ever"


def test_what_is_open_for_writing_waits(site: Site) -> None:
    path = site.put("ada_1_2_a.ipynb")
    with path.open("r+b"):
        assert is_open_for_writing(path)
        site.settle()
        assert site.students() == []
    assert not is_open_for_writing(path)
    site.look()
    assert site.students() == ["ada"]


def test_a_writer_in_the_moment_of_asking_does_not_end_the_grader(site: Site) -> None:
    path = site.put("a.ipynb")
    is_over = threading.Event()

    def write() -> None:
        while not is_over.is_set():
            with path.open("ab"):
                pass

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(2000):
            is_open_for_writing(path)
    finally:
        is_over.set()
        writer.join()


def test_what_stays_unfinished_is_set_apart_in_the_end(site: Site) -> None:
    site.put("labs.zip", zipped("ada/a.ipynb")[:-30])
    site.settle()
    assert site.left() == {"labs.zip"}
    site.look(PATIENCE_S)
    assert "not a whole zip" in site.put_away("problems")["labs.zip"]


def test_what_cannot_be_taken_is_reported_and_the_rest_is_taken(site: Site) -> None:
    site.put("labs/ada/a.ipynb")
    site.put("labs/ben/b.ipynb", b"{}")
    site.put("labs/ben/notes.pdf", b"x")
    site.settle()
    assert site.students() == ["ada"]
    report = site.put_away("problems")["labs"]
    for line in ("NOT TAKEN: 1", "labs/ben/b.ipynb", "TAKEN: 1", "labs/ben/notes.pdf"):
        assert line in report
    assert not site.put_away("done")


def test_single_notebooks_go_each_where_they_belong(site: Site) -> None:
    site.put("ada_1_2_a.ipynb")
    site.put("solution.ipynb")
    site.settle()
    assert site.students() == ["ada"]
    assert set(site.put_away("done")) == {"ada_1_2_a.ipynb"}
    assert "Nobody can tell whose it is" in site.put_away("problems")["solution.ipynb"]


def test_a_manifest_beside_single_notebooks_waits_for_all_of_them(site: Site) -> None:
    site.put("manifest.csv", b"file,student\na.ipynb,ada\nb.ipynb,ben\n")
    site.put("a.ipynb")
    site.settle()
    assert site.left() == {"manifest.csv", "a.ipynb"}
    site.put("b.ipynb")
    site.settle()
    assert site.students() == ["ada", "ben"]
    assert set(site.put_away("done")) == {"manifest.csv", "a.ipynb", "b.ipynb"}


def test_a_manifest_that_stays_wrong_is_set_apart_with_its_notebooks(site: Site) -> None:
    site.put("manifest.csv", b"file,student\na.ipynb,ada\nb.ipynb,ben\n")
    site.put("a.ipynb")
    site.settle()
    site.look(PATIENCE_S)
    assert site.students() == []
    away = site.put_away("problems")
    assert set(away) == {"manifest.csv", "a.ipynb"}
    assert "NOTHING OF IT WAS TAKEN" in away["a.ipynb"]
    assert "line 3, column file: there is no notebook b.ipynb" in away["a.ipynb"]


def test_a_wrong_manifest_in_a_folder_is_reported_at_once(site: Site) -> None:
    site.put("labs/manifest.csv", b"file,student\na.ipynb,\n")
    site.put("labs/a.ipynb")
    site.settle()
    assert "labs/manifest.csv, line 2, column student" in site.put_away("problems")["labs"]


def test_what_is_no_notebook_and_what_is_a_link_are_set_apart(site: Site, tmp_path: Path) -> None:
    site.put("notes.pdf", b"x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.ipynb").write_bytes(LAB)
    (site.root / "link").symlink_to(tmp_path / "elsewhere")
    site.settle()
    away = site.put_away("problems")
    assert set(away) == {"notes.pdf", "link"}
    assert "no notebook, no folder and no zip" in away["link"]
    assert (tmp_path / "elsewhere" / "a.ipynb").exists()
    assert site.students() == []


def test_the_same_name_again_finds_a_place_beside_the_first(site: Site) -> None:
    for _ in range(3):
        site.put("labs.zip", zipped("ada/a.ipynb"))
        site.settle()
    assert site.students() == ["ada"]
    assert len(list((site.root / "done").glob("labs.zip-*/labs.zip"))) == 3


def test_a_long_name_and_one_that_is_no_text_are_moved_as_well(site: Site) -> None:
    long = "ü" * 127
    site.put(f"{long}/ada/a.ipynb")
    odd = os.fsdecode(b"labs-\xff")
    site.put(f"{odd}/ben/b.ipynb")
    site.settle()
    assert site.students() == ["ada", "ben"]
    assert set(site.put_away("done")) == {long, odd}


class Killed(BaseException):
    """The end of the process."""


class KilledBeforeMoving(DropFolder):
    """A folder whose process is killed when it comes to moving."""

    def put_away(self, *args: object) -> Path:
        raise Killed


class SomebodyElses(DropFolder):
    """A folder that nothing can be moved out of."""

    tried = 0

    def put_away(self, *args: object) -> Path:
        self.tried += 1
        raise PermissionError(13, "Permission denied")


def test_killed_between_delivering_and_moving_nothing_is_taken_twice(site: Site) -> None:
    site.put("labs/ada/a.ipynb")
    site.put("labs/ben/b.ipynb")
    site.start(KilledBeforeMoving(site.root))
    with pytest.raises(Killed):
        site.look(SETTLE_S)
    assert site.students() == ["ada", "ben"]
    site.start(DropFolder(site.root))
    site.look(SETTLE_S)
    assert site.students() == ["ada", "ben"]
    assert "SKIPPED, AS IT WAS THERE ALREADY: 2" in site.put_away("done")["labs"]


class NarrowSpool(Spool):
    """A spool whose disk has room for one more."""

    room = 1

    def deliver(self, envelope: object, notebook: Content | bytes | None = None) -> None:
        if self.room == 0:
            raise SpoolFull
        self.room -= 1
        super().deliver(envelope, notebook)  # type: ignore[arg-type]


def test_a_full_disk_leaves_the_rest_for_later(tmp_path: Path) -> None:
    room = Room(tmp_path)
    spool = NarrowSpool(tmp_path)
    site = Site(room, spool)
    site.put("labs/ada/a.ipynb")
    site.put("labs/ben/b.ipynb")
    site.settle()
    assert site.students() == ["ada"]
    assert site.left() == {"labs"}
    spool.room = 5
    site.look(PAUSE_S)
    assert site.students() == ["ada", "ben"]
    assert site.left() == set()
    room.close()


def test_what_cannot_be_moved_is_left_until_it_changes(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    folder = SomebodyElses(site.root)
    site.put("labs/ada/a.ipynb")
    site.start(folder)
    for _ in range(3):
        site.look(SETTLE_S)
    assert site.students() == ["ada"]
    assert folder.tried == 1
    assert [record.__dict__["action"] for record in caplog.records].count("drop_left") == 1
    site.put("labs/ben/b.ipynb")
    site.settle()
    assert site.students() == ["ada", "ben"]


def test_the_thread_looks_by_itself_and_ends_with_the_block(site: Site) -> None:
    intake = Intake(
        site.room.volume, site.room.spool, Catalogue([site.room.assignment]), site.room.gradebook
    )
    site.put("labs/ada/a.ipynb")
    with watching(Drop(DropFolder(site.root), intake, settle_s=0.05), every_s=0.05):
        wait_until(lambda: site.left() == set(), within_s=20)
    assert site.students() == ["ada"]
    assert "drop" not in {thread.name for thread in threading.enumerate()}
