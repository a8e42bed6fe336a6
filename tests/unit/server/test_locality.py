from __future__ import annotations

import pytest
from tornado.httputil import HTTPHeaders

from gofer_ingest.server.locality import FORWARDED, is_local, is_loopback_host


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.1.2.3", "::1"])
@pytest.mark.parametrize("host", ["127.0.0.1:10101", "localhost", "[::1]:10101"])
def test_a_program_on_this_machine_is_local(peer: str, host: str) -> None:
    assert is_local(peer, HTTPHeaders({"Host": host}))


@pytest.mark.parametrize("peer", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "", "localhost", "?"])
def test_a_connection_from_elsewhere_is_not_local(peer: str) -> None:
    assert not is_local(peer, HTTPHeaders({"Host": "127.0.0.1"}))


@pytest.mark.parametrize("name", FORWARDED)
def test_what_a_proxy_passes_on_is_not_local_whatever_it_says(name: str) -> None:
    assert not is_local("127.0.0.1", HTTPHeaders({"Host": "127.0.0.1", name: "127.0.0.1"}))
    assert not is_local("127.0.0.1", HTTPHeaders({"Host": "127.0.0.1", name.lower(): ""}))


@pytest.mark.parametrize("host", ["gofer.example.edu", "127.0.0.1.example.edu", "", "10.0.0.1"])
def test_what_was_reached_under_another_name_is_not_local(host: str) -> None:
    assert not is_local("127.0.0.1", HTTPHeaders({"Host": host}))


@pytest.mark.parametrize("host", ["localhost@evil.example", "evil.example@localhost", "[::1"])
def test_a_name_that_hides_another_is_no_loopback_name(host: str) -> None:
    assert not is_loopback_host(host)
