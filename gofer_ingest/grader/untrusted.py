"""The base of every model that reads what came out of a sandbox: strict, and nothing beyond it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(max_length=1_000)]


class Untrusted(BaseModel):
    """What an enemy may have written; its errors never quote it."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )
