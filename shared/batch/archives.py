"""Zips, read without trust: some student may have made them.

Nothing is ever unpacked under a name from the zip, so no name leads anywhere; one that tries to is
reported. What a zip says of sizes is checked before anything is read, and again while it is read.
"""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections import OrderedDict
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Final

from shared.errors import FileRefused

if TYPE_CHECKING:
    from pathlib import Path

    from shared.batch.finding import BatchLimits

_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,  # a way of packing that Python does not know
    RuntimeError,
    ValueError,
    OSError,
)
_CHUNK_BYTES: Final = 1 << 20

_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_END_DIRECTORY_SIZE: Final = struct.Struct("<12xL")
_COMMENT_MAX_BYTES: Final = 1 << 16
_LOCATOR: Final = b"PK\x06\x07"
_LOCATOR_BYTES: Final = 20
_LONG_END_BYTES: Final = 56
_LONG_DIRECTORY_SIZE: Final = struct.Struct("<40xQ")

_ENCRYPTED: Final = 0x1
_NAME_IS_UTF8: Final = 0x800


class OpenArchives:
    """A few zips kept open, since opening one reads its whole table of contents."""

    def __init__(self, most: int = 8) -> None:
        self._most = most
        self._open: OrderedDict[Path, zipfile.ZipFile] = OrderedDict()

    def open(self, path: Path, directory_bytes: int) -> zipfile.ZipFile:
        """Return the opened zip.

        Raises:
            FileRefused: it is none, or its table of contents is larger than `directory_bytes`.
        """
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        try:
            with path.open("rb") as file:
                if _directory_size(file) > directory_bytes:
                    raise FileRefused("It holds too many files.")
            archive = zipfile.ZipFile(path)
        except _BROKEN as error:
            raise FileRefused("It is not a whole zip, or is damaged.") from error
        self._open[path] = archive
        while len(self._open) > self._most:
            self._open.popitem(last=False)[1].close()
        return archive

    def close(self) -> None:
        """Close them all."""
        while self._open:
            self._open.popitem()[1].close()


def path_in(info: zipfile.ZipInfo) -> PurePosixPath | None:
    """Return a member's path below the zip; None for one that would lead out of it."""
    name = info.orig_filename
    if not info.flag_bits & _NAME_IS_UTF8:
        # macOS writes UTF-8 and does not say so
        try:
            name = name.encode("cp437").decode("utf-8")
        except ValueError:
            name = info.orig_filename
    name = name.replace("\\", "/").partition("\0")[0]
    path = PurePosixPath(name)
    has_drive = bool(path.parts) and path.parts[0].endswith(":")
    if path.is_absolute() or ".." in path.parts or has_drive or not path.parts:
        return None
    return path


def refusal_of(info: zipfile.ZipInfo, max_bytes: int, limits: BatchLimits) -> str | None:
    """Return why a member cannot be read, as far as the table of contents says; None if it can."""
    is_bomb = info.file_size > limits.ratio * max(info.compress_size, 1)
    if stat.S_ISLNK(info.external_attr >> 16):
        return "It is a link, and links are not followed."
    if info.flag_bits & _ENCRYPTED:
        return "It is encrypted."
    if info.file_size > max_bytes:
        return _too_large(max_bytes)
    if is_bomb and info.file_size > limits.ratio_from_bytes:
        return f"It unpacks to more than {limits.ratio} times its size, as bombs do."
    return None


def read_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, max_bytes: int, limits: BatchLimits
) -> bytes:
    """Return a member's bytes.

    Raises:
        FileRefused: it cannot be read, or is larger than `max_bytes` whatever the zip says.
    """
    refusal = refusal_of(info, max_bytes, limits)
    if refusal is not None:
        raise FileRefused(refusal)
    try:
        with archive.open(info) as stream:
            content = stream.read(max_bytes + 1)
    except _BROKEN as error:
        raise FileRefused("It is damaged in the zip.") from error
    if len(content) > max_bytes:
        raise FileRefused(_too_large(max_bytes))
    return content


def copy_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, limits: BatchLimits
) -> None:
    """Write the bytes of a zip in a zip to a new file.

    Raises:
        FileRefused: as `read_member`.
    """
    refusal = refusal_of(info, limits.archive_bytes, limits)
    if refusal is not None:
        raise FileRefused(refusal)
    copied = 0
    try:
        with archive.open(info) as stream, target.open("xb") as file:
            while chunk := stream.read(_CHUNK_BYTES):
                copied += len(chunk)
                if copied > limits.archive_bytes:
                    raise FileRefused(_too_large(limits.archive_bytes))
                file.write(chunk)
    except _BROKEN as error:
        raise FileRefused("It is damaged in the zip.") from error


def is_whole(path: Path) -> bool:
    """Whether a file is a zip to its end, as one that is still being copied is not."""
    try:
        with zipfile.ZipFile(path):
            return True
    except _BROKEN:
        return False


def _too_large(max_bytes: int) -> str:
    return f"It is larger than {max_bytes >> 20} MB."


def _directory_size(file: IO[bytes]) -> int:
    """Return how large a zip's table of contents says it is, looked up where `zipfile` looks.

    A zip without one is left for `zipfile` to refuse.
    """
    file.seek(0, 2)
    size = file.tell()
    most = _COMMENT_MAX_BYTES + _END_BYTES + _LOCATOR_BYTES + _LONG_END_BYTES
    file.seek(max(0, size - most))
    tail = file.read(most)
    end = len(tail) - _END_BYTES
    if tail[end : end + 4] != _END or tail[-2:] != b"\0\0":
        end = tail.rfind(_END)
    if end < 0 or len(tail) - end < _END_BYTES:
        return 0
    locator = end - _LOCATOR_BYTES
    long_end = locator - _LONG_END_BYTES
    if long_end >= 0 and tail[locator : locator + 4] == _LOCATOR:
        found: int = _LONG_DIRECTORY_SIZE.unpack_from(tail, long_end)[0]
    else:
        found = _END_DIRECTORY_SIZE.unpack_from(tail, end)[0]
    return found
