"""HTTP with an LMS: certificates, deadlines, and threads that come and go."""

from __future__ import annotations

import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.lti.answers import CallFailed
from shared.lti.http import Deadlines, LmsHttp, followed
from tests.support.faulty_http import Fault, FaultyServer, Request, Response
from tests.support.processes import DEADLINE_S, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = datetime(2026, 11, 24, tzinfo=UTC)


class Door:
    """A server that counts who comes in."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Response:
        self.asked.append(request)
        return Response(200, b"welcome")


@pytest.fixture
def door() -> Door:
    return Door()


def certificate(folder: Path, *, starts_at: datetime, host: str = "127.0.0.1") -> Path:
    """Write a certificate that signs itself, with its key."""
    key = generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lms")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(starts_at)
        .not_valid_after(starts_at + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), False)  # noqa: FBT003
        .sign(key, hashes.SHA256())
    )
    path = folder / "lms.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem + signed.public_bytes(Encoding.PEM))
    return path


def served_with(path: Path, door: Door) -> FaultyServer:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    return FaultyServer(door.answer, tls=tls)


def call(http: LmsHttp, url: str) -> str | None:
    """Return why a call failed; None where it did not."""
    try:
        http.send("POST", url, {}, b"grade")
    except CallFailed as failed:
        return failed.answer.cause
    return None


def test_an_lms_with_a_certificate_of_its_own_making_is_told_nothing(
    tmp_path: Path, door: Door
) -> None:
    path = certificate(tmp_path, starts_at=datetime.now(UTC) - timedelta(days=1))
    with served_with(path, door) as server:
        http = LmsHttp()
        assert call(http, server.url) == "certificate"
        http.close()
    assert door.asked == []


@pytest.mark.parametrize(
    ("host", "age_days", "cause"),
    [("127.0.0.1", 1, None), ("127.0.0.2", 1, "certificate"), ("127.0.0.1", 9, "certificate")],
    ids=["trusted", "of another host", "expired"],
)
def test_a_certificate_is_checked_whole(
    tmp_path: Path, door: Door, host: str, age_days: int, cause: str | None
) -> None:
    starts_at = datetime.now(UTC) - timedelta(days=age_days)
    path = certificate(tmp_path, starts_at=starts_at, host=host)
    with served_with(path, door) as server:
        http = LmsHttp(trust=ssl.create_default_context(cafile=str(path)))
        assert call(http, server.url) == cause
        http.close()
    assert len(door.asked) == (cause is None)


@pytest.fixture
def hasty() -> Iterator[LmsHttp]:
    http = LmsHttp(Deadlines(connect_s=9, read_s=9, total_s=1.5))
    yield http
    http.close()


@pytest.mark.parametrize("kind", ["hold", "drip"])
def test_the_whole_of_a_call_has_a_deadline_however_it_is_spent(
    door: Door, hasty: LmsHttp, kind: str
) -> None:
    with FaultyServer(door.answer) as server:
        server.faults.plan([Fault(kind)])
        started = time.monotonic()
        assert call(hasty, server.url) == "timeout"
        assert time.monotonic() - started < 6
        wait_until(lambda: call(hasty, server.url) is None)


def test_a_slow_call_keeps_no_other_waiting(door: Door) -> None:
    hasty = LmsHttp(Deadlines(connect_s=9, read_s=5, total_s=5))
    with FaultyServer(door.answer) as server:
        server.faults.plan([Fault("hold", of="/slow")])
        causes: list[str | None] = []
        slow = threading.Thread(target=lambda: causes.append(call(hasty, f"{server.url}/slow")))
        slow.start()
        wait_until(lambda: call(hasty, f"{server.url}/quick") is None)
        assert causes == []  # the slow one still waits
        slow.join()
    assert causes == ["timeout"]
    hasty.close()


def test_closing_ends_its_thread(door: Door) -> None:
    def threads_of_it() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name == "lms"}

    before = threads_of_it()
    with FaultyServer(door.answer) as server:
        http = LmsHttp()
        assert call(http, server.url) is None
        assert len(threads_of_it() - before) == 1
        http.close()
    assert threads_of_it() == before


def test_closing_ends_what_is_under_way(door: Door) -> None:
    with FaultyServer(door.answer) as server:
        server.faults.plan([Fault("hold")])
        http = LmsHttp()
        causes: list[str | None] = []
        waiting = threading.Thread(target=lambda: causes.append(call(http, server.url)))
        waiting.start()
        wait_until(server.faults.is_spent)
        http.close()
        waiting.join(DEADLINE_S)
        assert causes == ["stopping"]
        assert call(http, server.url) == "stopping"


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("/items?page=2", "https://lms.org/items?page=2"),
        ("?page=2", "https://lms.org/a/items?page=2"),
        ("http://lms.org/b", "https://lms.org/b"),
        ("https://LMS.org/b", "https://lms.org/b"),
        ("https://lms.org:443/b", "https://lms.org/b"),
        ("http://lms.org:80/b", "https://lms.org/b"),
        ("http://lms.org:443/b", None),
        ("https://lms.org:444/b", None),
        ("https://evil.org/b", None),
        ("//evil.org/b", None),
        ("https://lms.org@evil.org/b", None),
        ("https://lms.org.evil.org/b", None),
    ],
)
def test_an_address_in_an_answer_is_followed_on_the_same_host_alone(
    named: str, found: str | None
) -> None:
    try:
        assert followed(named, "https://lms.org/a/items") == found
    except CallFailed as failed:
        assert failed.answer.cause == "address"  # noqa: PT017 - and nothing else
        assert found is None
