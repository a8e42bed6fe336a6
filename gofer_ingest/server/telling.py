"""Where people are told of their submissions: pages for browsers, JSON for programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from gofer_ingest.server.answering import Handler
from gofer_ingest.server.errors import BadQuery, NotFound
from gofer_ingest.server.pages import ROWS, Reader
from gofer_ingest.server.status_words import as_json, given_as_json, sentence
from shared.model import SubmissionId

if TYPE_CHECKING:
    from gofer_ingest.server.identity import Person

ID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MOST_ROWS: Final = 100
USUAL_ROWS: Final = 25
_A_YEAR_S: Final = 365 * 24 * 3600


class Teller(Handler):
    """A handler that shows pages to whoever is signed in."""

    async def show_home(self) -> None:
        """Answer with the page of one's own submissions."""
        person = await self.person()
        before = self._before()
        enquiries = self.means.enquiries
        page = await self.enquire(enquiries.list_of, person.name, before=before, limit=ROWS)
        self.write_page(self.means.pages.home(self._reader(person), page, before))

    async def show_submission(self, submission_id: SubmissionId) -> None:
        """Answer with the state of one submission."""
        person = await self.person()
        status = await self.enquire(self.means.enquiries.status_of, submission_id, person)
        self.set_header("Vary", "Accept")
        if self.is_page_wanted:
            self.write_page(self.means.pages.submission(self._reader(person), status))
        elif self.is_json_wanted:
            self.write_json(as_json(status, self.means.prefix))
        else:
            self.write_text(sentence(status))

    async def show_list(self) -> None:
        """Answer with one's own submissions as JSON."""
        person = await self.person()
        before, limit = self._before(), self._limit()
        enquiries, prefix = self.means.enquiries, self.means.prefix
        page = await self.enquire(enquiries.list_of, person.name, before=before, limit=limit)
        older_url = None
        if page.has_more:
            last = page.statuses[-1].submitted.id
            older_url = f"{prefix}submissions?before={last}&limit={limit}"
        self.set_header("Vary", "Accept")
        self.write_json(
            {
                "submissions": [as_json(status, prefix) for status in page.statuses],
                "grades_without_submission": [given_as_json(given) for given in page.given],
                "older_url": older_url,
                "is_complete": page.is_complete,
            }
        )

    def _reader(self, person: Person) -> Reader:
        identity = self.means.identity
        return Reader(
            name=person.name,
            token=identity.page_token(self),
            sign_out_url=identity.sign_out_url(self, self.means.prefix),
        )

    def _before(self) -> SubmissionId | None:
        text = self._asked("before")
        if not text:
            return None
        if re.fullmatch(ID, text) is None:
            raise BadQuery("`before` has to be the id of a submission.")
        return SubmissionId(text)

    def _limit(self) -> int:
        text = self._asked("limit")
        if not text:
            return USUAL_ROWS
        if re.fullmatch(r"[0-9]{1,3}", text) is None or not 1 <= int(text) <= MOST_ROWS:
            raise BadQuery(f"`limit` has to be a number from 1 to {MOST_ROWS}.")
        return int(text)

    def _asked(self, name: str) -> str:
        """Return the last value of this name in the query; empty where there is none."""
        return self.request.query_arguments.get(name, [b""])[-1].decode("utf-8", "replace")


class Submission(Teller):
    """`{prefix}submissions/{id}`: the state of one's own submission."""

    is_routine: ClassVar = True

    async def answer(self, *words: str) -> None:
        """Tell it."""
        self.submission_id = words[0]
        await self.show_submission(SubmissionId(words[0]))


class OwnSubmissions(Teller):
    """`{prefix}submissions`: one's own submissions, newest first."""

    is_routine: ClassVar = True

    async def answer(self, *words: str) -> None:
        """List them; a browser is shown the page instead."""
        del words
        if self.is_page_wanted:
            await self.show_home()
        else:
            await self.show_list()


class StaticFile(Handler):
    """`{prefix}static/{name}`: what pages load. It is everyone's to see and to keep."""

    is_routine: ClassVar = True
    _etag: str | None = None

    async def answer(self, *words: str) -> None:
        """Give the file; for good to whoever asks for exactly this content."""
        static = self.means.pages.statics.get(words[0])
        if static is None:
            raise NotFound
        is_exact = self.request.query_arguments.get("v") == [static.digest.encode()]
        self.set_header(
            "Cache-Control",
            f"public, max-age={_A_YEAR_S}, immutable" if is_exact else "public, no-cache",
        )
        self.set_header("Vary", "Accept-Encoding")
        content, self._etag = static.content, f'"{static.digest}"'
        if "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            content, self._etag = static.packed, f'"{static.digest}.gz"'
        self.write_content(static.kind, content)

    def compute_etag(self) -> str | None:
        """Return what tells this content from any other."""
        return self._etag
