from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.web import Application, RequestHandler

from gofer_ingest.server.errors import NotAllowed
from gofer_ingest.server.identity.hub import HubIdentity
from shared.config import ServerSettings

if TYPE_CHECKING:
    from pathlib import Path

    from gofer_ingest.server.identity import Person

FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}


class _Context:
    remote_ip = "192.0.2.7"
    protocol = "https"


class _Connection(HTTPConnection):
    context = _Context()

    def set_close_callback(self, callback: object) -> None:
        """Never closes."""


@pytest.fixture
def identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubIdentity:
    """One whose Hub knows ada by the token `adas`."""
    made = HubIdentity(
        ServerSettings(
            hub_api_url="http://127.0.0.1:1/hub/api",
            hub_api_token=SecretStr("ours"),
            hub_service_name="gofer",
            prefix="/services/gofer/",
        )
    )
    made.prepare(tmp_path)

    async def user_for_token(token: str, **_how: object) -> dict[str, Any] | None:
        ada = {"name": "ada", "kind": "user", "scopes": ["access:services!service=gofer"]}
        return ada if token == "adas" else None

    monkeypatch.setattr(made._client, "user_for_token", user_for_token)
    return made


def a_request(
    identity: HubIdentity, method: str = "GET", cookies: str = "", **headers: str
) -> RequestHandler:
    application = Application(**identity.application_settings())
    sent = HTTPHeaders({"Host": "hub", **{k.replace("_", "-"): v for k, v in headers.items()}})
    line = RequestStartLine(method, "/services/gofer/", "HTTP/1.1")
    if cookies:
        sent["Cookie"] = cookies
    return RequestHandler(
        application,
        HTTPServerRequest(headers=sent, start_line=line, connection=_Connection()),
    )


def signed_in_cookie(identity: HubIdentity, token: str = "adas") -> str:
    value = a_request(identity).create_signed_value("service-gofer", token).decode()
    return f'service-gofer="{value}"'


def identify(identity: HubIdentity, handler: RequestHandler) -> Person | None:
    return asyncio.run(identity.identify(handler))


def a_page(identity: HubIdentity) -> tuple[str, str]:
    """Open a page; return its token and the cookies that the browser has then."""
    cookie = signed_in_cookie(identity)
    handler = a_request(identity, cookies=cookie, Sec_Fetch_Mode="navigate")
    assert identify(identity, handler) is not None
    token = identity.page_token(handler)
    set_now = handler._new_cookie
    assert set_now["_xsrf"].value == token
    assert set_now["_xsrf"]["path"] == "/services/gofer/"
    assert not set_now["_xsrf"]["max-age"]  # as long as the browser is open, not an hour
    return token, f"{cookie}; _xsrf={token}"


def test_a_pages_token_lets_its_own_requests_in(identity: HubIdentity) -> None:
    token, cookies = a_page(identity)
    headers = {**FETCH, "X-XSRFToken": token}
    person = identify(identity, a_request(identity, "POST", cookies, **headers))
    assert person is not None
    assert person.name == "ada"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("token", [None, "", "x", "\xe9"])
def test_without_it_a_cookie_is_nobodys(
    identity: HubIdentity, method: str, token: str | None
) -> None:
    _, cookies = a_page(identity)
    headers = FETCH if token is None else {**FETCH, "X-XSRFToken": token}
    with pytest.raises(NotAllowed, match="Reload"):
        identify(identity, a_request(identity, method, cookies, **headers))


def test_a_page_opened_again_keeps_its_token(identity: HubIdentity) -> None:
    token, cookies = a_page(identity)
    again = a_request(identity, cookies=cookies, Sec_Fetch_Mode="navigate")
    assert identify(identity, again) is not None
    assert identity.page_token(again) == token


def test_who_sends_a_token_of_the_hub_needs_none_of_a_page(identity: HubIdentity) -> None:
    handler = a_request(identity, "POST", Authorization="token adas", **FETCH)
    assert identify(identity, handler) is not None
    assert identity.page_token(handler) == ""


def test_a_token_that_the_hub_forgot_is_nobodys_and_its_cookie_goes(
    identity: HubIdentity,
) -> None:
    handler = a_request(identity, cookies=signed_in_cookie(identity, "old"))
    assert identify(identity, handler) is None
    assert handler._new_cookie["service-gofer"].value == ""


def test_a_header_counts_alone_whatever_the_cookie_says(identity: HubIdentity) -> None:
    token, cookies = a_page(identity)
    headers = {**FETCH, "X-XSRFToken": token}
    for header in ("token rubbish", "Basic YWRhOmFkYQ==", ""):
        handler = a_request(identity, "POST", cookies, Authorization=header, **headers)
        assert identify(identity, handler) is None


def test_a_cookie_that_we_did_not_sign_is_nobodys(identity: HubIdentity) -> None:
    handler = a_request(identity, cookies="service-gofer=adas; _xsrf=x")
    assert identify(identity, handler) is None
