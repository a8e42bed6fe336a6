"""HTTP with an LMS: calls end by their deadline, follow no redirect and read a bounded answer.

An LMS is a stranger that holds our secrets' other half. It may be slow without end, send without
end, or send on to elsewhere with what we signed. The calls run in an event loop of their own
thread: a deadline holds there for looking up names and for headers that drip, where timeouts of
single reads do not.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import httpx

from shared.lti.answers import refused, try_later

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER_MAX_BYTES: Final = 256 * 1024
_CONNECTIONS_MAX: Final = 32
_USER_AGENT: Final = "gofer"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a call may take, in seconds, > 0.

    Attributes:
        connect_s: until the connection stands, TLS included.
        read_s: of silence while waiting for the answer.
        total_s: from the call to the last byte of the answer.
    """

    connect_s: float = 10.0
    read_s: float = 30.0
    total_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came.

    Attributes:
        status: three digits.
        headers: names in lower case.
        body: up to `ANSWER_MAX_BYTES` of it.
        is_whole: whether that is all of it, and not compressed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    is_whole: bool = True

    @property
    def is_good(self) -> bool:
        """Whether the status is one of the two hundreds."""
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110, section 15.3

    def json(self) -> object:
        """Return the body as JSON; None where it is none."""
        if not self.is_whole:
            return None
        try:
            found: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found


class LmsHttp:
    """A client for one LMS. Threads may call it at once.

    Args:
        deadlines: of every call.
        trust: certificate authorities; None takes the usual ones and the system's.
    """

    def __init__(
        self, deadlines: Deadlines | None = None, trust: ssl.SSLContext | None = None
    ) -> None:
        self._deadlines = deadlines or Deadlines()
        self._client = httpx.AsyncClient(
            verify=trust or _usual_trust(),
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_connections=_CONNECTIONS_MAX),
            timeout=httpx.Timeout(
                self._deadlines.read_s,
                connect=self._deadlines.connect_s,
                pool=self._deadlines.total_s,
            ),
        )
        self._lock = threading.Lock()
        self._is_open = True
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lms", daemon=True)
        self._thread.start()

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        """Make one call, and return the answer whatever its status.

        Raises:
            CallFailed: there was no answer in time, or only a part of one; the address cannot be
                one; or this was closed meanwhile.
        """
        check_address(url)
        with self._lock:
            if not self._is_open:
                raise _stopping()
            call = self._exchange(method, url, headers, body)
            answer = asyncio.run_coroutine_threadsafe(call, self._loop)
        try:
            return answer.result()
        except CancelledError:
            raise _stopping() from None

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        try:
            async with (
                asyncio.timeout(self._deadlines.total_s),
                self._client.stream(method, url, headers=dict(headers), content=body) as answer,
            ):
                return await _read(answer)
        except (TimeoutError, httpx.TimeoutException):
            raise try_later("The LMS did not answer in time.", "timeout") from None
        except httpx.ConnectError as error:
            if _is_about_certificates(error):
                raise try_later(
                    "The LMS's certificate cannot be trusted, so nothing was sent.", "certificate"
                ) from None
            raise try_later("The LMS cannot be reached.", "unreachable") from None
        except httpx.TransportError:
            raise try_later("The connection to the LMS was cut.", "cut") from None
        except (httpx.InvalidURL, UnicodeError):
            raise _no_address() from None

    def close(self) -> None:
        """End the calls that are under way, let go of the connections and end the thread."""
        with self._lock:
            self._is_open = False
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await self._client.aclose()


def check_address(url: str) -> None:
    """Let an address through that can be called.

    Raises:
        CallFailed: it is not one of http or https with a host, or names a user.
    """
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or not url.isascii() or not url.isprintable() or " " in url or parts.username:
        raise _no_address()


def followed(named: str, asked: str) -> str:
    """Return an address that an answer names, where a token may go to it.

    Args:
        named: by the answer; may be relative.
        asked: the address that gave the answer.

    Raises:
        CallFailed: it is of another host than the one that was asked.
    """
    target = urljoin(asked, named)
    check_address(target)
    ours, theirs = urlsplit(asked), urlsplit(target)
    if (theirs.hostname, _unusual_port(theirs)) != (ours.hostname, _unusual_port(ours)):
        raise refused(
            "The LMS names an address on another host, and Gofer goes to none.", "address"
        )
    # An LMS behind a proxy that ends TLS may not know that it is spoken to by https.
    return urlunsplit(theirs._replace(scheme=ours.scheme, netloc=ours.netloc))


def _unusual_port(parts: SplitResult) -> int | None:
    usual = {"http": 80, "https": 443}[parts.scheme]
    return None if parts.port == usual else parts.port


async def _read(answer: httpx.Response) -> Reply:
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > ANSWER_MAX_BYTES:
            break
    is_plain = answer.headers.get("content-encoding", "identity").strip().lower() == "identity"
    return Reply(
        answer.status_code,
        {name.lower(): value for name, value in answer.headers.items()},
        bytes(body[:ANSWER_MAX_BYTES]),
        is_whole=is_plain and len(body) <= ANSWER_MAX_BYTES,
    )


def _stopping() -> Exception:
    return try_later("Gofer was stopped, so the answer is not known.", "stopping")


def _no_address() -> Exception:
    return refused("The address of the LMS cannot be used: see the course config.", "address")


def _is_about_certificates(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _usual_trust() -> ssl.SSLContext:
    """Trust what browsers trust, and what the system does: a campus may have an authority."""
    trust = httpx.create_ssl_context()
    trust.load_default_certs()
    return trust
