from __future__ import annotations

import io
import stat
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer_ingest.grader.harness import autograder_zip
from gofer_ingest.grader.harness.autograder_zip import unpack
from tests.support.zips import autograder_zip as good_zip
from tests.support.zips import ok_test

GOOD = good_zip({"q1": ok_test("q1", "x == 1" * 50)}, files={"trees.csv": b"height\n1\n" * 50})
DEFLATED, LZMA = zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return buffer.getvalue()


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, DEFLATED, zipfile.ZIP_BZIP2, LZMA])
def test_a_zip_is_unpacked_with_its_folders(tmp_path: Path, compression: int) -> None:
    files = {"tests/q1.py": b"test = 1", "files/data/trées.csv": b"1,2", "empty": b""}
    unpack(zipped(files, compression), tmp_path / "deep" / "source")
    assert files_below(tmp_path / "deep" / "source") == files


@pytest.mark.parametrize(
    "name",
    [
        "../evil.py",
        "tests/../../evil.py",
        "tests/..",
        "/etc/evil.py",
        "//evil.py",
        "..\\evil.py",
        "tests\\q1.py",
        "C:\\evil.py",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_written(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match="it holds a file named"):
        unpack(zipped({"tests/q1.py": b"", name: b"evil"}), tmp_path / "source")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_unpacked_as_a_plain_file(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("passwd")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    unpack(buffer.getvalue(), tmp_path / "source")
    assert not (tmp_path / "source" / "passwd").is_symlink()


def test_a_zip_too_large_unpacked_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autograder_zip, "UNPACKED_MAX_BYTES", 1 << 20)
    bomb = zipped({f"part{number}": bytes(300_000) for number in range(4)}, DEFLATED)
    assert len(bomb) < 10_000
    with pytest.raises(ValueError, match="over 1 MiB"):
        unpack(bomb, tmp_path / "source")
    assert list(tmp_path.iterdir()) == []


def test_a_zip_that_lies_about_its_size_writes_no_more_than_it_says(tmp_path: Path) -> None:
    data = zipped({"bomb": bytes(5_000_000)}, DEFLATED)
    size = (5_000_000).to_bytes(4, "little")
    with pytest.raises(ValueError, match="cannot be unpacked"):
        unpack(data.replace(size, (1000).to_bytes(4, "little")), tmp_path / "source")
    assert sum(len(content) for content in files_below(tmp_path).values()) <= 1000


def flagged_as_encrypted(data: bytes) -> bytes:
    local = data.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01")
    return local.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a zip",
        b"PK\x03\x04",
        GOOD[:-30],
        GOOD[len(GOOD) // 2 :],
        flagged_as_encrypted(GOOD),
        zipped({"tests": b"a file", "tests/q1.py": b"and a folder"}),
        zipped({"tests/q1.py": b"", "tests": b"a folder and a file"}),
        zipped({"x" * 300: b"longer than a name may be"}),
        zipped({"x": b"y" * 99}, DEFLATED).replace(b"\xab\xac", b"\xff\xff"),
    ],
    ids=["empty", "text", "head", "cut", "half", "encrypted", "file", "folder", "long", "damaged"],
)
def test_what_cannot_be_unpacked_says_so(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"zip file|unpacked"):
        unpack(data, tmp_path / "source")


@settings(max_examples=50, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4),
    compression=st.sampled_from([zipfile.ZIP_STORED, DEFLATED, LZMA]),
)
def test_any_damage_is_unpacked_within_the_folder_or_refused(
    changes: list[tuple[int, int]], compression: int
) -> None:
    data = bytearray(
        zipped({"tests/q1.py": b"x = 1\n" * 20, "otter_config.json": b"{}"}, compression)
    )
    for position, value in changes:
        data[position % len(data)] = value
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with suppress(ValueError):
            unpack(bytes(data), folder / "source")
        assert {path.name for path in folder.iterdir()} <= {"source"}
