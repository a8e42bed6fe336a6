"""`gofer submit`: several notebooks of one student, and what is said of each."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from gofer_console.submit import open_client, read_notebook, submit_notebook, wait_for_state
from gofer_console.terminal import plain, short_id
from shared.errors import SubmissionRejected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from gofer_console.submit import Receipt, SubmissionState


@dataclass(slots=True)
class Sent:
    """What became of one file.

    Attributes:
        path: as it was named.
        receipt: None where it was refused.
        refusal: why; None where it was taken.
        state: what became of it, once that was waited for.
    """

    path: Path
    receipt: Receipt | None = None
    refusal: str | None = None
    state: SubmissionState | None = None

    @property
    def is_well(self) -> bool:
        """Whether it was taken and, where that was waited for, graded."""
        return self.receipt is not None and (self.state is None or self.state.is_recorded)


def send(
    paths: Sequence[Path],
    *,
    student: str,
    url: str,
    has_to_wait: bool,
    out: Console | None,
    err: Console,
) -> list[Sent]:
    """Send notebooks one after the other, saying of each what the server said.

    Args:
        paths: the notebooks.
        student: whose they are.
        url: of the server.
        has_to_wait: ask after each until it was graded or set aside.
        out: takes a line for each that was taken; None says nothing.
        err: takes a line for each that was refused, and the spinner.

    Raises:
        GoferError: no server answers.
    """
    sent: list[Sent] = []
    with open_client(url, student) as client:
        for path in paths:
            one = Sent(path)
            sent.append(one)
            try:
                one.receipt = submit_notebook(client, read_notebook(path))
            except SubmissionRejected as refusal:
                one.refusal = refusal.public_message
                err.print(plain(f"{path}: {one.refusal}"), style="red", soft_wrap=True)
            else:
                if out:
                    out.print(plain(f"{path}: {receipt_line(one.receipt)}"), soft_wrap=True)
        if has_to_wait:
            with _spinner(err, "Waiting for the grader …"):
                for one in sent:
                    if one.receipt:
                        one.state = wait_for_state(client, one.receipt)
                        if out:
                            out.print(plain(f"{one.path}: {state_line(one)}"), soft_wrap=True)
    return sent


def receipt_line(receipt: Receipt) -> str:
    """Return what is said of a receipt: for what, its short id, and when."""
    return (
        f"received for {receipt.assignment}, receipt {short_id(receipt.id)}, "
        f"{receipt.received_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    )


def state_line(sent: Sent) -> str:
    """Return what is said of a submission that is no longer waiting."""
    if sent.state is not None and sent.state.message:
        return sent.state.message
    if sent.is_well:
        return "graded."
    return "could not be graded and was set aside for staff; nothing is lost."


def as_json(sent: Sequence[Sent]) -> str:
    """Return what became of each file as a list of objects."""
    return json.dumps(
        [
            {
                "file": str(one.path),
                "id": one.receipt.id if one.receipt else None,
                "assignment": one.receipt.assignment if one.receipt else None,
                "received_at": one.receipt.received_at.isoformat() if one.receipt else None,
                "state": one.state.state if one.state else None,
                "message": one.state.message if one.state else None,
                "refusal": one.refusal,
            }
            for one in sent
        ],
        indent=2,
    )


def _spinner(console: Console, text: str) -> contextlib.AbstractContextManager[object]:
    return console.status(text) if console.is_terminal else contextlib.nullcontext()
