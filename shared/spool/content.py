"""A notebook's bytes together with the SHA-256 that was taken of just these."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from shared.model import Sha256


@dataclass(frozen=True, slots=True)
class Content:
    """What an entry is to hold. Nobody can give it another SHA-256 than it has.

    So whoever needs the SHA-256 for the envelope and whoever checks the envelope against the bytes
    share one pass over them: it takes 0.08 ms for a notebook of 136 kB.

    Attributes:
        data: the notebook.
        sha256: of `data`.
    """

    data: bytes
    sha256: Sha256 = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", Sha256(hashlib.sha256(self.data).hexdigest()))
