"""What is found in files, folders and zips, and what hostile ones come to."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from shared.batch.finding import BatchLimits, Finding
from shared.batch.sources import opened
from shared.errors import BatchRefused, FileRefused

if TYPE_CHECKING:
    from pathlib import Path

SMALL = BatchLimits(
    files=20,
    depth=4,
    notebook_bytes=2 << 20,
    archive_bytes=3 << 20,
    directory_bytes=4096,
    unpacked_bytes=8 << 20,
    ratio=100,
    ratio_from_bytes=1 << 20,
)


def zipped(files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def contents(finding: Finding) -> dict[str, bytes]:
    return {str(member.path): member.read() for member in finding.notebooks}


def found(path: Path) -> dict[str, bytes]:
    with opened(path, SMALL) as finding:
        assert not finding.problems
        return contents(finding)


def problems(path: Path) -> dict[str, str]:
    """What could not be taken, those among it that show only when they are read."""
    with opened(path, SMALL) as finding:
        reasons = {problem.file: problem.reason for problem in finding.problems}
        for member in finding.notebooks:
            try:
                member.read()
            except FileRefused as refusal:
                reasons[finding.shown(member.path)] = str(refusal)
    return reasons


# --- what is found --------------------------------------------------------------------------------


def test_a_single_notebook(tmp_path: Path) -> None:
    put(tmp_path, {"ä b.ipynb": b"1"})
    assert found(tmp_path / "ä b.ipynb") == {"ä b.ipynb": b"1"}


def test_a_folder_with_folders_and_zips_and_what_systems_leave_there(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "ada/a.ipynb": b"1",
            "ben/B.IPYNB": b"2",
            "ben/data.csv": b"x",
            "ben/.ipynb_checkpoints/b.ipynb": b"no",
            "._a.ipynb": b"no",
            ".DS_Store": b"no",
            "__MACOSX/a.ipynb": b"no",
            "carl.zip": zipped({"c.ipynb": b"3", "__MACOSX/._c.ipynb": b"no"}),
        },
    )
    with opened(tmp_path, SMALL) as finding:
        assert contents(finding) == {
            "ada/a.ipynb": b"1",
            "ben/B.IPYNB": b"2",
            "carl.zip/c.ipynb": b"3",
        }
        assert finding.others == [f"{tmp_path.name}/ben/data.csv"]
        assert not finding.problems


def test_a_zip_and_a_zip_in_it_and_no_further(tmp_path: Path) -> None:
    third = zipped({"c.ipynb": b"3"})
    second = zipped({"b.ipynb": b"2", "third.zip": third})
    put(tmp_path, {"first.zip": zipped({"d/a.ipynb": b"1", "d/second.zip": second})})
    with opened(tmp_path / "first.zip", SMALL) as finding:
        assert contents(finding) == {"d/a.ipynb": b"1", "d/second.zip/b.ipynb": b"2"}
        (problem,) = finding.problems
    assert problem.file == "first.zip/d/second.zip/third.zip"
    assert "zip in a zip in a zip" in problem.reason


def test_many_nested_zips_are_all_read_though_few_are_kept_open(tmp_path: Path) -> None:
    nested = {f"{number}.zip": zipped({"a.ipynb": b"%d" % number}) for number in range(9)}
    put(tmp_path, {"all.zip": zipped(nested)})
    assert found(tmp_path / "all.zip") == {
        f"{number}.zip/a.ipynb": b"%d" % number for number in range(9)
    }


def test_names_that_macos_zips_write_without_saying_utf8_are_read_right(tmp_path: Path) -> None:
    content = zipped({"José/ü.ipynb": b"1"})
    flagged = struct.pack("<H", 0x800)
    central = content.index(b"PK\x01\x02")
    bare = bytearray(content)
    assert bytes(bare[6:8]) == flagged == bytes(bare[central + 8 : central + 10])
    bare[6:8] = bare[central + 8 : central + 10] = b"\0\0"
    put(tmp_path, {"a.zip": bytes(bare)})
    assert found(tmp_path / "a.zip") == {"José/ü.ipynb": b"1"}


def test_names_with_windows_separators_are_folders(tmp_path: Path) -> None:
    put(tmp_path, {"a.zip": zipped({"ada\\a.ipynb": b"1"})})
    assert found(tmp_path / "a.zip") == {"ada/a.ipynb": b"1"}


@pytest.mark.parametrize("name", ["a.txt", "nothing.ipynb", "pipe.ipynb", "link.ipynb", "no.zip"])
def test_what_is_no_notebook_no_folder_and_no_zip_is_refused(tmp_path: Path, name: str) -> None:
    put(tmp_path, {"a.txt": b"1", "no.zip": b"PK nothing"})
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "a.txt")
    with pytest.raises(BatchRefused, match=name), opened(tmp_path / name, SMALL):
        pass


# --- hostile --------------------------------------------------------------------------------------


def test_links_are_not_followed(tmp_path: Path) -> None:
    secret = put(tmp_path / "secret", {"a.ipynb": b"no"})
    labs = put(tmp_path / "labs", {"ada/a.ipynb": b"1"})
    (labs / "ben").symlink_to(secret)
    (labs / "ada" / "b.ipynb").symlink_to(secret / "a.ipynb")
    reasons = problems(labs)
    assert set(reasons) == {"labs/ben", "labs/ada/b.ipynb"}
    assert all("link" in reason for reason in reasons.values())


def test_a_pipe_holds_up_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.ipynb")
    assert "not a plain file" in problems(tmp_path)[f"{tmp_path.name}/a.ipynb"]


@pytest.mark.parametrize(
    "name", ["../a.ipynb", "/etc/a.ipynb", "x/../../a.ipynb", "..\\a.ipynb", "C:\\a.ipynb", "C:/a"]
)
def test_a_name_that_leads_out_of_the_zip_is_told_and_not_read(tmp_path: Path, name: str) -> None:
    put(tmp_path, {"a.zip": zipped({name: b"no", "ok.ipynb": b"1"})})
    with opened(tmp_path / "a.zip", SMALL) as finding:
        assert contents(finding) == {"ok.ipynb": b"1"}
        (problem,) = finding.problems
    assert "leads out of it" in problem.reason


def test_a_link_in_a_zip_is_not_followed(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("a.ipynb")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert "link" in problems(tmp_path / "a.zip")["a.zip/a.ipynb"]


def test_an_encrypted_or_damaged_member_costs_only_itself(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.ipynb": b"1234", "b.ipynb": b"5678"}, zipfile.ZIP_STORED))
    content[content.index(b"1234")] ^= 0xFF
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 1)
    content[second + 8] |= 1
    put(tmp_path, {"a.zip": bytes(content)})
    reasons = problems(tmp_path / "a.zip")
    assert "damaged" in reasons["a.zip/a.ipynb"]
    assert "encrypted" in reasons["a.zip/b.ipynb"]


def test_a_notebook_that_is_too_large_is_told(tmp_path: Path) -> None:
    large = os.urandom(1024) * 2049
    put(tmp_path, {"a.ipynb": large, "b.zip": zipped({"b.ipynb": large}, zipfile.ZIP_STORED)})
    reasons = problems(tmp_path)
    assert len(reasons) == 2
    assert all("larger than 2 MB" in reason for reason in reasons.values())


def test_a_zip_that_lies_about_a_size_is_read_no_further_than_it_says(tmp_path: Path) -> None:
    honest = zipped({"a.ipynb": os.urandom(1024) * 2049}, zipfile.ZIP_DEFLATED)
    lying = bytearray(honest)
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = lying.index(signature) + offset
        lying[start : start + 4] = struct.pack("<L", 100)
    put(tmp_path, {"a.zip": bytes(lying)})
    assert "damaged" in problems(tmp_path / "a.zip")["a.zip/a.ipynb"]


def test_what_unpacks_to_far_more_than_it_is_costs_only_itself(tmp_path: Path) -> None:
    bomb = zipped({"a.ipynb": bytes(3 << 19), "b.ipynb": b"1"})
    nested = zipped({"x.zip": bytes(3 << 19), "y.zip": zipped({"c.ipynb": bytes(3 << 19)})})
    put(tmp_path, {"a.zip": bomb, "b.zip": nested})
    with opened(tmp_path / "a.zip", SMALL) as finding:
        assert [member.read() for member in finding.notebooks[1:]] == [b"1"]
    assert set(problems(tmp_path / "a.zip")) == {"a.zip/a.ipynb"}
    reasons = problems(tmp_path / "b.zip")
    assert set(reasons) == {"b.zip/x.zip", "b.zip/y.zip/c.ipynb"}
    assert all("as bombs do" in reason for reason in reasons.values())


def test_a_zip_that_unpacks_to_too_much_altogether_is_refused(tmp_path: Path) -> None:
    much = {f"{number}.ipynb": os.urandom(1 << 20) for number in range(9)}
    put(tmp_path, {"a.zip": zipped(much)})
    with pytest.raises(BatchRefused, match="too much"), opened(tmp_path / "a.zip", SMALL):
        pass


def test_zips_that_together_unpack_to_too_much_are_refused(tmp_path: Path) -> None:
    half = zipped({"a.ipynb": os.urandom(1 << 19), "b.ipynb": os.urandom(3 << 19)})
    put(tmp_path / "labs", {f"{number}.zip": half for number in range(5)})
    assert set(problems(tmp_path / "labs")) == {"labs/4.zip"}


def test_a_students_zip_of_too_many_files_costs_only_itself(tmp_path: Path) -> None:
    many = zipped({f"{number}.txt": b"" for number in range(6)})
    put(tmp_path, {"labs.zip": zipped({"ada.zip": many, "ben.ipynb": b"1"})})
    put(tmp_path / "labs", {"ada.zip": many, "ben.ipynb": b"1"})
    for name in ("labs.zip", "labs"):
        with opened(tmp_path / name, SMALL) as finding:
            assert contents(finding) == {"ben.ipynb": b"1"}
            (problem,) = finding.problems
        assert problem.file == f"{name}/ada.zip"
        assert "too many files" in problem.reason


def test_a_batch_of_too_many_files_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "labs", {f"{number}.ipynb": b"1" for number in range(21)})
    put(tmp_path, {"labs.zip": zipped({f"{number}.ipynb": b"1" for number in range(21)})})
    for name in ("labs", "labs.zip"):
        with (
            pytest.raises(BatchRefused, match=r"(more than 20|too many) files"),
            opened(tmp_path / name, SMALL),
        ):
            pass


def test_a_table_of_contents_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    many = zipped({f"{number:060}.txt": b"" for number in range(60)})
    put(tmp_path, {"a.zip": many})
    with pytest.raises(BatchRefused, match="too many files"), opened(tmp_path / "a.zip", SMALL):
        pass


def test_a_hidden_table_of_contents_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """A zip64 record overrules the ordinary one, for `zipfile` and so for us."""
    plain = zipped({"a.ipynb": b"1"})
    end = plain.index(b"PK\x05\x06")
    start, size = plain.index(b"PK\x01\x02"), 1 << 30
    long_end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, size, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    put(tmp_path, {"a.zip": plain[:end] + long_end + locator + plain[end:]})
    with pytest.raises(BatchRefused, match="too many files"), opened(tmp_path / "a.zip", SMALL):
        pass


def test_folders_nested_without_end_are_told(tmp_path: Path) -> None:
    deep = "/".join("abcdefg")
    put(tmp_path / "labs", {f"{deep}/x.ipynb": b"1"})
    put(tmp_path / "labs", {"z.zip": zipped({f"{deep}/x.ipynb": b"1"})})
    reasons = problems(tmp_path / "labs")
    assert len(reasons) == 2
    assert all("nested too deeply" in reason for reason in reasons.values())


def test_nothing_is_left_of_what_was_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = tmp_path / "tmp"
    unpacked.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(unpacked))
    put(tmp_path, {"a.zip": zipped({"b.zip": zipped({"a.ipynb": b"1"})})})
    with opened(tmp_path / "a.zip", SMALL) as finding:
        assert contents(finding) == {"b.zip/a.ipynb": b"1"}
        assert list(unpacked.iterdir())
    assert not list(unpacked.iterdir())
