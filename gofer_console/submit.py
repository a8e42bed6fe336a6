"""Sending notebooks to the server, as a student does, and asking what became of them."""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING, Final, TypeVar

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.errors import GoferError, SubmissionRejected
from shared.model import opaque_name

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
_POLL_S: Final = 0.5
_NOT_DEV: Final = (
    "The server wants students to sign in; only one with GOFER_IDENTITY=dev believes a name. "
    "`gofer batch` hands notebooks in on students' behalf."
)
_OPEN: Final = frozenset({"waiting", "running"})
_RECORDED: Final = "recorded"

Answer = TypeVar("Answer", bound=BaseModel)


class Receipt(BaseModel):
    """What the server promised: it has the notebook.

    Attributes:
        id: the submission's.
        received_at: by the server's clock.
        status_url: where its state can be asked for, maybe relative to the server's URL.
        assignment: as the server understood it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    received_at: AwareDatetime
    status_url: str
    assignment: str = ""


class SubmissionState(BaseModel):
    """What the server says of one submission.

    Attributes:
        state: `waiting` and `running`, then `recorded` or, where grading it failed on our side,
            `set_aside`.
        message: the same in a sentence, with the score once that is published.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: str
    message: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether asking again makes sense."""
        return self.state in _OPEN

    @property
    def is_recorded(self) -> bool:
        """Whether it was graded, with whatever verdict."""
        return self.state == _RECORDED


class _Refusal(BaseModel):
    model_config = ConfigDict(extra="ignore")

    message: str


def open_client(url: str, student: str) -> httpx.Client:
    """Return a client that speaks to the server as this student.

    Args:
        url: of the server, with its prefix, ending in a slash.
        student: goes out as UTF-8 in the header that the identity `dev` believes.

    Raises:
        GoferError: no student can be called that.
    """
    try:
        name = opaque_name(student)
    except ValueError as error:
        raise GoferError(f"That cannot be a student's name: {error}.") from None
    return httpx.Client(
        base_url=url,
        headers={b"X-Gofer-Student": name.encode(), b"Accept": b"application/json"},
        timeout=_TIMEOUT,
        trust_env=may_use_proxy(url),
    )


def submit_notebook(client: httpx.Client, notebook: bytes) -> Receipt:
    """Send one notebook and return its receipt.

    Raises:
        SubmissionRejected: the server answered and took nothing; the message is its own, unless it
            wants to know who sends this.
        GoferError: no server answered, or something that is not Gofer.
    """
    answer = _request(client, "POST", "", content=notebook)
    if answer.is_success:
        return _read(Receipt, answer)
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise SubmissionRejected(_NOT_DEV)  # the server's own words are for students
    raise SubmissionRejected(_message(answer))


def ask_state(client: httpx.Client, receipt: Receipt) -> SubmissionState:
    """Ask the server what became of a submission.

    Raises:
        GoferError: no server answered, or it would not say.
    """
    answer = _request(client, "GET", client.base_url.join(receipt.status_url))
    if answer.is_success:
        return _read(SubmissionState, answer)
    raise GoferError(_message(answer))


def wait_for_state(client: httpx.Client, receipt: Receipt) -> SubmissionState:
    """Ask until the submission is no longer waiting; the person at the terminal ends it otherwise.

    Raises:
        GoferError: as `ask_state`.
    """
    while (state := ask_state(client, receipt)).is_waiting:
        time.sleep(_POLL_S)
    return state


def read_notebook(path: Path) -> bytes:
    """Return a file's bytes; whether they are a notebook is for the server to say.

    Raises:
        SubmissionRejected: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise SubmissionRejected(f"The file cannot be read: {error.strerror}.") from error


def may_use_proxy(url: str) -> bool:
    """Whether a proxy that the environment names may be asked: it cannot know our own loopback."""
    return not _is_loopback(httpx.URL(url).host)


def _request(
    client: httpx.Client, method: str, url: httpx.URL | str, content: bytes | None = None
) -> httpx.Response:
    headers = {"Content-Type": "application/json"} if content is not None else {}
    try:
        return client.request(method, url, content=content, headers=headers)
    except httpx.TimeoutException:
        raise GoferError(f"The server at {client.base_url} did not answer in time.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise GoferError(
            f"No server could be reached at {client.base_url}: {error}.\n"
            "Start it with `gofer up`, or name another one with --url or GOFER_URL."
        ) from None


def _read(model: type[Answer], answer: httpx.Response) -> Answer:
    try:
        return model.model_validate_json(answer.content)
    except ValidationError:
        raise GoferError(f"What answers at {answer.url} does not seem to be Gofer.") from None


def _message(answer: httpx.Response) -> str:
    try:
        return _Refusal.model_validate_json(answer.content).message
    except ValidationError:
        return f"The server answered {answer.status_code} {answer.reason_phrase}."


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
