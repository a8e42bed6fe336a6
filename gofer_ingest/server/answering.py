"""The one base of all handlers: it admits, answers, refuses, and writes every error the same way.

A refusal often comes before the body was read. Closing the connection then makes the client's
kernel throw our answer away together with what it could not send, so the answer goes out at once
and the rest of the body is read and dropped for a while.
"""

from __future__ import annotations

import asyncio
import json
import logging
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final, ParamSpec, TypeVar, cast

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, stream_request_body

from gofer_ingest.server.errors import (
    UNEXPECTED,
    Answer,
    NotFound,
    WrongExpectation,
    WrongMethod,
    answer_to,
)
from gofer_ingest.server.negotiation import is_page_visit, wants_json
from shared.errors import GoferError, NotAuthenticated

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tornado.http1connection import HTTP1Connection

    from gofer_ingest.server.bodies import Body
    from gofer_ingest.server.identity import Person
    from gofer_ingest.server.means import Means

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger(__name__)

LINGER_S: Final = 30.0
"""Seconds that the rest of a refused body is read and dropped."""
LINGER_BYTES: Final = 1 << 30
"""Bytes of a refused body that are read and dropped."""


@stream_request_body
class Handler(RequestHandler):
    """A request's frame. Subclasses say what they admit and how they answer."""

    allowed: ClassVar[frozenset[str]] = frozenset({"GET", "HEAD"})
    """Methods that the address takes."""

    means: Means
    body: Body | None = None
    submission_id: str | None = None
    """For the log."""

    def initialize(self, means: Means) -> None:
        """Take what tornado hands every handler of the application."""
        self.means = means
        self.is_logged = False
        self._is_refused = False
        self._dropped_bytes = 0

    # --- what subclasses say ---------------------------------------------------------------------

    async def admit(self) -> None:
        """Check all that can be checked before the body is read; raise to refuse."""

    async def answer(self, *words: str) -> None:
        """Answer, once the body is whole; raise to refuse."""
        del words
        raise NotFound

    @property
    def is_json_usual(self) -> bool:
        """Whether to answer in JSON where the request does not say."""
        return True

    # --- help for them ---------------------------------------------------------------------------

    @property
    def is_json_wanted(self) -> bool:
        """Whether this request is to be answered in JSON rather than in text."""
        accept = ",".join(self.request.headers.get_list("Accept"))
        return wants_json(accept, otherwise=self.is_json_usual)

    async def person(self) -> Person:
        """Return who sends this request.

        Raises:
            NotAuthenticated: nobody is signed in.
            NotAllowed, BadName: as the identity adapter says.
        """
        person = await self.means.identity.identify(self)
        if person is None:
            raise NotAuthenticated(self.means.identity.hint)
        return person

    async def in_thread(self, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        """Run what touches the disk in a thread, and wait for it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self.means.executor, partial(function, *arguments, **named)
        )

    def write_text(self, text: str) -> None:
        """Answer in text, with the given sentence and nothing else."""
        self._write("text/plain; charset=utf-8", f"{text}\n".encode())

    def write_json(self, content: dict[str, Any]) -> None:
        """Answer in JSON."""
        self._write("application/json", json.dumps(content).encode("ascii") + b"\n")

    def _write(self, kind: str, content: bytes) -> None:
        self.set_header("Content-Type", kind)
        self.set_header("Content-Length", str(len(content)))
        self.write(content)

    # --- what tornado calls ----------------------------------------------------------------------

    def set_default_headers(self) -> None:
        """Make every answer inert for a browser, and say nothing of our versions."""
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")

    def compute_etag(self) -> None:
        """Nothing here is to be cached."""

    async def prepare(self) -> None:
        """Admit the request or refuse it, before its body is read."""
        self.means.in_hand.add(self)
        try:
            if self.request.method not in self.allowed:
                raise WrongMethod(self.allowed)
            if self.request.headers.get("Expect", "100-continue").lower() != "100-continue":
                raise WrongExpectation
            await self.admit()
        except GoferError as error:
            await self._refuse(error)

    async def data_received(self, chunk: bytes) -> None:
        """Keep the next bytes of a body that was admitted, drop those of any other."""
        if self._is_refused or self.body is None:
            self._dropped_bytes += len(chunk)
            if self._dropped_bytes > LINGER_BYTES and not self._finished:
                self.finish()  # which closes the connection, since there is more to read
            return
        try:
            self.body.add(chunk)
        except GoferError as error:
            await self._refuse(error)

    async def _answer(self, *words: str) -> None:
        if self._is_refused:
            self.finish()
            self._connection.close()  # as the answer said
            return
        try:
            await self.answer(*words)
        except GoferError as error:
            self._write_refusal(error)
        finally:
            self._drop_body()

    get = head = post = put = patch = delete = options = _answer

    def on_connection_close(self) -> None:
        """Forget a request whose client went away."""
        super().on_connection_close()
        self._drop_body()
        self.means.in_hand.discard(self)
        if not self._is_refused:
            _log.info("A client went away before it had its answer", extra=self._named("http.cut"))

    def on_finish(self) -> None:
        """Forget a request that was answered."""
        self._drop_body()
        self.means.in_hand.discard(self)

    def write_error(self, status_code: int, **details: Any) -> None:
        """Write what nobody foresaw in the same shape as everything else."""
        del details
        if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            self._write_answer(answer_to(WrongMethod(self.allowed)), None)
        else:
            self._write_answer(UNEXPECTED, None)
        self.finish()

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log what nobody foresaw, without the request's query, headers or body."""
        if typ is None or value is None or isinstance(value, (HTTPError, StreamClosedError)):
            return
        _log.error(
            "A request failed",
            exc_info=(typ, value, tb),
            extra=self._named("http.failed"),
        )

    def _named(self, action: str) -> dict[str, object]:
        return {"action": action, "method": self.request.method, "path": self.request.path}

    @property
    def _connection(self) -> HTTP1Connection:
        return cast("HTTP1Connection", self.request.connection)

    # --- refusing --------------------------------------------------------------------------------

    async def _refuse(self, error: GoferError) -> None:
        """Answer at once; what is still to come of the body is dropped."""
        self._is_refused = True
        self._drop_body()
        self._write_refusal(error)
        headers = self.request.headers
        is_more_coming = headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers
        if not is_more_coming or "Expect" in headers:
            self.finish()
            return
        self.set_header("Connection", "close")
        self._connection.set_body_timeout(LINGER_S)
        try:
            await self.flush()
        except StreamClosedError:
            return
        finally:
            # It is answered: a stop need not wait for the rest, nor the log.
            self.means.in_hand.discard(self)
            self.application.log_request(self)

    def _write_refusal(self, error: GoferError) -> None:
        """Tell why not; send a browser that nobody is signed in on to where people sign in."""
        if isinstance(error, NotAuthenticated) and is_page_visit(
            self.request.method, self.request.headers
        ):
            self.clear()
            url = self.means.identity.sign_in_url(self)
            if url is not None:
                self.set_status(HTTPStatus.FOUND)
                self.set_header("Location", url)
                return
        self._write_answer(answer_to(error), error)

    def _write_answer(self, answer: Answer, error: GoferError | None) -> None:
        self.clear()
        self.set_status(answer.status)
        for name, value in answer.headers:
            self.set_header(name, value)
        if isinstance(error, NotAuthenticated):
            self.set_header("WWW-Authenticate", self.means.identity.challenge)
        self.set_header("Vary", "Accept")
        if self.is_json_wanted:
            self.write_json(
                {
                    "status": int(answer.status),
                    "code": answer.code,
                    "message": answer.message,
                }
            )
        else:
            self.write_text(answer.message)
        if error is not None and answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.warning(
                "A request could not be served",
                extra={"action": "http.unavailable", "code": answer.code, "reason": str(error)},
            )

    def _drop_body(self) -> None:
        if self.body is not None:
            self.body.drop()
