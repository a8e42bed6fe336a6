"""LTI 1.3 tokens and grade services as a strict LMS has them: Canvas's checks, Moodle's 409."""

from __future__ import annotations

import itertools
import json
import secrets
import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import jwt

from tests.support.faulty_http import Request, Response

if TYPE_CHECKING:
    from tests.support.strict_gradebook import StrictGradebook

_SCOPES: Final = "https://purl.imsglobal.org/spec/lti-ags/scope/"
_SCORE_TYPE: Final = "application/vnd.ims.lis.v1.score+json"


class _Refused(Exception):
    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.answer = Response.of_json(status, {"errors": {"message": said}})


class StrictTokens:
    """The token endpoint: each assertion is checked for all its claims, and taken once."""

    path: Final = "/token"

    def __init__(self, url: str, client_id: str, public_pem: str | None) -> None:
        self._url = url + self.path
        self._client_id = client_id
        self._pem = public_pem
        self._lock = threading.Lock()
        self._given: dict[str, tuple[set[str], float]] = {}
        self._jtis: set[str] = set()
        self.scopes = {"lineitem", "lineitem.readonly", "result.readonly", "score"}
        self.life_s = 3600.0
        self.count = 0

    def drop_all(self) -> None:
        with self._lock:
            self._given.clear()

    def answer(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if self._pem is None or form.get("grant_type") != "client_credentials":
            return Response.of_json(400, {"error": "unsupported_grant_type"})
        try:
            claims = jwt.decode(
                form["client_assertion"],
                self._pem,
                algorithms=["RS256"],
                audience=self._url,
                issuer=self._client_id,
                options={"require": ["exp", "iat", "jti", "sub", "aud", "iss"]},
            )
        except (jwt.PyJWTError, KeyError):
            return Response.of_json(401, {"error": "invalid_client"})
        asked = {scope.removeprefix(_SCOPES) for scope in form["scope"].split()}
        with self._lock:
            if claims["jti"] in self._jtis or claims["exp"] - time.time() > 300:
                return Response.of_json(401, {"error": "invalid_client"})
            self._jtis.add(claims["jti"])
            if not asked <= self.scopes:
                return Response.of_json(400, {"error": "invalid_scope"})
            token = secrets.token_urlsafe(24)
            self._given[token] = (asked, time.monotonic() + self.life_s)
            self.count += 1
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.life_s}
        return Response.of_json(200, answer)

    def check(self, request: Request, *scopes: str) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        with self._lock:
            granted, until = self._given.get(token, (set[str](), 0.0))
        if time.monotonic() >= until:
            raise _Refused(401, "Invalid access token")
        if not granted & set(scopes):
            raise _Refused(403, "The token's scope does not cover this")


class StrictServices:
    """Line items, scores and results. Lists come a line item a page, in pages linked by `next`."""

    path: Final = "/lineitems"

    def __init__(self, gradebook: StrictGradebook, url: str, tokens: StrictTokens) -> None:
        self._gradebook = gradebook
        self._tokens = tokens
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._items: list[dict[str, Any]] = []
        self._latest: dict[tuple[str, str], datetime] = {}
        self.url = f"{url}{self.path}"
        self.line_items_url = f"{self.url}?type_id=1"

    def add(self, label: str, resource_id: str | None = None) -> str:
        """Make a line item, and return its address."""
        with self._lock:
            item = {
                "id": f"{self.url}/{next(self._numbers)}?type_id=1",
                "label": label,
                "scoreMaximum": 10,
                **({"resourceId": resource_id} if resource_id else {}),
            }
            self._items.append(item)
        return str(item["id"])

    def line_items(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(item) for item in self._items]

    def remove_all(self) -> None:
        with self._lock:
            self._items.clear()

    def answer(self, request: Request) -> Response:
        parts = urlsplit(request.path)
        names = parts.path.removeprefix(self.path).strip("/").split("/")
        query = parse_qs(parts.query)
        try:
            with self._lock:
                if names == [""]:
                    return self._container(request, query)
                address = self._known(f"{self.url}/{names[0]}?type_id=1")
                if (request.method, names[1:]) == ("POST", ["scores"]):
                    self._tokens.check(request, "score")
                    return self._score(request, address)
                if (request.method, names[1:]) == ("GET", ["results"]):
                    self._tokens.check(request, "result.readonly")
                    return self._results(address, query)
        except _Refused as refused:
            return refused.answer
        return Response.of_json(405, {"message": "not offered"})

    def _known(self, address: str) -> str:
        if address not in [item["id"] for item in self._items]:
            raise _Refused(404, "no such line item")
        return address

    def _container(self, request: Request, query: dict[str, list[str]]) -> Response:
        if request.method == "POST":
            self._tokens.check(request, "lineitem")
            item = json.loads(request.body)
            if not isinstance(item["scoreMaximum"], int):
                raise _Refused(400, "A valid integer is required.")
            return Response.of_json(
                201, {**item, "id": self.add(item["label"], item.get("resourceId"))}
            )
        self._tokens.check(request, "lineitem", "lineitem.readonly")
        wanted = query.get("resource_id")
        found = [item for item in self._items if not wanted or item.get("resourceId") in wanted]
        page = int(query.get("page", ["0"])[0])
        headers = {}
        if page + 1 < len(found):
            named = f"&resource_id={wanted[0]}" if wanted else ""
            headers["Link"] = f'<{self.line_items_url}{named}&page={page + 1}>; rel="next"'
        return Response.of_json(200, found[page : page + 1], **headers)

    def _score(self, request: Request, address: str) -> Response:
        score = json.loads(request.body)
        if request.headers.get("content-type") != _SCORE_TYPE:
            raise _Refused(400, "wrong content type")
        student = score["userId"]
        if student not in self._gradebook.students:
            raise _Refused(422, f"User {student} not found in course or is not a student")
        at = datetime.fromisoformat(score["timestamp"])
        has_score = "scoreGiven" in score
        if at.utcoffset() is None or has_score != (score["gradingProgress"] == "FullyGraded"):
            raise _Refused(400, "not a final score")
        latest = self._latest.get((address, student))
        if latest is not None and at.replace(microsecond=0) <= latest.replace(microsecond=0):
            raise _Refused(409, "Refusing score with an earlier timestamp, or the same one")
        self._latest[(address, student)] = at
        if has_score:
            self._gradebook.keep(student, min(score["scoreGiven"] / score["scoreMaximum"], 1.0))
        else:
            self._gradebook.take_out(student)
        return Response.of_json(200, {"resultUrl": f"{address}/results/1"})

    def _results(self, address: str, query: dict[str, list[str]]) -> Response:
        found = []
        for line_item, student in self._latest:
            held = self._gradebook.held(student)
            if (
                line_item == address
                and student in query.get("user_id", [student])
                and held is not None
            ):
                result = {"userId": student, "resultScore": held * 10, "resultMaximum": 10}
                found.append({"id": address, "scoreOf": address, **result})
        return Response.of_json(200, found)
