"""LTI 1.1 Basic Outcomes as a strict LMS takes them: oauthlib's server side with all its checks."""

from __future__ import annotations

import json
import secrets
import threading
from base64 import b64encode
from hashlib import sha1
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from xml.etree import ElementTree as ET

from defusedxml.ElementTree import fromstring
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from tests.support.faulty_http import Request, Response

if TYPE_CHECKING:
    from tests.support.strict_gradebook import StrictGradebook

_POX: Final = "{http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0}"
_SKEW_S: Final = 300


class _Once(RequestValidator):
    """What oauthlib's server side asks of whoever keeps keys and nonces."""

    enforce_ssl = False
    timestamp_lifetime = _SKEW_S
    dummy_client = "nobody"

    def __init__(self, key: str, secret: str) -> None:
        super().__init__()
        self._key = key
        self._secret = secret
        self._lock = threading.Lock()
        self._seen: set[tuple[str, str]] = set()

    def check_client_key(self, client_key: str) -> bool:
        return bool(client_key)

    def check_nonce(self, nonce: str) -> bool:
        return 8 <= len(nonce) <= 64

    def validate_client_key(self, client_key: str, request: object) -> bool:
        return client_key == self._key

    def get_client_secret(self, client_key: str, request: object) -> str:
        return self._secret if client_key == self._key else "nothing"

    def validate_timestamp_and_nonce(
        self, client_key: str, timestamp: str, nonce: str, *rest: object, **more: object
    ) -> bool:
        with self._lock:
            is_new = (timestamp, nonce) not in self._seen
            self._seen.add((timestamp, nonce))
        return is_new


class StrictOutcomes:
    """The outcomes service of one course, with one key.

    It answers 422 with the reason in XML as Canvas does, and writes sourcedids as Moodle does.
    """

    path: Final = "/courses/course-v1:Org+X+Run/service"

    def __init__(self, gradebook: StrictGradebook, url: str, key: str, secret: str) -> None:
        self._gradebook = gradebook
        self._url = url
        self._endpoint = SignatureOnlyEndpoint(_Once(key, secret))

    def answer(self, request: Request) -> Response:
        if request.headers.get("content-type") != "application/xml":
            return Response.of_json(415, {"errors": {"message": "application/xml only"}})
        if not self._is_signed(request):
            return Response.of_json(401, {"errors": {"message": "Invalid authorization header"}})
        return self._carried_out(fromstring(request.body, forbid_dtd=True))

    def _carried_out(self, root: ET.Element) -> Response:
        message = root.findtext(f".//{_POX}imsx_messageIdentifier") or ""
        request = next(iter(root.iterfind(f"{_POX}imsx_POXBody/*")))
        try:
            student = json.loads(root.findtext(f".//{_POX}sourcedId", ""))["data"]["userid"]
        except (ValueError, KeyError, TypeError):
            return _pox(422, message, "failure", "Invalid sourcedid")
        if student not in self._gradebook.students:
            return _pox(422, message, "failure", f"User {student} is not in this course")
        if request.tag == f"{_POX}deleteResultRequest":
            self._gradebook.take_out(student)
            return _pox(200, message, "success", "deleted")
        if request.tag != f"{_POX}replaceResultRequest":
            held = self._gradebook.held(student)
            return _pox(200, message, "success", "read", "" if held is None else str(held))
        score = float(root.findtext(f".//{_POX}textString", ""))
        if not 0 <= score <= 1:
            return _pox(422, message, "failure", "Score not between 0.0 and 1.0")
        self._gradebook.keep(student, score)
        return _pox(200, message, "success", f"Score for {student} is now {score}")

    def _is_signed(self, request: Request) -> bool:
        header = request.headers.get("authorization", "")
        is_signed, _ = self._endpoint.validate_request(
            self._url + request.path, request.method, None, {"Authorization": header}
        )
        body_hash = quote(b64encode(sha1(request.body).digest()), safe="")
        return bool(is_signed) and f'oauth_body_hash="{body_hash}"' in header


def sourcedid(student: str) -> str:
    """Return a place as Moodle writes it, with marks that XML and URLs must escape."""
    return json.dumps({"data": {"userid": student}, "hash": "<&'%2B+>"})


def _pox(status: int, message: str, major: str, said: str, score: str | None = None) -> Response:
    envelope = ET.Element("imsx_POXEnvelopeResponse", {"xmlns": _POX[1:-1]})
    head = ET.SubElement(ET.SubElement(envelope, "imsx_POXHeader"), "imsx_POXResponseHeaderInfo")
    ET.SubElement(head, "imsx_version").text = "V1.0"
    ET.SubElement(head, "imsx_messageIdentifier").text = secrets.token_hex(4)
    info = ET.SubElement(head, "imsx_statusInfo")
    ET.SubElement(info, "imsx_codeMajor").text = major
    ET.SubElement(info, "imsx_severity").text = "status"
    ET.SubElement(info, "imsx_description").text = said
    ET.SubElement(info, "imsx_messageRefIdentifier").text = message
    body = ET.SubElement(envelope, "imsx_POXBody")
    if score is not None:
        read = ET.SubElement(ET.SubElement(body, "readResultResponse"), "result")
        ET.SubElement(ET.SubElement(read, "resultScore"), "textString").text = score
    written = b"\n" + ET.tostring(envelope, encoding="UTF-8", xml_declaration=True)
    return Response(status, written, {"Content-Type": "application/xml"})
