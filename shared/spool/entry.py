"""One entry: what its directory may hold, and how that is read without trusting it.

Nothing here moves an entry. Functions that take `directory` want the descriptor of the entry's
opened directory, and let `OSError` pass; their callers stand inside `spool_errors`.
"""

from __future__ import annotations

import enum
import errno
import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.errors import DamagedEntry, SpoolFull, SpoolUnavailable, UnknownEntry
from shared.requests import NOTEBOOK_NAME, AnyEnvelope, EntryId, Envelope, StaffRequest
from shared.spool import disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from shared.model import SubmissionId

ENVELOPE_NAME = "envelope.json"
TRIES_NAME = "tries.json"
FAILURE_NAME = "failure.json"
DISCARD_NAME = "discarded.json"

ENVELOPE_MAX_BYTES = 4 << 20
"""A request of staff may be about thousands of students; a submission's is far smaller."""
SIDECAR_MAX_BYTES = 64 << 10
REASON_MAX_CHARACTERS = 4000
"""Of a failure's reason; also in UTF-8, and escaped in JSON, it fits in a sidecar."""

_SIDECARS = frozenset(
    name + suffix
    for name in (TRIES_NAME, FAILURE_NAME, DISCARD_NAME)
    for suffix in ("", disk.FRESH_SUFFIX)
)
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})

_entry_id = TypeAdapter(EntryId).validator
_envelope: TypeAdapter[Envelope | StaffRequest] = TypeAdapter(AnyEnvelope)


class Place(enum.StrEnum):
    """Where a whole entry can lie."""

    NEW = "new"
    FAILED = "failed"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry in `new/` or the archive whose envelope has been read and fits it."""

    envelope: Envelope
    directory: Path

    def notebook(self) -> bytes:
        """Read the notebook: exactly the bytes that the receipt was given for.

        Raises:
            DamagedEntry: its size or SHA-256 is not the envelope's, or it is not a plain file.
            UnknownEntry: the entry was moved since it was read.
            SpoolUnavailable: the disk refused.
        """
        with spool_errors("read a notebook"):
            try:
                with disk.opened_entry(self.directory) as directory:
                    return read_notebook(directory, self.envelope)
            except FileNotFoundError as error:
                raise UnknownEntry from error


@dataclass(frozen=True, slots=True)
class Failure:
    """A buried entry, and why it was buried.

    Attributes:
        envelope: None where it cannot be read, or is not a submission's.
        tries: how often a run had been started.
        buried_at: aware, UTC.
    """

    envelope: Envelope | None
    id: SubmissionId
    reason: str
    tries: int
    buried_at: datetime


class _Sidecar(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


_SidecarT = TypeVar("_SidecarT", bound=_Sidecar)


class TriesSidecar(_Sidecar):
    """What `tries.json` holds."""

    tries: Annotated[int, Field(ge=0)]


class FailureSidecar(_Sidecar):
    """What `failure.json` holds."""

    reason: str
    tries: Annotated[int, Field(ge=0)]
    buried_at: AwareDatetime


class DiscardSidecar(_Sidecar):
    """What `discarded.json` holds: who gave an entry up, when and why."""

    reason: str
    requested_by: str
    discarded_at: AwareDatetime


@contextmanager
def spool_errors(doing: str | None = None) -> Iterator[None]:
    """Turn what the operating system refuses into the spool's own errors.

    Args:
        doing: what was tried, for the message: "the spool could not …". Without it the message is
            the error's own, which is written for the student who waits for a receipt.

    Raises:
        SpoolFull: no room on the disk, or a quota is used up.
        SpoolUnavailable: any other `OSError`.
    """
    try:
        yield
    except OSError as error:
        kind = SpoolFull if error.errno in _NO_ROOM else SpoolUnavailable
        message = doing and f"The spool could not {doing}: {error.strerror or error}."
        raise kind(message) from error


def is_entry_id(name: str) -> bool:
    """Tell whether a name is a lower-case UUIDv7, the only kind an entry's directory has."""
    return _entry_id.isinstance_python(name)


def encode_envelope(envelope: Envelope | StaffRequest) -> bytes:
    """Encode an envelope as `envelope.json` holds it.

    Raises:
        ValueError: nobody could read it back: it is too large, or it was made past its own checks.
    """
    encoded = envelope.model_dump_json().encode()
    if len(encoded) > ENVELOPE_MAX_BYTES:
        raise ValueError(f"an envelope has at most {ENVELOPE_MAX_BYTES} bytes, not {len(encoded)}")
    if _envelope.validate_json(encoded) != envelope:
        raise ValueError("this envelope is not the same after it was written and read")
    return encoded


def check_files(directory: int, envelope: Envelope | StaffRequest) -> None:
    """Check that an entry has the files it needs and none that nobody put there.

    Raises:
        DamagedEntry: naming what is missing or too many.
    """
    names = set(disk.list_names(directory))
    wanted = {ENVELOPE_NAME}
    if isinstance(envelope, Envelope):
        wanted.add(NOTEBOOK_NAME)
    if missing := sorted(wanted - names):
        raise DamagedEntry(f"The entry lacks {', '.join(missing)}")
    if extra := sorted(names - wanted - _SIDECARS):
        raise DamagedEntry(f"The entry holds {extra[0]!a}, which does not belong there")


def read_envelope(directory: int, submission_id: SubmissionId) -> Envelope | StaffRequest:
    """Read an entry's envelope.

    Raises:
        DamagedEntry: it is missing, no envelope, too large, or that of another entry.
    """
    encoded = _read(directory, ENVELOPE_NAME, max_bytes=ENVELOPE_MAX_BYTES)
    try:
        envelope = _envelope.validate_json(encoded)
    except ValidationError as error:
        raise DamagedEntry(
            f"{ENVELOPE_NAME} is not a valid envelope: {_first_problem(error)}"
        ) from error
    if envelope.id != submission_id:
        raise DamagedEntry(f"{ENVELOPE_NAME} is that of {envelope.id}")
    return envelope


def read_notebook(directory: int, envelope: Envelope) -> bytes:
    """Read an entry's notebook: exactly the bytes that the receipt was given for.

    Raises:
        DamagedEntry: its size or SHA-256 is not the envelope's, or it is not a plain file.
    """
    payload = envelope.payload
    content = _read(directory, NOTEBOOK_NAME, max_bytes=payload.size_bytes)
    if len(content) != payload.size_bytes:
        raise DamagedEntry(
            f"{NOTEBOOK_NAME} has {len(content)} bytes; received were {payload.size_bytes}"
        )
    if hashlib.sha256(content).hexdigest() != payload.sha256:
        raise DamagedEntry(f"{NOTEBOOK_NAME} does not have the SHA-256 of what was received")
    return content


def read_tries(directory: int) -> int:
    """Read how often a run was started; 0 without a sidecar.

    Raises:
        DamagedEntry: the sidecar cannot be understood. That is not 0, or an entry that kills the
            grader could do so for ever.
    """
    sidecar = _read_sidecar(directory, TRIES_NAME, TriesSidecar)
    return sidecar.tries if sidecar else 0


def write_tries(directory: int, tries: int) -> None:
    """Write how often a run was started, durably."""
    _write_sidecar(directory, TRIES_NAME, TriesSidecar(tries=tries))


def forget_tries(directory: int) -> None:
    """Let the tries start again, and be given up no longer, durably."""
    disk.remove_file(directory, TRIES_NAME)
    disk.remove_file(directory, DISCARD_NAME)
    disk.sync_entry(directory)


def read_failure(directory: int) -> FailureSidecar | None:
    """Read why an entry was buried; None without a sidecar.

    Raises:
        DamagedEntry: the sidecar cannot be understood.
    """
    return _read_sidecar(directory, FAILURE_NAME, FailureSidecar)


def write_failure(directory: int, *, reason: str, tries: int, buried_at: datetime) -> None:
    """Write why an entry is being buried, durably; a reason of any content is taken."""
    # A reason may quote a file name, so it can hold lone surrogates, which JSON cannot.
    text = reason.encode("utf-8", "replace").decode()[:REASON_MAX_CHARACTERS]
    _write_sidecar(
        directory, FAILURE_NAME, FailureSidecar(reason=text, tries=tries, buried_at=buried_at)
    )


def read_discard(directory: int) -> DiscardSidecar | None:
    """Read who gave an entry up; None without a sidecar.

    Raises:
        DamagedEntry: the sidecar cannot be understood.
    """
    return _read_sidecar(directory, DISCARD_NAME, DiscardSidecar)


def write_discard(directory: int, discard: DiscardSidecar) -> None:
    """Write who gives an entry up, durably."""
    _write_sidecar(directory, DISCARD_NAME, discard)


def _read(directory: int, name: str, *, max_bytes: int) -> bytes:
    try:
        return disk.read_file(directory, name, max_bytes=max_bytes)
    except FileNotFoundError as error:
        raise DamagedEntry(f"The entry lacks {name}") from error


def _read_sidecar(directory: int, name: str, kind: type[_SidecarT]) -> _SidecarT | None:
    try:
        encoded = disk.read_file(directory, name, max_bytes=SIDECAR_MAX_BYTES)
    except FileNotFoundError:
        return None
    try:
        return kind.model_validate_json(encoded)
    except ValidationError as error:
        raise DamagedEntry(f"{name} cannot be understood: {_first_problem(error)}") from error


def _write_sidecar(directory: int, name: str, sidecar: _Sidecar) -> None:
    disk.replace_file(directory, name, sidecar.model_dump_json().encode())


def _first_problem(error: ValidationError) -> str:
    """Say in one line where the first problem lies, without the value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return ": ".join([*(str(part) for part in first["loc"]), first["msg"]])
