"""The addresses of the server, one handler each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from gofer_ingest.server.answering import Handler
from gofer_ingest.server.bodies import Body
from gofer_ingest.server.door import LARGE_BYTES
from gofer_ingest.server.errors import NotAllowed, NotFound
from gofer_ingest.server.locality import is_local
from gofer_ingest.server.metrics import CONTENT_TYPE
from gofer_ingest.server.telling import Teller
from shared.errors import WrongContentType

if TYPE_CHECKING:
    from gofer_ingest.server.identity import Person

_JSON_TYPES: Final = frozenset({"application/json", "application/x-ipynb+json", "text/plain", ""})
"""What a notebook may come as. Buttons that `fetch` a string without saying what it is send
`text/plain`, and scripts that post one send nothing; the body has to be JSON in any case."""


class Submissions(Teller):
    """`{prefix}`: where notebooks are submitted, and for browsers the page of one's own."""

    allowed: ClassVar = frozenset({"GET", "HEAD", "POST"})
    _sender: Person

    @property
    def is_json_usual(self) -> bool:
        """Old buttons show whatever text comes back, and ask for nothing in particular."""
        return False

    async def admit(self) -> None:
        """Let a signed-in student's JSON of an acceptable size in."""
        if self.request.method != "POST":
            return
        self._sender = await self.person()
        headers = self.request.headers
        kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in _JSON_TYPES:
            raise WrongContentType
        if headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise WrongContentType("Send the notebook as it is, not compressed.")
        body = Body(self.means.max_body_bytes, self.means.budget, self._sender.name)
        body.expect(headers.get("Content-Length", ""))
        await self.find_room()
        self.body = body

    async def answer(self, *words: str) -> None:
        """Store the notebook and give the receipt; 202 means that it is on disk."""
        del words
        if self.body is None:
            self.set_header("Vary", "Accept")
            if self.is_page_wanted:
                await self.show_home()
                return
            self.write_text(
                "This is where notebooks are submitted: use the Submit button of your notebook."
            )
            return
        means = self.means
        body = self.body.whole()
        run = self.in_large_thread if len(body) > LARGE_BYTES else self.in_thread
        receipt = await run(means.door.accept, body, self._sender)
        self.submission_id = receipt.id
        means.metrics.accepted(receipt.key, self.request.request_time())
        status_url = f"{means.prefix}submissions/{receipt.id}"
        self.set_status(202)
        self.set_header("Location", status_url)
        self.set_header("Vary", "Accept")
        if self.is_json_wanted:
            self.write_json(receipt.as_json(status_url))
        else:
            self.write_text(receipt.sentence)


class Health(Handler):
    """`{prefix}healthz`: the process answers."""

    is_routine: ClassVar = True

    async def answer(self, *words: str) -> None:
        """Say so."""
        del words
        self.write_json({"status": "ok"})


class Readiness(Handler):
    """`{prefix}readyz`: a submission would be accepted now."""

    is_routine: ClassVar = True

    async def answer(self, *words: str) -> None:
        """Try whether the spool can be written, and whether there is room in it.

        How the grader is, is told and decides nothing: accepting needs none.
        """
        del words
        await self.in_thread(self.means.spool.check)
        await self.find_room()
        grader = await self.in_thread(self.means.grader)
        told: dict[str, object] = {"status": "ready", "grader": str(grader)}
        if grader.passback is not None:
            told["passback"] = grader.passback.model_dump(mode="json", exclude={"troubled"})
        self.write_json(told)


class PublicKeys(Handler):
    """`{prefix}jwks.json`: the keys by which LMSs know Gofer as their tool (LTI 1.3)."""

    is_routine: ClassVar = True

    async def answer(self, *words: str) -> None:
        """Tell them; the private halves are not in this process."""
        del words
        if self.means.public_keys is None:
            raise NotFound
        self.set_header("Cache-Control", "public, max-age=3600")
        self.write_json(dict(self.means.public_keys))


class MetricsText(Handler):
    """`{prefix}metrics`: what the server counts, for programs on this machine and for staff."""

    is_routine: ClassVar = True

    async def admit(self) -> None:
        """Admit whoever asks from this machine itself, and staff from anywhere."""
        if is_local(self.peer, self.request.headers):
            return
        if not (await self.person()).is_staff:
            raise NotAllowed("The metrics are for staff.")

    async def answer(self, *words: str) -> None:
        """Tell them."""
        del words
        self.write_content(CONTENT_TYPE, await self.in_thread(self.means.metrics.text))


class Nothing(Handler):
    """Any other address."""

    allowed: ClassVar = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

    async def admit(self) -> None:
        """Admit nothing."""
        raise NotFound
