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

from gofer_ingest.server.cross_origin import ORIGIN
from gofer_ingest.server.errors import (
    UNEXPECTED,
    Answer,
    NotFound,
    WrongExpectation,
    WrongMethod,
    answer_to,
)
from gofer_ingest.server.negotiation import is_page_visit, wants_json, wants_page
from gofer_ingest.server.pages import POLICY
from shared.errors import GoferError, NotAuthenticated

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Iterable
    from concurrent.futures import Executor
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
    is_routine: ClassVar[bool] = False
    """Whether programs ask here again and again, so that its successes are no news in the log."""

    means: Means
    body: Body | None = None
    submission_id: str | None = None
    """For the log."""

    def initialize(self, means: Means) -> None:
        """Take what tornado hands every handler of the application."""
        self.means = means
        self.is_logged = False
        self.is_whole = False
        self._is_answered = False
        """Whether the answer was written before the body was read."""
        self._is_lingering = False
        """Whether it has been sent already, and the rest of the body is only dropped."""
        self._patience: asyncio.TimerHandle | None = None
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

    @property
    def is_page_wanted(self) -> bool:
        """Whether this request is to be answered with a page for people."""
        accept = ",".join(self.request.headers.get_list("Accept"))
        return self.request.method in {"GET", "HEAD"} and wants_page(accept)

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
        return await self._run(self.means.executor, partial(function, *arguments, **named))

    async def in_large_thread(
        self, function: Callable[P, R], *arguments: P.args, **named: P.kwargs
    ) -> R:
        """Run what takes long and much memory in the one thread for it, and wait for it."""
        return await self._run(self.means.large_executor, partial(function, *arguments, **named))

    async def find_room(self) -> None:
        """Check that there is room for one more submission beside all those in hand.

        Raises:
            TooManyWaiting, SpoolFull: there is none.
            SpoolUnavailable: it cannot be looked for.
        """
        room = self.means.room
        if room.is_look_due:
            await self.in_thread(room.refresh)
        room.check(self.means.budget.used_bytes)

    async def enquire(self, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        """Run what asks the gradebook in a thread of its own kind, and wait for it."""
        return await self._run(self.means.enquiry_executor, partial(function, *arguments, **named))

    async def _run(self, executor: Executor, function: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(executor, function)

    def write_text(self, text: str) -> None:
        """Answer in text, with the given sentence and nothing else."""
        self.write_content("text/plain; charset=utf-8", f"{text}\n".encode())

    def write_json(self, content: dict[str, Any]) -> None:
        """Answer in JSON that holds no markup, whatever somebody is called."""
        written = json.dumps(content).replace("<", "\\u003c").replace(">", "\\u003e")
        self.write_content("application/json", written.encode("ascii") + b"\n")

    def write_page(self, content: bytes) -> None:
        """Answer with a page, which may load what is this server's own and nothing else."""
        self.set_header("Content-Security-Policy", POLICY)
        # With `no-referrer` browsers would hide the origin of our own forms from us as well.
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Vary", "Accept")
        self.write_content("text/html; charset=utf-8", content)

    def write_content(self, kind: str, content: bytes) -> None:
        """Answer with content of this type."""
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

    def compute_etag(self) -> str | None:
        """Return None: nothing here is to be cached, unless a subclass says so."""
        return None

    async def prepare(self) -> None:
        """Admit the request or refuse it, before its body is read."""
        self.means.in_hand.add(self)
        cross_origin = self.means.cross_origin
        try:
            if cross_origin.is_preflight(self.request.method, self.request.headers):
                self._set_headers(cross_origin.leave(self._origin, self.allowed))
                self.set_status(HTTPStatus.NO_CONTENT)
                self._is_answered = True
                return
            if self.request.method not in self.allowed:
                raise WrongMethod(self.allowed)
            if self.request.headers.get("Expect", "100-continue").lower() != "100-continue":
                raise WrongExpectation
            await self.admit()
        except GoferError as error:
            await self._refuse(error)

    async def data_received(self, chunk: bytes) -> None:
        """Keep the next bytes of a body that was admitted, drop those of any other."""
        self.means.metrics.received(len(chunk))
        if self._is_answered or self.body is None:
            self._dropped_bytes += len(chunk)
            if self._dropped_bytes > LINGER_BYTES and not self._finished:
                self.finish()  # which closes the connection, since there is more to read
            return
        try:
            self.body.add(chunk)
        except GoferError as error:
            await self._refuse(error)

    async def _answer(self, *words: str) -> None:
        self.is_whole = True
        if self._is_answered:
            self.finish()
            if self._is_lingering:
                self._connection.close()  # as the answer said
            return
        try:
            await self.answer(*words)
        except GoferError as error:
            self._write_refusal(error)
        finally:
            self._drop_body()

    get = head = post = put = patch = delete = options = _answer

    def flush(self, include_footers: bool = False) -> Future[None]:  # noqa: FBT001, FBT002 - tornado's
        """Send what was written; with its first part go the headers that every answer has."""
        if not self._headers_written:
            for name, value in self.means.cross_origin.every_answer(self._origin):
                self.add_header(name, value)  # Vary may have been said already
            if self.means.in_hand.is_last_call:
                self.set_header("Connection", "close")
        return super().flush(include_footers)

    def cut(self) -> None:
        """Close the connection; what arrived of the request is forgotten."""
        self._connection.close()

    def on_connection_close(self) -> None:
        """Forget a request whose client went away."""
        super().on_connection_close()
        self._leave()
        if not (self._is_answered or self._finished):
            _log.info("A client went away before it had its answer", extra=self._named("http.cut"))

    def on_finish(self) -> None:
        """Forget a request that was answered."""
        self._leave()

    def write_error(self, status_code: int, **details: Any) -> None:
        """Write what nobody foresaw in the same shape as everything else."""
        del details
        if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            self._write_answer(answer_to(WrongMethod(self.allowed)), None)
        else:
            self._write_answer(UNEXPECTED, None)
        if not self.is_whole:
            self.set_header("Connection", "close")  # as tornado does, since there may be more
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
    def _origin(self) -> str | None:
        return self.request.headers.get(ORIGIN)

    @property
    def peer(self) -> str:
        """The address at the other end of the connection itself, whatever headers say."""
        # Not `remote_ip`, which a proxy's headers may have changed; nor the socket, which may be
        # closed by now.
        return str(cast("Any", self._connection.context).address[0])

    @property
    def _connection(self) -> HTTP1Connection:
        return cast("HTTP1Connection", self.request.connection)

    # --- refusing --------------------------------------------------------------------------------

    async def _refuse(self, error: GoferError) -> None:
        """Answer at once; what is still to come of the body is dropped."""
        self._is_answered = True
        self._drop_body()
        self._write_refusal(error)
        headers = self.request.headers
        is_more_coming = headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers
        if not is_more_coming:
            return  # it goes out when tornado has seen that, and the connection lives on
        self.set_header("Connection", "close")
        if "Expect" in headers:
            self.finish()  # so the client is not told to go on
            return
        self._is_lingering = True
        self._connection.set_body_timeout(LINGER_S)  # which does nothing once it is being read
        self._patience = asyncio.get_running_loop().call_later(LINGER_S, self.cut)
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
        self.means.metrics.rejected(answer.code)
        self._set_headers(answer.headers)
        if isinstance(error, NotAuthenticated):
            self.set_header("WWW-Authenticate", self.means.identity.challenge)
        self.set_header("Vary", "Accept")
        if self.is_page_wanted:
            self._write_refusal_page(answer, error)
        elif self.is_json_wanted:
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

    def _set_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        for name, value in headers:
            self.set_header(name, value)

    def _write_refusal_page(self, answer: Answer, error: GoferError | None) -> None:
        identity = self.means.identity
        is_unknown = isinstance(error, NotAuthenticated)
        self.write_page(
            self.means.pages.refusal(
                answer.status,
                answer.message,
                name_form_url=identity.name_form_url(self.means.prefix) if is_unknown else None,
                next_path=self.request.path,
            )
        )

    def _drop_body(self) -> None:
        if self.body is not None:
            self.body.drop()

    def _leave(self) -> None:
        """Forget the request, which is over."""
        self._drop_body()
        self.means.in_hand.discard(self)
        if self._patience is not None:
            self._patience.cancel()
