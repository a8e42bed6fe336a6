"""What a student's notebook comes with."""

from __future__ import annotations

import enum
from typing import Annotated, Final, Literal

from pydantic import Field

from shared.requests.payload import Digest, Name, OfAssignment

NOTEBOOK_NAME: Final = "submission.ipynb"
"""The name under which an entry keeps its notebook."""


class Source(enum.StrEnum):
    """By which door a submission came in."""

    HUB = "hub"
    SIGNED = "signed"
    DEV = "dev"
    BATCH = "batch"
    CLI = "cli"
    CONSOLE = "console"
    CLASSIC = "classic"


class SubmitPayload(OfAssignment):
    """A student's notebook; its bytes lie beside the envelope as `submission.ipynb`.

    Attributes:
        student: as the identity adapter verified it.
        sha256: of the stored notebook's bytes.
        size_bytes: of the stored notebook.
    """

    action: Literal["submit"] = "submit"
    student: Name
    sha256: Digest
    size_bytes: Annotated[int, Field(ge=0)]
    source: Source
