"""Who sends a request: the port. Handlers ask it; each adapter knows one kind of sign-in."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from tornado.web import RequestHandler

    from shared.requests import Source


@dataclass(frozen=True, slots=True)
class Person:
    """Who sends a request, as an adapter verified it.

    Attributes:
        name: an opaque name.
        source: by which door.
        is_staff: whether they may look at any submission.
        body_sha256: what the body has to be, where the sign-in says so; None where it does not.
    """

    name: str
    source: Source
    is_staff: bool = False
    body_sha256: str | None = None


class Identity(abc.ABC):
    """A way to know people. It sees a request's head only: the body has not been read yet.

    Attributes:
        challenge: what WWW-Authenticate says to someone who is not known.
        hint: what that person is told.
    """

    challenge: str
    hint: str

    @abc.abstractmethod
    async def identify(self, handler: RequestHandler) -> Person | None:
        """Return who sends the request; None where nobody is signed in.

        Raises:
            NotAllowed: a request that may not be made at all, whoever sends it.
            BadName: what the request says cannot be a student's name.
            IdentityUnavailable: who it is cannot be found out just now.
        """

    def prepare(self, folder: Path) -> None:
        """Make ready what is kept from one start to the next; called once, before anyone asks.

        Args:
            folder: for the server's own small files; its parent exists.

        Raises:
            OSError: the folder cannot be used.
        """
        del folder

    def application_settings(self) -> dict[str, Any]:
        """Return what tornado's application is told for this adapter."""
        return {}

    async def close(self) -> None:  # noqa: B027 - most hold nothing open
        """Let go of what is open; nobody asks any more."""

    def addresses(self, prefix: str) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
        """Return addresses of its own that the application is to have, such as for signing in.

        Their handlers get `means` as all others do, beside what stands here.

        Args:
            prefix: path under which the server answers; begins and ends with a slash.
        """
        del prefix
        return []

    def sign_in_url(self, handler: RequestHandler) -> str | None:
        """Return where a browser that nobody is signed in on is sent; None for nowhere.

        May set cookies of the sign-in on the handler.
        """
        del handler
        return None

    def name_form_url(self, prefix: str) -> str | None:
        """Return where a form posts the name of someone who is not known; None shows no form.

        Args:
            prefix: path under which the server answers; begins and ends with a slash.
        """
        del prefix
        return None

    def sign_out_url(self, handler: RequestHandler, prefix: str) -> str | None:
        """Return where a form posts that signs this browser out; None offers nothing.

        Args:
            handler: answers with the page; somebody is signed in.
            prefix: path under which the server answers; begins and ends with a slash.
        """
        del handler, prefix
        return None

    def page_token(self, handler: RequestHandler) -> str:
        """Return what a page's own requests have to carry as `X-XSRFToken`; empty for nothing.

        Args:
            handler: answers with the page; somebody is signed in.
        """
        del handler
        return ""
