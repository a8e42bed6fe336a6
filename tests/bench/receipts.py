"""Pure: whether every receipt's promise was kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True)
class Promise:
    """One receipt.

    Attributes:
        id: that it names.
        sha256: that it names.
        sent_sha256: of what was sent.
    """

    id: str
    sha256: str
    sent_sha256: str


def broken(promises: Iterable[Promise], stored_sha256: Callable[[str], str | None]) -> list[str]:
    """Return one line for each receipt whose notebook is not there as it was sent.

    Args:
        promises: all receipts.
        stored_sha256: tells what an id's whole entry holds; None where there is no whole entry.
    """
    lines = []
    seen: set[str] = set()
    for promise in promises:
        if promise.id in seen:
            lines.append(f"{promise.id}: two receipts have this id")
        seen.add(promise.id)
        stored = stored_sha256(promise.id)
        if promise.sha256 != promise.sent_sha256:
            lines.append(f"{promise.id}: the receipt is for something else than was sent")
        if stored is None:
            lines.append(f"{promise.id}: there is no whole entry")
        elif stored != promise.sent_sha256:
            lines.append(f"{promise.id}: the entry holds something else than was sent")
    return lines
