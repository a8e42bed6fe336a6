"""The public key by which LMSs know Gofer, as it is served.

No private key comes into this process: one that is given in its place is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import ConfigError
from shared.lti.tool_key import public_jwks_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_VARIABLE = "GOFER_LTI_PUBLIC_KEY"
_MAX_BYTES = 64 << 10


def read_public_keys(path: Path | None) -> Mapping[str, object] | None:
    """Return what `jwks.json` holds; None where no key is set.

    Raises:
        ConfigError: the file cannot be read, or holds something else than a public key.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES)
    except OSError as error:
        raise ConfigError(f"{_VARIABLE}: {path} cannot be read: {error.strerror}") from None
    try:
        return public_jwks_of(content)
    except ValueError as error:
        raise ConfigError(f"{_VARIABLE}: {path} {error}") from None
