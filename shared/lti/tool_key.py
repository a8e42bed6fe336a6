"""The key by which Gofer signs as a tool of LTI 1.3, and the half of it that LMSs may have."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jwt.algorithms import RSAAlgorithm

from shared.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM: Final = "RS256"
"""What the security framework of 1EdTech asks of every LMS."""
KEY_MIN_BITS: Final = 2048
_HOW_TO_MAKE: Final = "make one with `openssl genrsa -out lti.pem 2048`"
_HOW_TO_CUT: Final = "make it with `openssl rsa -in lti.pem -pubout -out lti-public.pem`"


class ToolKey:
    """An RSA key pair.

    Args:
        pem: the private key, without a passphrase.

    Raises:
        ConfigError: it is no such key, or a short one.
    """

    def __init__(self, pem: str) -> None:
        try:
            key = load_pem_private_key(pem.encode("utf-8"), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ConfigError(
                f"The LTI key file: is no private key in PEM without a passphrase; {_HOW_TO_MAKE}"
            ) from None
        if not isinstance(key, RSAPrivateKey):
            raise ConfigError(f"The LTI key file: is no RSA key; {_HOW_TO_MAKE}")
        if key.key_size < KEY_MIN_BITS:
            raise ConfigError(
                f"The LTI key file: has fewer than {KEY_MIN_BITS} bits; {_HOW_TO_MAKE}"
            )
        self._key = key
        self._jwk = _jwk_of(key.public_key())
        self.key_id: Final = self._jwk["kid"]

    def signed(self, claims: Mapping[str, object]) -> str:
        """Return claims as a signed token that names this key."""
        return jwt.encode(dict(claims), self._key, ALGORITHM, headers={"kid": self.key_id})

    def public_jwk(self) -> dict[str, str]:
        """Return the public half as a JSON Web Key."""
        return dict(self._jwk)

    def public_pem(self) -> str:
        """Return the public half in PEM, for LMSs that want it pasted."""
        public = self._key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def public_jwks(*keys: ToolKey) -> dict[str, list[dict[str, str]]]:
    """Return what `jwks.json` holds: the public halves of these keys, each once."""
    return {"keys": list({key.key_id: key.public_jwk() for key in keys}.values())}


def public_jwks_of(pem: bytes) -> dict[str, list[dict[str, str]]]:
    """Return what `jwks.json` holds, of the public half alone.

    Args:
        pem: the public key, as `openssl rsa -in lti.pem -pubout` writes it.

    Raises:
        ValueError: it is something else, a private key among them; the text follows a file's name.
    """
    if b"PRIVATE KEY" in pem:
        raise ValueError(
            f"holds a private key, and only the public half may be here; {_HOW_TO_CUT}"
        )
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"is no public key in PEM; {_HOW_TO_CUT}") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < KEY_MIN_BITS:
        raise ValueError(f"is no RSA key of {KEY_MIN_BITS} bits or more")
    return {"keys": [_jwk_of(key)]}


def _jwk_of(key: RSAPublicKey) -> dict[str, str]:
    public: dict[str, Any] = RSAAlgorithm.to_jwk(key, as_dict=True)
    jwk = {name: str(public[name]) for name in ("e", "kty", "n")}
    return {**jwk, "kid": _thumbprint(jwk), "alg": ALGORITHM, "use": "sig"}


def _thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the key's name, which is its content's (RFC 7638)."""
    canonical = json.dumps(dict(jwk), separators=(",", ":"), sort_keys=True).encode("ascii")
    return urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode("ascii")
