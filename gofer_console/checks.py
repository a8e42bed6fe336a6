"""What `gofer doctor` looks at on this side: each check says what was found and what to do.

Nothing here changes anything: a folder that is missing stays missing.
"""

from __future__ import annotations

import errno
import fcntl
import shutil
import sys
import tempfile
from typing import TYPE_CHECKING, Final

import httpx

from gofer_console.grader_side import Check, Health
from gofer_console.submit import may_use_proxy
from shared.catalogue import load_catalogue
from shared.errors import ConfigError, GoferError
from shared.gradebook.engine import open_reader
from shared.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from shared.catalogue import Assignment
    from shared.config import ConsoleSettings

OLDEST_PYTHON: Final = (3, 11, 2)
LOCK_NAME: Final = "grader.lock"

_PROBLEM_FREE_BYTES: Final = 256 << 20
_WARNING_FREE_BYTES: Final = 4 << 30
_SERVER_PATIENCE_S: Final = 3.0
_NAMES_SHOWN: Final = 3


def check_python(version: Sequence[int] = sys.version_info[:3]) -> Check:
    """Tell whether this Python is one that Gofer runs on."""
    found = ".".join(map(str, version))
    if tuple(version) >= OLDEST_PYTHON:
        return Check(name="Python", status=Health.OK, message=f"This is Python {found}.")
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Check(
        name="Python",
        status=Health.PROBLEM,
        message=f"This is Python {found}; Gofer needs {oldest} or newer.",
        advice="Install a newer Python and make the environment again with it.",
    )


def check_volume(volume: Path) -> Check:
    """Tell whether files can be made under `VOLUME_PATH`, or it can be made itself."""
    there = _nearest_folder(volume)
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return Check(
            name="volume",
            status=Health.PROBLEM,
            message=f"Nothing can be written in {there}: {error.strerror}.",
            advice="Set VOLUME_PATH to a folder that the user of server and grader may write in.",
        )
    if there != volume:
        return Check(
            name="volume",
            status=Health.OK,
            message=f"{volume} is not there yet; it is made at the first start.",
        )
    return Check(name="volume", status=Health.OK, message=f"{volume} can be written.")


def check_free_disk(volume: Path) -> Check:
    """Tell how much room the disk under `VOLUME_PATH` has."""
    usage = shutil.disk_usage(_nearest_folder(volume))
    return judge_free_disk(usage.free, usage.total)


def judge_free_disk(free_bytes: int, total_bytes: int) -> Check:
    """Tell whether that much room is enough; a full disk is when receipts stop."""
    message = f"{_gigabytes(free_bytes)} of {_gigabytes(total_bytes)} are free."
    if free_bytes < _PROBLEM_FREE_BYTES:
        return Check(
            name="free disk",
            status=Health.PROBLEM,
            message=message,
            advice="Make room now: once the disk is full, no submission can be accepted.",
        )
    if free_bytes < _WARNING_FREE_BYTES:
        return Check(
            name="free disk",
            status=Health.WARNING,
            message=message,
            advice="Make room soon: every submission is kept, and images take gigabytes.",
        )
    return Check(name="free disk", status=Health.OK, message=message)


def check_catalogue(settings: ConsoleSettings) -> list[Check]:
    """Tell how many assignments can be submitted, and whether each has its autograder zip."""
    try:
        catalogue = load_catalogue(
            course_config=settings.course_config_path,
            autograders=settings.autograders,
            defaults=settings.defaults,
            course=settings.course,
        )
    except ConfigError as error:
        return [
            Check(
                name="catalogue",
                status=Health.PROBLEM,
                message=str(error),
                advice="Mend the course config; until then neither server nor grader starts.",
            )
        ]
    source = settings.course_config_path or settings.autograders
    if not len(catalogue):
        return [
            Check(
                name="catalogue",
                status=Health.WARNING,
                message=f"There is no assignment in {source}.",
                advice="Name a course config with COURSE_CONFIG_PATH, or put autograder zips "
                "under GOFER_AUTOGRADERS.",
            )
        ]
    count = f"{len(catalogue)} assignment{'s' * (len(catalogue) != 1)}"
    return [
        Check(name="catalogue", status=Health.OK, message=f"{count} in {source}."),
        check_zips(catalogue),
    ]


def check_zips(assignments: Iterable[Assignment]) -> Check:
    """Tell which assignments lack their autograder zip."""
    missing = [entry for entry in assignments if not entry.autograder_zip.is_file()]
    if not missing:
        return Check(
            name="autograder zips", status=Health.OK, message="Every assignment has its zip."
        )
    shown = "; ".join(f"{entry.key}: {entry.autograder_zip}" for entry in missing[:_NAMES_SHOWN])
    rest = len(missing) - _NAMES_SHOWN
    return Check(
        name="autograder zips",
        status=Health.PROBLEM,
        message=f"{len(missing)} not there: {shown}{f'; and {rest} more' if rest > 0 else ''}.",
        advice="Put each zip that `otter assign` made where its assignment expects it.",
    )


def check_server(url: str) -> Check:
    """Tell whether a server answers at this URL."""
    try:
        answer = httpx.get(
            f"{url}healthz", timeout=_SERVER_PATIENCE_S, trust_env=may_use_proxy(url)
        )
    except httpx.HTTPError:
        return Check(
            name="server",
            status=Health.WARNING,
            message=f"No server answers at {url}",
            advice="Start it with `gofer up`, or name the right URL with GOFER_URL.",
        )
    if answer.is_success:
        return Check(name="server", status=Health.OK, message=f"It answers at {url}")
    return Check(
        name="server",
        status=Health.PROBLEM,
        message=f"What answers at {url} says {answer.status_code} to healthz.",
        advice="Look whether GOFER_URL has the right port and prefix.",
    )


def check_grader(volume: Path) -> Check:
    """Tell whether a grader holds this volume's lock."""
    if is_locked(volume / LOCK_NAME):
        return Check(name="grader", status=Health.OK, message="It is running.")
    return Check(
        name="grader",
        status=Health.WARNING,
        message="None is running on this volume; what is submitted waits.",
        advice="Start it with `gofer up`.",
    )


def is_locked(path: Path) -> bool:
    """Whether another process holds an exclusive `flock` on this file.

    It is asked with a shared lock, let go at once: a grader that starts in that moment waits for
    it as it would for another grader.
    """
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.EACCES}:
            return False
        raise
    return False


def check_gradebook(volume: Path, database_url: str | None) -> Check:
    """Tell whether the gradebook can be read."""
    try:
        engine = open_reader(volume, database_url)
    except GoferError as error:
        return Check(name="gradebook", status=Health.PROBLEM, message=str(error))
    if engine is None:
        return Check(
            name="gradebook",
            status=Health.OK,
            message="There is none yet; the grader makes it when it starts.",
        )
    engine.dispose()
    return Check(name="gradebook", status=Health.OK, message="It can be read.")


def check_failed(volume: Path) -> Check:
    """Tell whether entries lie buried."""
    folder = volume / "spool" / "failed"
    try:
        count = len(Spool(volume).failed()) if folder.exists() else 0
    except GoferError as error:
        return Check(name="failed entries", status=Health.PROBLEM, message=str(error))
    if not count:
        return Check(name="failed entries", status=Health.OK, message="There is none.")
    return Check(
        name="failed entries",
        status=Health.WARNING,
        message=f"{count} could not be graded and wait for staff.",
        advice=f"The reasons are in {folder}, one failure.json each.",
    )


def _nearest_folder(path: Path) -> Path:
    for folder in (path, *path.parents):
        if folder.exists():
            return folder
    return path


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 30):.1f} GB"
