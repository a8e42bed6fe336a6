"""An LMS that takes nothing on trust, on loopback: LTI 1.1 outcomes and LTI 1.3 grade services.

It stands in for Canvas and Moodle, which check what edX does not: the OAuth key, signature, body
hash, time and nonce of LTI 1.1; all claims of LTI 1.3's assertions, and scope and life of tokens.

    with StrictLms(["ada"], tool_key.public_pem()) as lms:
        lms.steering.plan(Fault(status=503, one_in=5, count=None))
        with Outcomes(lms.key, lms.secret, service_url=lms.service_url) as client:
            client.post(PostedGrade(Recipient(sourcedid=sourcedid("ada")), 3, 4, now))
        assert lms.history() == {"ada": [0.75]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from tests.support.faulty_http import FaultyServer, Request, Response, Steering
from tests.support.strict_gradebook import StrictGradebook
from tests.support.strict_outcomes import StrictOutcomes
from tests.support.strict_services import StrictServices, StrictTokens

if TYPE_CHECKING:
    from collections.abc import Iterable


class StrictLms:
    """The LMS.

    Args:
        students: whom it knows, by the user id of both protocols.
        tool_public_pem: the tool's public key; None has no LTI 1.3.
    """

    key = "gofer-key"
    secret = "a secret & its 100% sign"
    client_id = "gofer-client"

    def __init__(self, students: Iterable[str], tool_public_pem: str | None = None) -> None:
        self._server = FaultyServer(self._answer, self.history)
        url = self._server.url
        self._gradebook = StrictGradebook(students)
        self._outcomes = StrictOutcomes(self._gradebook, url, self.key, self.secret)
        self.tokens = StrictTokens(url, self.client_id, tool_public_pem)
        self.services = StrictServices(self._gradebook, url, self.tokens)
        self.service_url = url + StrictOutcomes.path
        self.token_url = url + StrictTokens.path
        self.line_items_url = self.services.line_items_url
        self.steering = Steering(url)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.__exit__(*exception)

    def held(self, student: str) -> float | None:
        """Return the fraction that it holds now."""
        return self._gradebook.held(student)

    def history(self) -> dict[str, list[float]]:
        """Return all fractions that it has held, by student, in the order of their arrival."""
        return self._gradebook.history()

    def _answer(self, request: Request) -> Response:
        path = urlsplit(request.path).path
        if path == StrictOutcomes.path:
            return self._outcomes.answer(request)
        if path == StrictTokens.path:
            return self.tokens.answer(request)
        if path.startswith(StrictServices.path):
            return self.services.answer(request)
        return Response.of_json(404, {"message": "no such page"})
