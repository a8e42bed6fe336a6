"""The pages that people see in a browser: templates that escape all they are given, and statics.

A page holds nothing that has to be run or loaded from elsewhere, no inline style and no inline
script, so that its Content-Security-Policy can forbid both.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tornado.template import Loader

from gofer_ingest.server.pages.rows import (
    BLANK,
    BLANK_QUESTION,
    given_row,
    hidden_row,
    iso_text,
    question_rows,
    row_of,
)
from gofer_ingest.server.status_words import grade_sentence, utc_text

if TYPE_CHECKING:
    from http import HTTPStatus

    from gofer_ingest.server.enquiries import StatusPage
    from gofer_ingest.server.status import Status
    from shared.model import SubmissionId

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of every page."""
ROWS: Final = 15
"""Submissions on one page."""

_HERE: Final = Path(__file__).parent
_KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Static:
    """A file that pages load.

    Attributes:
        packed: its content, with gzip. There is no secret in it; pages may hold one and stay as
            they are.
        kind: its content type.
        digest: changes with its content.
    """

    content: bytes
    packed: bytes
    kind: str
    digest: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Whoever looks at a page.

    Attributes:
        name: empty where nobody is signed in.
        token: what the page's own requests carry; empty for nothing.
        sign_out_url: where a form signs out; None where that is not offered.
    """

    name: str = ""
    token: str = ""
    sign_out_url: str | None = None


class Pages:
    """Makes pages; reads templates and statics once.

    Args:
        prefix: path under which the server answers; begins and ends with a slash.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._templates = Loader(str(_HERE), whitespace="oneline")
        self.statics = {path.name: _static(path) for path in sorted((_HERE / "static").iterdir())}

    def home(self, reader: Reader, page: StatusPage, before: SubmissionId | None) -> bytes:
        """Return the page of somebody's submissions.

        Args:
            reader: whose they are.
            page: of them.
            before: where the page begins; None where that is with the newest.
        """
        poll = f"{self._prefix}submissions?limit={ROWS}"
        older = None
        if before is not None:
            poll += f"&before={before}"
        if page.has_more:
            older = f"{self._prefix}?before={page.statuses[-1].submitted.id}"
        return self._page(
            "home.html",
            reader,
            title="Your submissions",
            rows=[row_of(status, self._prefix) for status in page.statuses],
            is_open=any(status.is_open for status in page.statuses),
            is_first=before is None,
            is_complete=page.is_complete,
            given=[given_row(given) for given in page.given],
            poll=poll,
            older=older,
        )

    def submission(self, reader: Reader, status: Status) -> bytes:
        """Return the page of one submission: its receipt, its state, its result."""
        row = row_of(status, self._prefix)
        questions = status.questions
        return self._page(
            "submission.html",
            reader,
            title=f"{row.label}: {row.assignment}",
            row=row,
            is_open=status.is_open,
            is_others=row.student != reader.name,
            sha256=status.submitted.sha256,
            student_text=status.student_text if status.score is not None else "",
            grade_text=grade_sentence(status),
            publishes_at=status.publishes_at and iso_text(status.publishes_at),
            publishes=status.publishes_at and utc_text(status.publishes_at),
            questions=question_rows(questions),
            hidden=hidden_row(questions.hidden) if questions else None,
        )

    def refusal(
        self, status: HTTPStatus, message: str, *, name_form_url: str | None, next_path: str
    ) -> bytes:
        """Return the page of an error.

        Args:
            status: of the answer.
            message: plain words.
            name_form_url: where a form that asks who one is goes; None shows no such form.
            next_path: where one goes from there.
        """
        return self._page(
            "refusal.html",
            Reader(),
            title="Who are you?" if name_form_url else status.phrase.capitalize(),
            status=status,
            message=message,
            name_form_url=name_form_url,
            next_path=next_path,
        )

    def _page(self, template: str, reader: Reader, **values: Any) -> bytes:
        return self._templates.load(template).generate(
            reader=reader,
            prefix=self._prefix,
            address=self._address,
            blank=BLANK,
            blank_question=BLANK_QUESTION,
            **values,
        )

    def _address(self, name: str) -> str:
        return f"{self._prefix}static/{name}?v={self.statics[name].digest}"


def _static(path: Path) -> Static:
    content = path.read_bytes()
    return Static(
        content,
        gzip.compress(content, mtime=0),
        _KINDS[path.suffix],
        hashlib.sha256(content).hexdigest()[:16],
    )
