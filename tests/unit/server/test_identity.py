from __future__ import annotations

import asyncio

import pytest
from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.web import Application, RequestHandler

from gofer_ingest.server.errors import BadName, NotAllowed
from gofer_ingest.server.identity import DevIdentity, Person, choose_identity
from shared.config import ServerSettings
from shared.errors import ConfigError
from shared.requests import Source


class _Connection(HTTPConnection):
    """A connection of which nothing is known."""

    context = None

    def set_close_callback(self, callback: object) -> None:
        """Never closes."""


def identify(
    *headers: tuple[str, str], host: str = "127.0.0.1:10101", allowed: tuple[str, ...] = ()
) -> Person | None:
    sent = HTTPHeaders({"Host": "localhost"})
    for name, value in headers:
        sent.add(name, value)
    line = RequestStartLine("POST", "/", "HTTP/1.1")
    request = HTTPServerRequest(headers=sent, start_line=line, connection=_Connection())
    request.headers["Host"] = host  # tornado itself already refuses some, not all versions do
    handler = RequestHandler(Application(), request)
    return asyncio.run(DevIdentity(allowed_origins=allowed).identify(handler))


def as_sent(name: str) -> tuple[str, str]:
    """A header as tornado hands it over: the bytes on the wire, read as Latin-1."""
    return "X-Gofer-Student", name.encode("utf-8").decode("latin-1")


@pytest.mark.parametrize("name", ["ada", "josé", "a@b.edu", "학생"])
def test_the_header_names_the_student(name: str) -> None:
    assert identify(as_sent(name)) == Person(name, Source.DEV)


def test_without_the_header_nobody_is_signed_in() -> None:
    assert identify() is None
    assert identify(as_sent("")) is None


@pytest.mark.parametrize("name", ["../x", "x" * 4096, "a\u202eb"])
def test_a_name_that_cannot_be_used_is_refused(name: str) -> None:
    with pytest.raises(BadName):
        identify(as_sent(name))


def test_a_name_that_is_not_utf_8_is_refused_rather_than_guessed() -> None:
    with pytest.raises(BadName, match="UTF-8"):
        identify(("X-Gofer-Student", "jos\xe9"))


def test_two_names_are_refused() -> None:
    with pytest.raises(BadName, match="not 2"):
        identify(as_sent("ada"), as_sent("grace"))


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:10101", "127.0.0.1", "127.9.9.9:80", "[::1]:10101"]
)
def test_loopback_hosts_are_our_own(host: str) -> None:
    assert identify(as_sent("ada"), host=host) is not None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:10101",
        "127.0.0.1.evil.example",
        "192.0.2.1",
        "[::1",
        "a@127.0.0.1",
        "localhost.evil.example",
        "127.0.0.1,evil.example",
    ],
)
def test_a_page_that_points_its_own_name_here_is_refused(host: str) -> None:
    with pytest.raises(NotAllowed):
        identify(as_sent("ada"), host=host)


def test_our_own_origin_is_allowed() -> None:
    assert identify(as_sent("ada"), ("Origin", "http://127.0.0.1:10101")) is not None


@pytest.mark.parametrize(
    "header",
    [
        ("Origin", "http://evil.example"),
        ("Origin", "http://127.0.0.1:8888"),
        ("Origin", "https://127.0.0.1:10101"),
        ("Origin", "null"),
        ("Origin", ""),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ],
)
def test_pages_of_other_sites_are_refused(header: tuple[str, str]) -> None:
    with pytest.raises(NotAllowed):
        identify(as_sent("ada"), header)


LAB = "http://localhost:8888"


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_pages_of_an_origin_that_the_settings_name_are_let_in(site: str) -> None:
    headers = (("Origin", LAB), ("Sec-Fetch-Site", site))
    assert identify(as_sent("ada"), *headers, allowed=(LAB,)) is not None


def test_naming_one_origin_lets_no_other_in_nor_another_name_of_this_server() -> None:
    with pytest.raises(NotAllowed):
        identify(as_sent("ada"), ("Origin", "http://localhost:8889"), allowed=(LAB,))
    with pytest.raises(NotAllowed):
        identify(as_sent("ada"), ("Sec-Fetch-Site", "cross-site"), allowed=(LAB,))
    with pytest.raises(NotAllowed):
        identify(as_sent("ada"), ("Origin", LAB), host="evil.example", allowed=(LAB,))


def test_the_server_starts_with_nobody_unless_told_how_to_know_students() -> None:
    with pytest.raises(ConfigError, match=r"^GOFER_IDENTITY: .*`dev`"):
        choose_identity(ServerSettings(identity=None))


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "gofer.example.edu"])
def test_dev_is_for_loopback_only(address: str) -> None:
    with pytest.raises(ConfigError, match=r"^GOFER_ADDRESS: "):
        choose_identity(ServerSettings(identity="dev", address=address))
    assert isinstance(choose_identity(ServerSettings(identity="dev", address="::1")), DevIdentity)
