"""What staff may ask for about when students see results."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.model import PublishRule
from shared.requests.payload import OfAssignment


def _as_rule(written: str) -> str:
    return str(PublishRule.parse(written))


class PublishPayload(OfAssignment):
    """Let students see an assignment's results from a moment on, or keep them back.

    Attributes:
        rule: `immediately`, `manual` for not before staff say otherwise, or a time with its zone;
            None goes back to what the course config says.
    """

    action: Literal["publish"] = "publish"
    rule: Annotated[str, Field(max_length=64), AfterValidator(_as_rule)] | None

    @property
    def publish(self) -> PublishRule | None:
        """The rule that is asked for; None follows the course config."""
        return None if self.rule is None else PublishRule.parse(self.rule)
