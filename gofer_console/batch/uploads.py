"""A batch that was uploaded: looked through, then delivered, as `gofer batch` does it.

Uploaded files lie in a temporary folder for as long as the block, under names of their own base
name alone: what a browser calls a file is no path here.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, TYPE_CHECKING, Final, TypeVar

from shared.batch.assignments import resolver
from shared.batch.claims import Manifest
from shared.batch.finding import is_archive, is_manifest, is_notebook
from shared.batch.intake import Known, Taken, deliver, one_at_a_time
from shared.batch.manifest import moment
from shared.batch.naming import compiled_pattern
from shared.batch.planning import Directions, make_plan
from shared.batch.sources import opened
from shared.errors import BatchRefused
from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Engine

    from shared.batch.finding import Problem
    from shared.batch.planning import Plan
    from shared.catalogue import Catalogue
    from shared.model import SubmissionId
    from shared.spool import Spool

T = TypeVar("T")

_FALLBACK_NAME: Final = "upload.ipynb"
_NAME_BYTES: Final = 200


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was uploaded.

    Attributes:
        name: as the browser calls it.
        file: its content, from its beginning on.
    """

    name: str
    file: IO[bytes]


@dataclass(frozen=True, slots=True)
class Said:
    """What staff say of a batch, in their words; what is empty is not said.

    Attributes:
        pattern: for file names, with a group `student`.
        assignment: for notebooks that do not say it.
        as_of: when they count as received.
    """

    pattern: str = ""
    assignment: str = ""
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a batch would do.

    Attributes:
        plan: good for reading as a list; its notebooks can be read no more.
        present: of each entry of the plan the submission that has it already.
    """

    plan: Plan
    present: tuple[SubmissionId | None, ...]

    @property
    def new(self) -> int:
        """How many notebooks would be taken."""
        return self.present.count(None)


def look_through(
    uploads: Sequence[Upload],
    said: Said,
    catalogue: Catalogue,
    spool: Spool,
    gradebook: Engine | None,
) -> Looked:
    """Say what would be graded as whom, and change nothing.

    Raises:
        BatchRefused: the batch is refused, or what was said of it cannot be used.
        SpoolError, GradebookError: they cannot be read.
    """
    with _planned(uploads, said, catalogue) as plan:
        if not spool.new_dir.exists():
            return Looked(plan, (None,) * len(plan.entries))
        known = Known(spool, gradebook)
        present = tuple(
            known.submission_of(entry.student, entry.key, entry.sha256) for entry in plan.entries
        )
        return Looked(plan, present)


def hand_in(
    uploads: Sequence[Upload],
    said: Said,
    catalogue: Catalogue,
    spool: Spool,
    gradebook: Engine | None,
    *,
    volume: Path,
    requested_by: str,
    reason: str,
    on_taken: Callable[[int, int], None] = lambda _done, _every: None,
) -> tuple[list[Taken], list[Problem]]:
    """Deliver a batch; doing it again delivers only what is not there yet.

    Args:
        uploads: the files.
        said: what staff say of them.
        catalogue: which assignments there are.
        spool: where they go.
        gradebook: what is known already; None where there is none.
        volume: `VOLUME_PATH`.
        requested_by: who of staff hands them in.
        reason: in their words.
        on_taken: told how many were delivered, and how many there are.

    Returns:
        What is in the spool or was recorded, and what could not be taken.

    Raises:
        BatchRefused, SpoolError, GradebookError: as for `look_through`; what was delivered is safe.
    """
    spool.prepare()
    taken: list[Taken] = []
    with _planned(uploads, said, catalogue) as plan, one_at_a_time(volume):
        problems = list(plan.problems)
        known = Known(spool, gradebook)
        every = len(plan.entries)
        for one in deliver(plan.entries, spool, known, requested_by=requested_by, reason=reason):
            if isinstance(one, Taken):
                taken.append(one)
            else:
                problems.append(one)
            on_taken(len(taken), every)
    return taken, problems


@contextmanager
def _planned(uploads: Sequence[Upload], said: Said, catalogue: Catalogue) -> Iterator[Plan]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gofer-batch-")))
        paths, manifest = _put_down(uploads, folder)
        directions = _directions(said, manifest, catalogue)
        findings = [stack.enter_context(opened(path)) for path in paths]
        yield make_plan(findings, directions, catalogue, now=utc_now())


def _put_down(uploads: Sequence[Upload], folder: Path) -> tuple[list[Path], Manifest | None]:
    paths: list[Path] = []
    manifest = None
    for number, upload in enumerate(uploads):
        upload.file.seek(0)
        name = _base_name(upload.name)
        if is_manifest(name) or name.lower().endswith(".csv"):
            if manifest is not None:
                raise BatchRefused("There are two manifests. Upload one of them.")
            manifest = Manifest(name, upload.file.read())
            continue
        if not (is_notebook(name) or is_archive(name)):
            raise BatchRefused(f"{name}: this is no notebook, no zip and no manifest.")
        # Each kind of name once: two browsers' folders may have files of the same name.
        place = folder / (f"zip {number}" if is_archive(name) else "upload")
        if (place / name).exists():
            place = folder / f"upload {number}"
        place.mkdir(exist_ok=True)
        with (place / name).open("xb") as file:
            shutil.copyfileobj(upload.file, file)
        paths.append(place / name)
    return paths, manifest


def _base_name(name: str) -> str:
    base = PurePosixPath(PureWindowsPath(name).name).name
    base = "".join(character for character in base if character.isprintable()).strip()
    if not base or base.startswith(".") or len(base.encode()) > _NAME_BYTES:
        return _FALLBACK_NAME
    return base


def _directions(said: Said, manifest: Manifest | None, catalogue: Catalogue) -> Directions:
    return Directions(
        pattern=_read("Name pattern", compiled_pattern, said.pattern),
        manifest=manifest,
        assignment=_read("Assignment", resolver(catalogue), said.assignment),
        as_of=_read("Received", lambda text: moment(text, utc_now()), said.as_of),
    )


def _read(what: str, read: Callable[[str], T], text: str) -> T | None:
    if not text:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise BatchRefused(f"{what}: {error}") from None
