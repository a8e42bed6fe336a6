"""Downloads of grades: streamed from the gradebook, so that no class is too large for memory."""

from __future__ import annotations

import itertools
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from gofer_console.exports.layouts import Source, make_sheet
from gofer_console.exports.streaming import csv_pieces
from gofer_console.exports.url_query import from_query
from gofer_console.exports.writers import Format, write_xlsx
from gofer_console.views.room import furnished
from gofer_console.web.person import Visit
from gofer_console.zip_digests import digests
from shared.errors import ConfigError, GoferError
from shared.model import utc_now

if TYPE_CHECKING:
    from starlette.requests import Request

    from gofer_console.exports.url_query import Wanted
    from gofer_console.views.room import Room

PATH: Final = "download/grades"
_HEADERS: Final = {"cache-control": "private, no-store", "x-content-type-options": "nosniff"}
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_log = logging.getLogger(__name__)


def export_route(prefix: str) -> Route:
    """Return the route; it stands behind the sign-in, and readers may use it.

    Args:
        prefix: of the console, with slashes around.
    """
    return Route(f"{prefix}{PATH}", _export, methods=["GET"])


def _export(request: Request) -> Response:
    try:
        wanted = from_query(request.query_params.multi_items())
        response = _answer(furnished(), wanted)
    except ConfigError as error:
        return PlainTextResponse(str(error), 400, headers=_HEADERS)
    except GoferError as error:
        return PlainTextResponse(str(error), 422, headers=_HEADERS)
    visit = Visit.of(request.headers)
    _log.info(
        "Grades were exported",
        extra={
            "action": "console.exported",
            "person": "" if visit is None else visit.person.name,
            "layout": wanted.layout.value,
            "format": wanted.format.value,
        },
    )
    return response


def _answer(room: Room, wanted: Wanted) -> Response:
    catalogue = room.catalogue
    source = Source(
        room.gradebook(),
        wanted.resolved(lambda: tuple(digests(catalogue()).items())),
        lms_ids=lambda: {one.key: one.lms_id for one in catalogue() if one.lms_id},
    )
    sheet = make_sheet(wanted.layout, source)
    name = f"grades-{wanted.layout.value}-{utc_now():%Y%m%d-%H%M%S}.{wanted.format.value}"
    headers = {**_HEADERS, "content-disposition": f'attachment; filename="{name}"'}
    if wanted.format is Format.CSV:
        pieces = csv_pieces(sheet, wanted.layout)
        first = next(pieces)  # what cannot be exported is said before anything was sent
        return StreamingResponse(
            itertools.chain([first], pieces), media_type="text/csv; charset=utf-8", headers=headers
        )
    with tempfile.NamedTemporaryFile(prefix="gofer-export-", suffix=".xlsx", delete=False) as file:
        path = Path(file.name)
    try:
        write_xlsx(path, sheet.columns, sheet.rows, wanted.layout.value)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return FileResponse(
        path,
        media_type=_XLSX,
        headers=headers,
        background=BackgroundTask(path.unlink, missing_ok=True),
    )
