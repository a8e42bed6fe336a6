"""The port of those who know people: JupyterHub, or an OpenID Connect provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shared.errors import GoferError

if TYPE_CHECKING:
    from gofer_console.web.person import Person


class ProviderAway(GoferError):
    """Who signs people in does not answer."""


class SignInRefused(GoferError):
    """Who signs people in does not vouch for this one."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom a provider vouches for.

    Attributes:
        person: None where they may not in here.
        token: by which the provider is asked about them again; it never leaves this process.
    """

    person: Person | None
    token: str


class Provider(Protocol):
    """Knows people, by OAuth's authorization code with PKCE."""

    name: str
    """As pages call it."""

    def authorize_url(self, *, state: str, challenge: str, nonce: str) -> str:
        """Return where browsers are sent to sign in.

        Raises:
            ProviderAway: it does not say where that is.
        """

    def redeem(self, code: str, *, verifier: str, nonce: str) -> Vouched:
        """Return whom a code stands for. It blocks.

        Raises:
            ProviderAway: it does not answer.
            SignInRefused: the code is not good.
        """

    def ask(self, token: str) -> Person | None:
        """Return who it is by now; None where they may no longer in. It blocks.

        Raises:
            ProviderAway: it does not answer.
        """
