"""The console's application: who may in, what browsers may do, our routes, the pages."""

from __future__ import annotations

import gc
import importlib
import logging
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st
from starlette.middleware import Middleware

from gofer_console.views import room, states
from gofer_console.web.routes import own_routes
from gofer_console.web.security_headers import SecurityHeaders
from gofer_console.web.sign_in import SignedIn
from gofer_console.web.streamlit_options import set_options
from shared.errors import GoferError, NotAuthenticated
from shared.logs import take_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gofer_console.web.sign_in import SignIn
    from shared.config import WebSettings

_SCRIPT: Final = Path(room.__file__).with_name("router.py")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

_DRAWN_WITH: Final = ("pandas", "pyarrow", "altair")
"""What tables and charts are drawn with. Streamlit imports it when the first one is; two sessions
that come at once would find one another's modules half made."""

_log = logging.getLogger(__name__)


def make_app(settings: WebSettings, sign_in: SignIn, *, port: int) -> st.App:
    """Return the application; a process has one.

    Args:
        settings: of the console.
        sign_in: how people are known.
        port: that it listens on.
    """
    for name in _DRAWN_WITH:
        importlib.import_module(name)
    hosts = allowed_hosts(settings)
    set_options(
        prefix=settings.console_prefix,
        address=settings.console_address,
        port=port,
        hosts=hosts,
        origin=settings.console_origin,
    )
    room.furnish(settings, still=sign_in.still)
    return st.App(
        _SCRIPT,
        routes=own_routes(settings),
        middleware=[
            Middleware(SecurityHeaders, origin=settings.console_origin),
            Middleware(
                SignedIn,
                sign_in=sign_in,
                prefix=settings.console_prefix,
                hosts=hosts,
                origin=settings.console_origin,
            ),
        ],
        lifespan=_lifespan,
        on_script_error=_tell,
    )


def allowed_hosts(settings: WebSettings) -> frozenset[str]:
    """Return the hosts by which browsers may ask for the console, without ports."""
    return _LOOPBACK | {settings.console_host or settings.console_address.lower()}


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[None]:
    take_over_logs()  # of what was imported since
    gc.freeze()  # a million objects of libraries that stay: collections need not look at them again
    yield


def take_over_logs() -> None:
    """Have the console's libraries log as everything else does."""
    for library in ("streamlit", "uvicorn"):
        take_over(library)
    # What a page failed with is logged by `_tell`, once and where it is a mistake of ours.
    logging.getLogger("streamlit.error_util").disabled = True


def _tell(error: Exception) -> bool:
    """Say on a page what it failed with, in plain words; log what is a mistake of ours."""
    if isinstance(error, NotAuthenticated):  # in a callback; the router tells of the others
        states.trouble(str(error), title="That was not done")
        return True
    if isinstance(error, GoferError):
        states.trouble(str(error))
        return True
    _log.error(
        "A page of the console failed", extra={"action": "console.page_failed"}, exc_info=error
    )
    st.error(
        "This page could not be shown because of a mistake in Gofer. Nothing was changed by it. "
        "The console's log says more.",
        icon=":material/error:",
    )
    return True
