from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.web import Application, RequestHandler

from gofer_ingest.server.errors import BadName, IdentityUnavailable
from gofer_ingest.server.identity import Person, choose_identity
from gofer_ingest.server.identity.signed import SignedIdentity
from gofer_ingest.server.identity.taken_tokens import TakenTokens
from shared.config import ServerSettings
from shared.errors import ConfigError, NotAuthenticated
from shared.requests import Source

if TYPE_CHECKING:
    from pathlib import Path

KEY = "a key of thirty-two bytes or more"
NOW_S = 1_800_000_000
SHA256 = hashlib.sha256(b"a notebook").hexdigest()

# Made by hand: PyJWT would not sign with a public key.
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf
9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==
-----END PUBLIC KEY-----
"""


class _Connection(HTTPConnection):
    context = None

    def set_close_callback(self, callback: object) -> None:
        """Never closes."""


class Front:
    """What signs, and what believes it; between them a folder and a clock."""

    def __init__(self, folder: Path) -> None:
        self.now_s = float(NOW_S)
        self.taken = TakenTokens(folder)
        self.identity = SignedIdentity(KEY, self.taken, {"prof"}, lambda: self.now_s)
        self._made = 0

    def claims(self, **changes: Any) -> dict[str, Any]:
        self._made += 1
        made = {"aud": "gofer", "sub": "ada", "exp": NOW_S + 60, "jti": f"token {self._made}"}
        return {name: value for name, value in (made | changes).items() if value is not ...}

    def token(self, **changes: Any) -> str:
        return signed(json.dumps(self.claims(**changes)).encode())

    def request(self, *authorizations: str) -> RequestHandler:
        headers = HTTPHeaders({"Host": "gofer.example.edu"})
        for authorization in authorizations:
            headers.add("Authorization", authorization)
        request = HTTPServerRequest(
            headers=headers,
            start_line=RequestStartLine("POST", "/", "HTTP/1.1"),
            connection=_Connection(),
        )
        return RequestHandler(Application(), request)

    def identify(self, *authorizations: str) -> Person | None:
        return asyncio.run(self.identity.identify(self.request(*authorizations)))

    def refusal(self, *authorizations: str, caplog: pytest.LogCaptureFixture) -> str:
        """Send what is refused; return the reason in the log."""
        caplog.clear()
        with caplog.at_level(logging.INFO), pytest.raises(NotAuthenticated) as caught:
            self.identify(*authorizations)
        (record,) = caplog.records
        reason = str(record.__dict__["reason"])
        parts = [part for line in authorizations for part in line.split(".") if len(part) > 20]
        for text in (str(caught.value), reason):
            assert text.isascii()
            assert text.isprintable()
            assert not any(part in text for part in parts)
        return reason


@pytest.fixture
def front(tmp_path: Path) -> Front:
    (tmp_path / "spool").mkdir()
    return Front(tmp_path / "spool" / "index" / "tokens")


def base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def signed(
    payload: bytes, key: bytes = KEY.encode(), digest: str = "sha256", **header: object
) -> str:
    head = json.dumps({"typ": "JWT", "alg": "HS256"} | header).encode()
    text = base64url(head) + b"." + base64url(payload)
    return (text + b"." + base64url(hmac.digest(key, text, digest))).decode()


def test_a_token_names_the_student(front: Front) -> None:
    assert front.identify(f"Bearer {front.token()}") == Person("ada", Source.SIGNED)
    assert front.identify(f"bearer  {front.token(sub='josé')}") == Person("josé", Source.SIGNED)


def test_a_token_that_a_library_made_is_taken(front: Front) -> None:
    token = jwt.encode(front.claims(iat=NOW_S, nbf=NOW_S, aud=["gofer", "other"]), KEY)
    assert front.identify(f"Bearer {token}") == Person("ada", Source.SIGNED)


def test_a_token_may_name_its_body(front: Front) -> None:
    person = front.identify(f"Bearer {front.token(body_sha256=SHA256)}")
    assert person == Person("ada", Source.SIGNED, body_sha256=SHA256)


def test_staff_are_those_of_the_settings_whatever_a_token_says(front: Front) -> None:
    staff = front.identify(f"Bearer {front.token(sub='prof')}")
    assert staff == Person("prof", Source.SIGNED, is_staff=True)
    student = front.identify(f"Bearer {front.token(staff=True, is_staff=True, groups=['staff'])}")
    assert student == Person("ada", Source.SIGNED)


def test_without_a_token_nobody_is_signed_in(front: Front) -> None:
    assert front.identify() is None


def test_a_token_is_good_for_one_request_also_after_a_restart(
    front: Front, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authorization = f"Bearer {front.token()}"
    assert front.identify(authorization) is not None
    assert front.refusal(authorization, caplog=caplog) == "used before"
    restarted = Front(tmp_path / "spool" / "index" / "tokens")
    assert restarted.refusal(authorization, caplog=caplog) == "used before"
    again = front.token(jti="token 1", exp=NOW_S + 100)
    assert front.refusal(f"Bearer {again}", caplog=caplog) == "used before"


def test_a_token_that_is_refused_is_not_used_up(
    front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    front.refusal(f"Bearer {front.token(jti='mine', aud='other')}", caplog=caplog)
    front.refusal(f"Bearer {signed(b'{}', jti='mine')}", caplog=caplog)
    with pytest.raises(BadName):
        front.identify(f"Bearer {front.token(jti='mine', sub='..')}")
    assert front.identify(f"Bearer {front.token(jti='mine')}") is not None


@pytest.mark.parametrize(
    ("changes", "after_s"),
    [
        ({"exp": NOW_S + 300}, 0),
        ({"exp": NOW_S + 300}, 299.9),
        ({"exp": NOW_S + 60.5}, 60.4),
        ({"iat": NOW_S + 30, "nbf": NOW_S + 30}, 0),
        ({"iat": NOW_S - 10**6, "nbf": 0}, 0),
        ({"jti": "x" * 128}, 0),
    ],
)
def test_the_edges_that_are_taken(front: Front, changes: dict[str, Any], after_s: float) -> None:
    front.now_s += after_s
    assert front.identify(f"Bearer {front.token(**changes)}") is not None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW_S}, "expired"),
        ({"exp": NOW_S - 1}, "expired"),
        ({"exp": -1}, "expired"),
        ({"exp": NOW_S + 301}, "valid for more than 300 seconds"),
        ({"exp": 10**300}, "valid for more than 300 seconds"),
        ({"exp": 10**400}, "claim exp missing or not as it should be"),
        ({"exp": float("inf")}, "claim exp missing or not as it should be"),
        ({"exp": float("nan")}, "claim exp missing or not as it should be"),
        ({"exp": str(NOW_S + 60)}, "claim exp missing or not as it should be"),
        ({"exp": True}, "claim exp missing or not as it should be"),
        ({"exp": None}, "claim exp missing or not as it should be"),
        ({"exp": ...}, "claim exp missing or not as it should be"),
        ({"iat": NOW_S + 31}, "not valid yet"),
        ({"nbf": NOW_S + 31}, "not valid yet"),
        ({"iat": "yesterday"}, "claim iat missing or not as it should be"),
        ({"aud": "gofer2"}, "for another audience"),
        ({"aud": []}, "for another audience"),
        ({"aud": ["other"]}, "for another audience"),
        ({"aud": {"gofer": 1}}, "claim aud missing or not as it should be"),
        ({"aud": ...}, "claim aud missing or not as it should be"),
        ({"sub": ...}, "claim sub missing or not as it should be"),
        ({"sub": 5}, "claim sub missing or not as it should be"),
        ({"jti": ...}, "claim jti missing or not as it should be"),
        ({"jti": ""}, "claim jti missing or not as it should be"),
        ({"jti": "x" * 129}, "claim jti missing or not as it should be"),
        ({"jti": 5}, "claim jti missing or not as it should be"),
        ({"body_sha256": SHA256.upper()}, "claim body_sha256 missing or not as it should be"),
        ({"body_sha256": SHA256[:-1]}, "claim body_sha256 missing or not as it should be"),
        ({"body_sha256": SHA256 + "\n"}, "claim body_sha256 missing or not as it should be"),
    ],
)
def test_claims_that_are_not_good_are_refused(
    front: Front, changes: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert front.refusal(f"Bearer {front.token(**changes)}", caplog=caplog) == reason
    assert front.identify(f"Bearer {front.token()}") is not None


@pytest.mark.parametrize("sub", ["", "..", "a\x00b", "x" * 256, "a\u202eb"])
def test_a_name_that_cannot_be_used_is_told(front: Front, sub: str) -> None:
    with pytest.raises(BadName):
        front.identify(f"Bearer {front.token(sub=sub)}")


def payload(**changes: object) -> bytes:
    made = {"aud": "gofer", "sub": "ada", "exp": NOW_S + 60, "jti": "a"} | changes
    return json.dumps(made).encode()


@pytest.mark.parametrize(
    "token",
    [
        "a",
        "a.b.c",
        "..",
        "é.é.é",
        signed(payload(), b"another key of thirty-two bytes!!"),
        signed(payload(), digest="sha512"),
        signed(payload(), digest="sha512", alg="HS512"),
        signed(payload(), alg="none"),
        signed(payload(), alg="None"),
        signed(payload(), alg=""),
        signed(payload(), alg=None),
        signed(payload(), alg=["HS256"]),
        signed(payload(), alg="RS256"),
        signed(payload(), PUBLIC_KEY.encode(), alg="RS256"),
        signed(payload(), PUBLIC_KEY.encode()),
        signed(payload(), crit=["exp"], exp=1),
        signed(payload(), b64=False, crit=["b64"]),
        signed(payload(), kid=5),
        signed(payload(), alg="none").rpartition(".")[0] + ".",
        signed(payload()).rpartition(".")[0],
        signed(payload()).rpartition(".")[0] + ".",
        signed(payload())[:-2],
        signed(payload()) + "A",
        signed(payload()).replace(".", ".A", 1),
        signed(payload()) + "." + signed(payload()),
        f"{signed(payload())}, Bearer {signed(payload())}",
        jwt.encode({"sub": "ada"}, "", algorithm="none"),
        "e" * 5000,
    ],
)
def test_what_is_not_signed_with_the_key_by_hs256_is_refused(
    front: Front, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    sent = f"Bearer {token}".encode().decode("latin-1")
    assert front.refusal(sent, caplog=caplog) in {"not signed with our key", "too long"}
    assert front.identify(f"Bearer {signed(payload())}") is not None


@pytest.mark.parametrize("signed_bytes", [b"", b"null", b"[]", b'"a"', b"{", b"\xff", b"[" * 2000])
def test_a_payload_that_is_no_object_is_refused(
    front: Front, signed_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    reason = front.refusal(f"Bearer {signed(signed_bytes)}", caplog=caplog)
    assert reason == "claims missing or not as it should be"


def test_two_headers_are_refused(front: Front, caplog: pytest.LogCaptureFixture) -> None:
    first, second = (f"Bearer {front.token()}" for _ in range(2))
    assert front.refusal(first, second, caplog=caplog) == "more than one Authorization header"
    assert front.identify(first) is not None


@pytest.mark.parametrize("before", ["Basic ", "token ", "", "Bearer: ", "Bearer\t"])
def test_another_scheme_is_refused(
    front: Front, before: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert front.refusal(before + front.token(), caplog=caplog) == "not a Bearer token"


def test_where_a_token_cannot_be_taken_nobody_is_let_in(front: Front, tmp_path: Path) -> None:
    (tmp_path / "spool" / "index").touch()
    with pytest.raises(IdentityUnavailable):
        front.identify(f"Bearer {front.token()}")


# --- the settings -------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [None, "short", "é" * 15 + "x", PUBLIC_KEY])
def test_a_key_that_cannot_be_used_is_named_and_not_told(
    tmp_path: Path, secret: str | None
) -> None:
    settings = ServerSettings(identity="signed", identity_secret=secret, volume_path=tmp_path)
    with pytest.raises(ConfigError, match=r"^GOFER_IDENTITY_SECRET: ") as caught:
        choose_identity(settings)
    assert secret is None or secret not in str(caught.value)


@pytest.mark.parametrize("secret", ["x" * 32, "é" * 16])
def test_signed_may_listen_anywhere(tmp_path: Path, secret: str) -> None:
    settings = ServerSettings(
        identity="signed",
        identity_secret=secret,
        volume_path=tmp_path / "volume",
        address="0.0.0.0",
        staff=("prof",),
    )
    assert isinstance(choose_identity(settings), SignedIdentity)
    assert list(tmp_path.iterdir()) == []
