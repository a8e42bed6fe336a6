"""The tool's key: what signs, and the half of it that goes out."""

from __future__ import annotations

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from shared.errors import ConfigError
from shared.lti.tool_key import ToolKey, public_jwks
from tests.support.lti_keys import OTHER_KEY, TOOL_KEY, new_pem


def test_what_it_signs_is_verified_by_what_it_publishes() -> None:
    published = json.loads(json.dumps(public_jwks(OTHER_KEY, TOOL_KEY, TOOL_KEY)))
    assert len(published["keys"]) == 2
    token = TOOL_KEY.signed({"sub": "gofer"})
    name = jwt.get_unverified_header(token)["kid"]
    keys = jwt.PyJWKSet.from_dict(published)
    assert jwt.decode(token, keys[name], algorithms=["RS256"]) == {"sub": "gofer"}
    assert jwt.decode(token, TOOL_KEY.public_pem(), algorithms=["RS256"]) == {"sub": "gofer"}


def test_nothing_private_is_published() -> None:
    (published,) = public_jwks(TOOL_KEY)["keys"]
    assert set(published) == {"kty", "n", "e", "kid", "alg", "use"}
    assert (published["alg"], published["use"]) == ("RS256", "sig")
    assert "PRIVATE" not in TOOL_KEY.public_pem()


def test_a_key_keeps_its_name() -> None:
    pem = new_pem()
    assert ToolKey(pem).key_id == ToolKey(pem).key_id != TOOL_KEY.key_id


def encrypted() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    how = BestAvailableEncryption(b"passphrase")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode()


def elliptic() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        ("", "no private key"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"),
        (TOOL_KEY.public_pem(), "no private key"),
        (encrypted(), "without a passphrase"),
        (elliptic(), "no RSA key"),
        (new_pem(1024), "fewer than 2048 bits"),
    ],
    ids=["empty", "damaged", "public", "encrypted", "elliptic", "short"],
)
def test_what_is_no_good_key_is_refused_with_the_command_to_make_one(pem: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        ToolKey(pem)
    assert "openssl" in str(refused.value)
    assert "AAAA" not in str(refused.value)
