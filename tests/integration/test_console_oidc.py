"""Signing in to the console at an OpenID Connect provider, one that lies as well as it can."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.console_process import OPENED, REFUSED, ConsoleProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BROWSER: Final = {"Accept": "text/html"}
CLIENT: Final = "gofer-console"
SECRET: Final = "the client's secret, of thirty-two bytes and more"
KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class School:
    """A provider.

    Attributes:
        lie: changes the claims of id tokens before they are signed.
        sign: signs them.
    """

    def __init__(self) -> None:
        self.lie: Callable[[dict[str, Any]], None] = lambda _claims: None
        self.sign: Callable[[dict[str, Any]], str] = signed
        self.nonces: dict[str, str] = {}
        self.posted: list[dict[str, list[str]]] = []
        school = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answers = {
                    "/.well-known/openid-configuration": {
                        "issuer": school.url,
                        "authorization_endpoint": f"{school.url}/authorize",
                        "token_endpoint": f"{school.url}/token",
                        "jwks_uri": f"{school.url}/keys",
                    },
                    "/keys": {"keys": [public_key()]},
                }
                self._answer(answers[self.path])

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                asked = parse_qs(self.rfile.read(length).decode())
                school.posted.append(asked)
                self._answer({"id_token": school.id_token(asked["code"][0])})

            def _answer(self, content: object) -> None:
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_said: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def id_token(self, code: str) -> str:
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "0815",
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
            "nonce": self.nonces.pop(code, ""),
            "preferred_username": "ada",
        }
        self.lie(claims)
        return self.sign(claims)


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "RS256") -> str:
    return jwt.encode(claims, key, algorithm, headers={"kid": "one"})


def public_key() -> dict[str, Any]:
    key: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    return {**key, "kid": "one", "use": "sig", "alg": "RS256"}


@pytest.fixture(scope="module")
def running_school() -> Iterator[School]:
    school = School()
    thread = threading.Thread(target=school.server.serve_forever, daemon=True)
    thread.start()
    yield school
    school.server.shutdown()
    school.server.server_close()
    thread.join()


@pytest.fixture
def school(running_school: School) -> School:
    running_school.lie = lambda _claims: None
    running_school.sign = signed
    return running_school


@pytest.fixture(scope="module")
def console(
    running_school: School, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ConsoleProcess]:
    environment = {
        "GOFER_CONSOLE_OIDC_URL": running_school.url,
        "GOFER_CONSOLE_OIDC_CLIENT_ID": CLIENT,
        "GOFER_CONSOLE_OIDC_CLIENT_SECRET": SECRET,
        "GOFER_STAFF": "ada",
    }
    with ConsoleProcess(tmp_path_factory.mktemp("oidc") / "volume", environment) as running:
        yield running


@contextmanager
def browsing(console: ConsoleProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=console.direct_url, headers=BROWSER) as browser:
        yield browser


def back_address(school: School, browser: httpx.Client, path: str = "") -> str:
    """Go to the provider and sign in there; return where it sends the browser back to."""
    away = browser.get(path)
    assert away.status_code == 303
    url = urlsplit(away.headers["location"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{school.url}/authorize"
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert asked["code_challenge_method"] == "S256"
    code = f"code{len(school.posted)}-{asked['state'][:6]}"
    school.nonces[code] = asked["nonce"]
    return f"{asked['redirect_uri']}?code={code}&state={asked['state']}"


def test_staff_land_where_they_wanted_to(school: School, console: ConsoleProcess) -> None:
    with browsing(console) as browser:
        back = browser.get(back_address(school, browser, "grades?assignment=lab01"))
        assert (back.status_code, back.headers["location"]) == (303, "/grades?assignment=lab01")
        assert browser.get("grades").status_code == 200
        cookies = "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)
        assert console.websocket_status(cookies) == OPENED
    assert "code_verifier" in school.posted[-1]


def test_students_are_told_that_it_is_for_staff(school: School, console: ConsoleProcess) -> None:
    school.lie = lambda claims: claims.update(preferred_username="sam")
    with browsing(console) as browser:
        back = browser.get(back_address(school, browser))
        assert back.status_code == REFUSED
        assert "you are not among them" in back.text
        assert browser.get("grades").status_code == 303


LIES: Final[dict[str, Callable[[dict[str, Any]], None]]] = {
    "another client's": lambda claims: claims.update(aud="other"),
    "another issuer's": lambda claims: claims.update(iss="http://evil.example"),
    "over": lambda claims: claims.update(exp=int(time.time()) - 3600),
    "another sign-in's": lambda claims: claims.update(nonce="other"),
    "made for another party": lambda claims: claims.update(azp="other"),
    "without a name": lambda claims: claims.pop("preferred_username"),
    "whose name is no text": lambda claims: claims.update(preferred_username=["ada"]),
    "without an end": lambda claims: claims.pop("exp"),
}
FORGERIES: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "signed by another": lambda claims: signed(claims, OTHER_KEY),
    "signed by the client's secret": lambda claims: signed(claims, SECRET, "HS256"),
    "not signed": lambda claims: signed(claims, None, "none"),
    "no token": lambda _claims: "ada",
}


@pytest.mark.parametrize("lie", LIES)
def test_an_id_token_has_to_be_for_this_sign_in(
    school: School, console: ConsoleProcess, lie: str
) -> None:
    school.lie = LIES[lie]
    is_refused(school, console)


@pytest.mark.parametrize("forgery", FORGERIES)
def test_an_id_token_has_to_be_the_providers(
    school: School, console: ConsoleProcess, forgery: str
) -> None:
    school.sign = FORGERIES[forgery]
    is_refused(school, console)


def is_refused(school: School, console: ConsoleProcess) -> None:
    with browsing(console) as browser:
        back = browser.get(back_address(school, browser))
        assert back.status_code == REFUSED
        assert "did not sign you in" in back.text
        assert "gofer_console_visit" not in browser.cookies


def test_a_browser_cannot_finish_anothers_sign_in(school: School, console: ConsoleProcess) -> None:
    with browsing(console) as victim, browsing(console) as attacker:
        address = back_address(school, attacker)
        asked = len(school.posted)
        assert victim.get(address).status_code == REFUSED
        assert victim.get("oauth_callback?code=x&state=y").status_code == REFUSED
        assert len(school.posted) == asked  # the code was not even tried
        assert attacker.get(address).status_code == 303
        assert attacker.get(address).status_code == REFUSED  # and it works once


def test_nobody_is_sent_elsewhere_after_signing_in(school: School, console: ConsoleProcess) -> None:
    with browsing(console) as browser:
        address = back_address(school, browser, f"{console.direct_url}/evil.example/x")
        back = browser.get(address)
        assert back.headers["location"] == "/"
