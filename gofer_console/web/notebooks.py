"""Notebooks as students sent them: shown in a frame in which nothing runs, and for download.

The console's origin has the staff's sign-in. So the page that shows a notebook is sent with a
policy by which the browser gives it an origin of its own, runs none of its scripts and lets it load
nothing; that the page is cleaned as well is the second wall, not the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gofer_console.terminal import short_id
from shared.errors import DamagedEntry, SpoolError, UnknownEntry
from shared.model import SubmissionId

if TYPE_CHECKING:
    from starlette.requests import Request

    from gofer_console.notebook_html.pages import NotebookPages
    from shared.spool import Spool

POLICY: Final = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}


def page_path(prefix: str, submission_id: SubmissionId) -> str:
    """Return where a notebook is shown, on the console's own origin.

    Args:
        prefix: the path under which the console answers; begins and ends with a slash.
        submission_id: whose notebook.
    """
    return f"{prefix}nb/{submission_id}"


def notebook_routes(prefix: str, spool: Spool, pages: NotebookPages) -> list[Route]:
    """Return the routes `nb/ID` and `nb/ID/download`.

    Args:
        prefix: the path under which the console answers; begins and ends with a slash.
        spool: where the notebooks are.
        pages: that draws them.
    """

    def show(request: Request) -> Response:
        found = _read(spool, request)
        if isinstance(found, Response):
            return found
        return Response(pages.page(found), 200, _HEADERS, "text/html; charset=utf-8")

    def download(request: Request) -> Response:
        found = _read(spool, request)
        if isinstance(found, Response):
            return found
        name = f"submission-{short_id(request.path_params['id'])}.ipynb"
        headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(found, 200, headers, "application/octet-stream")

    # Not coroutines: Starlette runs them in a thread, and they read files.
    return [
        Route(f"{prefix}nb/{{id}}", show, name="notebook"),
        Route(f"{prefix}nb/{{id}}/download", download, name="notebook download"),
    ]


def _read(spool: Spool, request: Request) -> bytes | Response:
    try:
        return spool.notebook_of(SubmissionId(request.path_params["id"]))
    except UnknownEntry:
        return _refusal("There is no notebook of this submission here.", 404)
    except DamagedEntry as error:
        return _refusal(f"This notebook is no longer what was handed in: {error}", 404)
    except SpoolError as error:
        return _refusal(f"The notebook cannot be read just now: {error}", 503)


def _refusal(text: str, status: int) -> Response:
    return PlainTextResponse(f"{text}\n", status, _HEADERS)
