from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx

from tests.integration.hub.conftest import BROWSER
from tests.support.processes import LoggedProcess, wait_until

if TYPE_CHECKING:
    from tests.integration.hub.conftest import Campus, Door


def test_while_the_hub_is_away_nobody_is_let_in_and_afterwards_all_is_as_before(
    campus: Campus, external: Door
) -> None:
    hub = campus.hub
    known, unknown = external.token_of("ada"), external.token_of("ben")
    submission = external.post(known).json()["id"]
    page = f"{external.url}submissions/{submission}"
    direct_page = f"{external.direct_url}submissions/{submission}"
    with hub.signed_in("ada") as browser:
        assert browser.get(page, headers=BROWSER).status_code == 200
        hub.stop()
        answer = external.post(unknown, external.direct_url)
        assert answer.status_code == 503
        assert answer.json()["code"] == "identity_unavailable"
        assert answer.headers["Retry-After"] == "60"
        for hidden in ("127.0.0.1", "hub/api", socket.gethostname()):
            assert hidden not in answer.text
        # What was said before is believed until it is old, and then no longer.
        wait_until(lambda: external.post(known, external.direct_url).status_code == 503, 10)
        wait_until(lambda: browser.get(direct_page, headers=BROWSER).status_code == 503, 10)
        assert len(external.envelopes()) <= 2
        assert {envelope.payload.student for envelope in external.envelopes()} == {"ada"}
        assert httpx.get(f"{external.direct_url}readyz").status_code == 200
        hub.start()
        for name in campus.doors:
            hub.wait_for_service(name)
        assert external.post(unknown).status_code == 202
        assert external.post(known).status_code == 202
        assert "<bdi>ada</bdi>" in browser.get(page, headers=BROWSER).text
    warning = campus.server.logged("http.unavailable", code="identity_unavailable")
    assert "Failed to connect" in warning["reason"]  # staff are told what students are not


def test_a_server_without_its_own_token_takes_tokens_and_signs_no_browser_in(
    campus: Campus, external: Door
) -> None:
    environment = {**campus.environment, "GOFER_PORT": "0", "GOFER_STAFF": "ben"}
    del environment["JUPYTERHUB_API_TOKEN"]
    with LoggedProcess("gofer_ingest.server", environment) as server:
        url = str(server.logged("listening")["url"])
        answer = external.post(external.token_of("ada"), url)
        assert answer.status_code == 202
        page = f"{url}submissions/{answer.json()['id']}"
        assert httpx.get(page, headers=BROWSER).status_code == 401
        assert httpx.get(f"{url}oauth_callback", headers=BROWSER).status_code == 404
        as_ben = {**BROWSER, "Authorization": f"token {external.token_of('ben')}"}
        assert "Submitted by <bdi>ada</bdi>" in httpx.get(page, headers=as_ben).text
        assert server.stop() == 0


def test_where_the_two_secrets_differ_browsers_cannot_sign_in_and_the_log_says_why(
    campus: Campus, external: Door
) -> None:
    environment = {
        **campus.environment,
        "GOFER_PORT": "0",
        "JUPYTERHUB_API_TOKEN": "another secret than the Hub's",
    }
    page = "submissions/00000000-0000-7000-8000-000000000000"
    with (
        LoggedProcess("gofer_ingest.server", environment) as server,
        campus.hub.signed_in("ada") as browser,
    ):
        url = str(server.logged("listening")["url"])
        browser.follow_redirects = False
        begun = browser.get(url + page, headers=BROWSER).headers["Location"]
        there = browser.get(httpx.URL(campus.hub.url).join(begun)).headers["Location"]
        answer = browser.get(httpx.URL(url).join(there), headers=BROWSER)
        assert answer.status_code == 503
        assert "invalid_client" not in answer.text
        reason = server.logged("http.unavailable")["reason"]
        assert "invalid_client" in reason
        assert external.post(external.token_of("ada"), url).status_code == 202
        assert server.stop() == 0
