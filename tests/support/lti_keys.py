"""Two tool keys, made once a run: making an RSA key takes a tenth of a second."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.lti.tool_key import ToolKey


def new_pem(bits: int = 2048) -> str:
    key = generate_private_key(65537, bits)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


TOOL_PEM: Final = new_pem()
TOOL_KEY: Final = ToolKey(TOOL_PEM)
OTHER_KEY: Final = ToolKey(new_pem())
