"""The Tornado application: addresses, access log, and nothing else."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from tornado.web import Application, RequestHandler

from gofer_ingest.server.answering import Handler
from gofer_ingest.server.handlers import (
    Health,
    MetricsText,
    Nothing,
    PublicKeys,
    Readiness,
    Submissions,
)
from gofer_ingest.server.telling import ID, OwnSubmissions, StaticFile, Submission

if TYPE_CHECKING:
    from gofer_ingest.server.means import Means

_log = logging.getLogger("gofer.access")


def make_app(means: Means) -> Application:
    """Return the application under `means.prefix`."""
    prefix = re.escape(means.prefix)
    given = {"means": means}
    return Application(
        [
            (prefix + "?", Submissions, given),
            (f"{prefix}submissions", OwnSubmissions, given),
            (f"{prefix}submissions/({ID})", Submission, given),
            (f"{prefix}static/([a-z.]+)", StaticFile, given),
            (f"{prefix}healthz", Health, given),
            (f"{prefix}readyz", Readiness, given),
            (f"{prefix}metrics", MetricsText, given),
            (f"{prefix}jwks\\.json", PublicKeys, given),
            *(
                (address, handler, {**given, **own})
                for address, handler, own in means.identity.addresses(means.prefix)
            ),
        ],
        default_handler_class=Nothing,
        default_handler_args=given,
        log_function=_log_request,
        **means.identity.application_settings(),
    )


def _log_request(handler: RequestHandler) -> None:
    """Log one answered request, by how it went: never its query, headers or body."""
    if not isinstance(handler, Handler) or handler.is_logged:
        return
    handler.is_logged = True
    request = handler.request
    extra: dict[str, object] = {
        "action": "http.request",
        "method": request.method,
        "path": request.path,
        "status": handler.get_status(),
        "duration_ms": round(1000 * request.request_time(), 1),
    }
    if handler.submission_id is not None:
        extra["submission_id"] = handler.submission_id
    _log.log(_level(handler), "Answered a request", extra=extra)


def _level(handler: Handler) -> int:
    status = handler.get_status()
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return logging.WARNING
    if handler.is_routine and status < HTTPStatus.BAD_REQUEST:
        return logging.DEBUG
    return logging.INFO
