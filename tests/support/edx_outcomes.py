"""The outcome service of an edX, on loopback: it takes grades and writes down what it took."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterator

POX = "{http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0}"
ANSWER = """<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0">
<imsx_POXHeader><imsx_POXResponseHeaderInfo><imsx_version>V1.0</imsx_version>
<imsx_messageIdentifier>1</imsx_messageIdentifier><imsx_statusInfo>
<imsx_codeMajor>{code}</imsx_codeMajor><imsx_severity>status</imsx_severity>
<imsx_description>{words}</imsx_description></imsx_statusInfo></imsx_POXResponseHeaderInfo>
</imsx_POXHeader><imsx_POXBody/></imsx_POXEnvelopeResponse>"""


class Edx(ThreadingHTTPServer):
    """Takes the grades of everyone but of those it is told to refuse.

    Attributes:
        taken: (path, sourcedid, score) of each grade.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[tuple[str, str, str]] = []
        self.refused = {"gofer-connection-test"}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def scores(self) -> dict[str, str]:
        """By student, the last score."""
        return {sourcedid.rsplit(":", 1)[-1]: score for _, sourcedid, score in self.taken}


@contextmanager
def serving() -> Iterator[Edx]:
    """An edX that answers inside the block."""
    with Edx() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Edx
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = ET.fromstring(body)
        sourcedid = request.findtext(f".//{POX}sourcedId") or ""
        score = request.findtext(f".//{POX}textString")
        is_known = self.headers["Authorization"].startswith("OAuth ") and score is not None
        if not is_known or sourcedid.rsplit(":", 1)[-1] in self.server.refused:
            answer = ANSWER.format(code="failure", words="User not found.")
        else:
            self.server.taken.append((self.path, sourcedid, score or ""))
            answer = ANSWER.format(code="success", words="Score is now there")
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *arguments: Any) -> None:
        """Keep quiet."""
