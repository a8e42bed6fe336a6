"""The base of every model that reads what came out of a sandbox: strict, and nothing beyond it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def one_line(text: str) -> str:
    """Return a text as one line that is safe to show, whatever an enemy put into it.

    White space becomes single spaces. Control characters, a terminal's sequences begin with one,
    and those that turn the direction of writing become U+FFFD.
    """
    words = " ".join(text.split())
    return "".join(character if character.isprintable() else "\ufffd" for character in words)


Line = Annotated[str, Field(max_length=64_000), AfterValidator(one_line)]
"""Words that people are shown in a sentence of ours."""
Name = Annotated[str, Field(max_length=1_000)]
ShownName = Annotated[Name, AfterValidator(one_line)]
"""The same for a name that such a sentence may hold."""


class Untrusted(BaseModel):
    """What an enemy may have written; its errors never quote it."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )
