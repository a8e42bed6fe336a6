from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tornado.web import HTTPError, create_signed_value

from gofer_ingest.server.errors import IdentityUnavailable, NotAllowed
from gofer_ingest.server.identity import choose_identity, hub_oauth
from gofer_ingest.server.identity.hub import HubIdentity, callback_path, required_scopes
from gofer_ingest.server.identity.hub_oauth import HubClient, asking_the_hub
from gofer_ingest.server.negotiation import is_page_visit
from shared.config import ServerSettings, read_settings
from shared.errors import ConfigError

KEY = "k" * 32


def settings(**values: Any) -> ServerSettings:
    known: dict[str, Any] = {"hub_api_url": "http://hub:8081/hub/api", "hub_service_name": "gofer"}
    return ServerSettings(**{**known, **values})


def client(key: str = KEY) -> HubClient:
    return HubClient(
        cookie_secret=key, base_url="/services/gofer/", oauth_client_id="x", api_token="y"
    )


def test_a_hubs_service_is_known_by_the_hub_without_being_told_to() -> None:
    assert isinstance(choose_identity(settings()), HubIdentity)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("JUPYTERHUB_OAUTH_ACCESS_SCOPES", "[broken"), ("GOFER_IDENTITY_CACHE_S", "0")],
)
def test_settings_of_the_hub_that_cannot_be_read_are_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=f"^{variable}: "):
        read_settings(ServerSettings)


def test_the_scopes_are_those_the_hub_names_or_else_those_of_the_services_name() -> None:
    assert required_scopes(settings()) == {"access:services!service=gofer"}
    named = ("access:services", "custom:submit")
    assert required_scopes(settings(hub_access_scopes=named)) == set(named)


@pytest.mark.parametrize("name", [None, ""])
def test_without_any_scope_there_is_no_identity(name: str | None) -> None:
    with pytest.raises(ConfigError, match="JUPYTERHUB_SERVICE_NAME"):
        choose_identity(settings(hub_service_name=name))


@pytest.mark.parametrize(
    ("callback", "path"),
    [
        (None, "/services/gofer_nb/oauth_callback"),
        ("/services/gofer_nb/oauth_callback", "/services/gofer_nb/oauth_callback"),
        ("https://g.example.edu/services/gofer_nb/back", "/services/gofer_nb/back"),
    ],
)
def test_the_way_back_lies_under_the_prefix(callback: str | None, path: str) -> None:
    assert callback_path(settings(hub_callback_url=callback)) == path


@pytest.mark.parametrize("callback", ["/back", "https://g.example.edu/", "", "/services/gofer_nb/"])
def test_a_way_back_that_is_not_ours_is_refused(callback: str) -> None:
    with pytest.raises(ConfigError, match="JUPYTERHUB_OAUTH_CALLBACK_URL"):
        callback_path(settings(hub_callback_url=callback))


def test_a_key_of_cookies_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ConfigError, match="GOFER_COOKIE_SECRET"):
        HubIdentity(settings(cookie_secret=SecretStr("x" * 31)))
    HubIdentity(settings(cookie_secret=SecretStr("é" * 16)))


def test_a_state_is_read_by_every_process_that_has_the_key() -> None:
    state = client().generate_state("/services/gofer/page", cookie_name="x-oauth-state-abc")
    another = client()
    assert another.get_next_url(state) == "/services/gofer/page"
    assert another.get_state_cookie_name(state) == "x-oauth-state-abc"
    assert another.get_code_verifier(state) == client().get_code_verifier(state)
    assert re.fullmatch(r"[\w-]+", state)


def test_the_proof_of_who_began_is_not_in_the_state_and_is_each_times_another() -> None:
    hub = client()
    first, second = hub.generate_state("/"), hub.generate_state("/")
    assert first != second
    proofs = [hub.get_code_verifier(state) for state in (first, second)]
    assert len(set(proofs)) == 2
    assert len(proofs[0]) == 43  # the least that RFC 7636 allows
    assert proofs[0] not in base64.urlsafe_b64decode(first + "==").decode()
    assert client("another key" * 3).get_code_verifier(first) != proofs[0]


def test_a_state_of_another_key_or_of_yesterday_says_nothing() -> None:
    hub = client()
    assert hub.get_next_url(client("another key" * 3).generate_state("/evil")) == "/services/gofer/"
    old = create_signed_value(
        KEY, "oauth-state", json.dumps({"next_url": "/old"}), clock=lambda: time.time() - 700
    )
    assert hub.get_next_url(base64.urlsafe_b64encode(old).decode()) == "/services/gofer/"
    for_something_else = create_signed_value(KEY, "service-x", json.dumps({"next_url": "/evil"}))
    state = base64.urlsafe_b64encode(for_something_else).decode()
    assert hub.get_next_url(state) == "/services/gofer/"


@given(st.text())
def test_whatever_comes_as_a_state_is_no_error(text: str) -> None:
    hub = client()
    assert hub.get_next_url(text) == "/services/gofer/"
    assert hub.get_state_cookie_name(text) == "x-oauth-state"
    assert hub.get_code_verifier(text)


@pytest.mark.parametrize(
    "error",
    [
        HTTPError(500, "Failed to connect to Hub API at 'http://hub:8081'"),
        HTTPError(502),
        ConnectionResetError(),
        json.JSONDecodeError("no", "", 0),
        KeyError("access_token"),
        RecursionError(),
    ],
)
def test_what_the_library_raises_is_our_failure(error: Exception) -> None:
    async def ask() -> None:
        async with asking_the_hub():
            raise error

    with pytest.raises(IdentityUnavailable):
        asyncio.run(ask())


def test_what_the_browser_did_wrong_is_told_in_our_words() -> None:
    async def ask() -> None:
        async with asking_the_hub():
            raise HTTPError(400, "Error in oauth: <script>")

    with pytest.raises(NotAllowed) as raised:
        asyncio.run(ask())
    assert "script" not in str(raised.value)


def test_a_hub_that_never_answers_holds_nobody_for_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_oauth, "ANSWER_S", 0.05)

    async def ask() -> None:
        async with asking_the_hub():
            await asyncio.Event().wait()

    with pytest.raises(IdentityUnavailable):
        asyncio.run(ask())


VISIT = {"Accept": "text/html,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("method", "headers", "is_visit"),
    [
        ("GET", VISIT, True),
        ("GET", {"Accept": "TEXT/HTML"}, True),
        ("GET", {**VISIT, "Sec-Fetch-Mode": "navigate"}, True),
        ("GET", {**VISIT, "Sec-Fetch-Mode": "cors"}, False),
        ("GET", {**VISIT, "Sec-Fetch-Mode": "no-cors"}, False),
        ("GET", {"Accept": "*/*"}, False),
        ("GET", {}, False),
        ("HEAD", VISIT, False),
        ("POST", VISIT, False),
    ],
)
def test_only_a_page_that_a_person_opens_is_sent_to_sign_in(
    method: str, headers: dict[str, str], *, is_visit: bool
) -> None:
    assert is_page_visit(method, headers) == is_visit
