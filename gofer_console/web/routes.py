"""The console's own routes beside Streamlit's: what a page cannot answer by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse
from starlette.routing import Route

from gofer_console.notebook_html.pages import NotebookPages
from gofer_console.web.export_route import export_route
from gofer_console.web.notebooks import notebook_routes
from shared.spool import Spool

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from shared.config import WebSettings


def own_routes(settings: WebSettings) -> list[BaseRoute]:
    """Return the routes, under the console's prefix; all of them stand behind the sign-in."""
    prefix = settings.console_prefix

    async def overview(_request: Request) -> RedirectResponse:
        return RedirectResponse(prefix)  # Streamlit answers its first page at the prefix alone

    return [
        Route(f"{prefix}overview", overview, methods=["GET"]),
        export_route(prefix),
        *notebook_routes(prefix, Spool(settings.volume_path), NotebookPages()),
    ]
