"""What staff may ask for about entries that were set aside and runs that are held."""

from __future__ import annotations

from typing import Literal

from shared.requests.payload import EntryId, Payload


class RetryPayload(Payload):
    """Grade a buried entry again, with all its tries.

    Attributes:
        entry: which one; it lies in `failed/`.
    """

    action: Literal["retry"] = "retry"
    entry: EntryId


class DiscardPayload(Payload):
    """Give a buried entry up: it goes to the archive without a grade.

    Attributes:
        entry: which one; it lies in `failed/`.
    """

    action: Literal["discard"] = "discard"
    entry: EntryId


class AcceptFlaggedPayload(Payload):
    """Let a run that is held for its flag count.

    Attributes:
        run: which one; a run and not a submission, since another run of it may be held anew.
    """

    action: Literal["accept_flagged"] = "accept_flagged"
    run: EntryId
