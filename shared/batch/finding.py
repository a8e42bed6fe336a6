"""What was found in a file, a folder or a zip: notebooks to read, and what could not be taken."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import PurePosixPath

MANIFEST_NAME: Final = "manifest.csv"
GRADESCOPE_NAME: Final = "submission_metadata.yml"

_SIDE_FILES: Final = frozenset({MANIFEST_NAME, GRADESCOPE_NAME})
_JUNK: Final = frozenset({"__macosx", "thumbs.db", "desktop.ini", "icon\r"})


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much one batch may be.

    Attributes:
        files: of whatever kind, those in zips among them.
        depth: folders in folders.
        notebook_bytes: one notebook.
        side_file_bytes: a manifest or a file of metadata.
        archive_bytes: one zip that lies in a zip.
        directory_bytes: of one zip's table of contents, which is read into memory whole.
        unpacked_bytes: all that is taken out of zips.
        inner_share: a zip in a folder or a zip, which some student may have made, may have one
            part in so many of `files` and `unpacked_bytes`, so that it costs nobody else a place.
        ratio: how many times its packed size a file in a zip may have, once it is larger than
            `ratio_from_bytes`. Honest notebooks have up to a hundred, where they printed a lot.
        ratio_from_bytes: where `ratio` begins to count.
    """

    files: int = 50_000
    depth: int = 32
    notebook_bytes: int = 20 << 20
    side_file_bytes: int = 64 << 20
    archive_bytes: int = 512 << 20
    directory_bytes: int = 16 << 20
    unpacked_bytes: int = 8 << 30
    inner_share: int = 4
    ratio: int = 400
    ratio_from_bytes: int = 4 << 20

    @property
    def share(self) -> BatchLimits:
        """The limits of a zip that lies in what was given."""
        return replace(
            self,
            files=self.files // self.inner_share,
            unpacked_bytes=self.unpacked_bytes // self.inner_share,
        )


@dataclass(frozen=True, slots=True)
class Member:
    """A file that was found.

    Attributes:
        path: below what was given; a zip counts as a folder.
        read: returns its bytes, or raises `FileRefused`. Good while its finding is open.
    """

    path: PurePosixPath
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be taken.

    Attributes:
        file: as staff know it.
        reason: in plain words.
    """

    file: str
    reason: str


@dataclass(slots=True)
class Finding:
    """What was found in one thing that staff gave.

    Attributes:
        name: of that thing.
        is_file: whether it is a notebook itself.
        notebooks: by their paths.
        side_files: manifests and metadata.
        problems: what could not be looked into.
        others: files that are no notebooks and were passed over.
    """

    name: str
    is_file: bool = False
    notebooks: list[Member] = field(default_factory=list)
    side_files: list[Member] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def shown(self, path: PurePosixPath) -> str:
        """Return what staff call a file in here."""
        if self.is_file or not path.parts:
            return self.name
        return f"{self.name}/{path}"


def is_junk(name: str) -> bool:
    """Whether a file or folder of this name is some system's own, or hidden."""
    return name.startswith(".") or name.lower() in _JUNK


def is_notebook(name: str) -> bool:
    """Whether a file of this name should be a notebook."""
    return name.lower().endswith(".ipynb")


def is_archive(name: str) -> bool:
    """Whether a file of this name should be a zip."""
    return name.lower().endswith(".zip")


def is_side_file(name: str) -> bool:
    """Whether a file of this name says something of the others."""
    return name.lower() in _SIDE_FILES


def is_manifest(name: str) -> bool:
    """Whether a file of this name says whose the others are."""
    return name.lower() == MANIFEST_NAME


def composed(text: str) -> str:
    """Return a name in NFC: macOS writes `é` as two characters, and manifests as one."""
    return unicodedata.normalize("NFC", text)
