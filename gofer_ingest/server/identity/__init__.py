"""Who sends a request: a port with an adapter for each kind of sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer_ingest.server.identity.dev import DevIdentity
from gofer_ingest.server.identity.port import Identity, Person
from shared.errors import ConfigError

if TYPE_CHECKING:
    from shared.config import ServerSettings

__all__ = ["DevIdentity", "Identity", "Person", "choose_identity"]


def choose_identity(settings: ServerSettings) -> Identity:
    """Return the adapter that the settings name.

    Raises:
        ConfigError: they name none, or one that cannot be used with the others.
    """
    if settings.identity is None:
        raise ConfigError(
            "GOFER_IDENTITY: is not set, nor is JUPYTERHUB_API_URL, so nobody could sign in; set "
            "it to `hub` or `signed` for a course, or to `dev` to try Gofer on this machine"
        )
    if settings.identity == "hub":
        # Its library takes a second and 40 MB to load, which nobody else is to pay.
        from gofer_ingest.server.identity.hub import HubIdentity  # noqa: PLC0415

        return HubIdentity(settings)
    if settings.identity == "signed":
        return _signed(settings)
    if not settings.is_loopback:
        raise ConfigError(
            "GOFER_ADDRESS: is not a loopback address, and with GOFER_IDENTITY=dev anyone who can "
            "reach it could submit as anyone; use 127.0.0.1"
        )
    return DevIdentity(settings.staff, settings.allowed_origins)


def _signed(settings: ServerSettings) -> Identity:
    # Their library takes a quarter of a second and 20 MB to load, which nobody else is to pay.
    from gofer_ingest.server.identity.signed import SignedIdentity  # noqa: PLC0415
    from gofer_ingest.server.identity.taken_tokens import TakenTokens  # noqa: PLC0415

    if settings.identity_secret is None:
        raise ConfigError(
            "GOFER_IDENTITY_SECRET: is not set, and GOFER_IDENTITY=signed needs the key that the "
            "front signs with"
        )
    taken = TakenTokens(settings.volume_path / "spool" / "index" / "tokens")
    return SignedIdentity(settings.identity_secret.get_secret_value(), taken, settings.staff)
