"""Unpacking an autograder zip.

Staff made it, and still no name in it may lead out of its folder.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path, PurePosixPath

UNPACKED_MAX_BYTES = 512 << 20


def unpack(data: bytes, folder: Path) -> None:
    """Unpack a zip into `folder`, which is made.

    Raises:
        ValueError: it is no zip, is too large unpacked, or holds a name that leads elsewhere.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception as error:  # a damaged zip raises whatever its reader stumbles over
        raise ValueError("this is not a zip file, or a damaged one") from error
    with archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > UNPACKED_MAX_BYTES:
            raise ValueError(f"unpacked it is over {UNPACKED_MAX_BYTES >> 20} MiB")
        for member in members:
            path = PurePosixPath(member.filename)
            if path.is_absolute() or ".." in path.parts or "\\" in member.filename:
                raise ValueError(f"it holds a file named {member.filename!r}")
        folder.mkdir(parents=True)
        try:
            archive.extractall(folder)
        except Exception as error:  # so does each decompressor, and the disk
            raise ValueError(f"it cannot be unpacked: {error}") from error
