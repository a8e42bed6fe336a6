"""Requests whose heads are damaged or odd; each goes with a notebook that could be taken."""

from __future__ import annotations

from typing import Final

from tests.integration.server.hostile_notebooks import MARK, SCRIPT

REQUEST_LINES: Final = (
    "POST {prefix}?token=@&student=@ HTTP/1.1",
    "POST {prefix}?%3Cscript%3E@ HTTP/1.1",
    "POST {prefix}@ HTTP/1.1",
    "POST {prefix}%3Cscript%3E@ HTTP/1.1",
    "POST {prefix}../../@ HTTP/1.1",
    "POST {prefix}%2e%2e%2f%2e%2e%2f@ HTTP/1.1",
    "POST {prefix}submissions/@ HTTP/1.1",
    "POST {prefix}submissions/01900000-0000-7000-8000-000000000000 HTTP/1.1",
    "POST //@{prefix} HTTP/1.1",
    "POST http://@/ HTTP/1.1",
    "POST {prefix} HTTP/1.0",
    "POST {prefix} HTTP/9.9",
    "POST {prefix} @",
    "POST {prefix}",
    "POST  {prefix} HTTP/1.1",
    "PUT {prefix} HTTP/1.1",
    "OPTIONS {prefix} HTTP/1.1",
    "DELETE {prefix}submissions/@ HTTP/1.1",
    "GET {prefix}@ HTTP/1.1",
    "GET {prefix}submissions/@ HTTP/1.1",
    "GET {prefix}submissions/------------------------------------ HTTP/1.1",
    "GET {prefix}readyz?@ HTTP/1.1",
    "TRACE {prefix} HTTP/1.1",
    "<script> {prefix} HTTP/1.1",
    "",
)
"""`@` stands for a text that must not come back."""

HEADERS: Final[tuple[tuple[str, ...], ...]] = (
    ("Content-Type: @",),
    ("Content-Type: application/json; charset=@",),
    ("Content-Type: multipart/form-data; boundary=@",),
    ("Content-Encoding: @",),
    ("Accept: @",),
    ("Accept: application/json;q=@",),
    ("Accept: text/html,application/xhtml+xml,*/*;q=0.8",),
    ("Accept: application/json;q=0." + "9" * 5000,),
    ("Accept: " + "text/html," * 3000,),
    ("Expect: @",),
    ("Expect: 100-continue, @",),
    ("Origin: @",),
    ("Referer: http://hub.example.edu/user/@/",),
    ("Cookie: @=@; _xsrf=@",),
    ("X-XSRFToken: @", "X-Forwarded-For: @", "X-Forwarded-Host: @", "Forwarded: for=@"),
    ("Authorization: @",),
    ("Authorization: Bearer @",),
    ("Authorization: Bearer a.b.c", "Authorization: Bearer a.b.c"),
    ("Authorization: Bearer " + "e" * 30_000,),
    ("X-Gofer-Student: @",),
    ("X-Gofer-Student: @", "Accept: application/json"),
    ("Accept: application/json",),
    ("X-Gofer-Student: grace", "X-Gofer-Student: ada"),
    ("X-Gofer-Student: " + "x" * 4096,),
    ("X-Gofer-Student: ../../etc/passwd",),
    ("X-Gofer-Student: \xff\xfe",),
    ("X-Gofer-Student: a\x00b",),
    ("X-Gofer-Student:\tada", " @"),
    ("X-Huge: " + "x" * 70_000,),
    ("No colon in this line @",),
    ("Bad Name: @",),
    ("<script>: @",),
    (": @",),
    ("Connection: @, upgrade", "Upgrade: websocket"),
    ("Range: bytes=0-@",),
    ("If-None-Match: @",),
    ("Host: @",),
    ("Host: a, b",),
    ("Content-Length: -1",),
    ("Content-Length: 0x10",),
    ("Content-Length: @",),
    ("Content-Length: 5",),
    ("Content-Length: 99999999999999999999999",),
    ("Content-Length: 5, 6",),
    ("Transfer-Encoding: @",),
    ("Transfer-Encoding: gzip, chunked",),
    ("Transfer-Encoding: chunked", "Content-Length: 5"),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
)
"""Lines beside the usual ones; one of a usual name takes its place."""


def marked(line: str) -> bytes:
    """Return a line with the text that must not come back, as bytes of the wire."""
    return line.replace("@", SCRIPT.replace(" ", "")).encode("latin-1")


assert MARK in SCRIPT
