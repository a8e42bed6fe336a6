"""What a code cell put out, and which of its forms is shown. Pure.

Of an output's forms only text, HTML, Markdown, TeX and three kinds of images are known here. What
a browser would have to run or to trust is left out, and a note says so.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from gofer_console.notebook_html.limits import OUTPUT_CHARACTERS, cut

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["text", "problem", "html", "markdown", "maths", "image", "nothing"]

_IMAGES: Final = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
}
"""The images that are shown, and how their bytes begin."""

_SHOWN: Final = (
    ("text/html", "html"),
    *((mime, "image") for mime in _IMAGES),
    ("text/latex", "maths"),
    ("text/markdown", "markdown"),
    ("text/plain", "text"),
)
_LEFT_OUT: Final = {
    "image/svg+xml": "A drawing (SVG) is",
    "application/javascript": "What a script would draw is",
    "text/javascript": "What a script would draw is",
    "application/vnd.jupyter.widget-view+json": "An interactive widget is",
    "application/pdf": "A PDF is",
}
_WHERE: Final = "not shown here. It is in the notebook, which you can download."
_ACTIVE: Final = re.compile(
    r"<\s*(script|iframe|object|embed|svg|form|video|audio|canvas|link|meta|base)\b", re.IGNORECASE
)
_WHITE_SPACE: Final = re.compile(r"[ \t\r\n]+")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Output:
    """One output in the form in which it is shown.

    Attributes:
        kind: what `content` is; `problem` is a traceback, `nothing` has the note alone.
        content: text of the student's; of an image its `data:` URL.
        note: what of it is not shown, in words of ours; empty where all is.
    """

    kind: Kind
    content: str = ""
    note: str = ""


def output_of(written: Any) -> Output | None:
    """Return an output as it is shown; None where it is not one.

    Args:
        written: any JSON.
    """
    if not isinstance(written, dict):
        return None
    match written.get("output_type"):
        case "stream":
            return _text("text", text_of(written.get("text")))
        case "error":
            lines = written.get("traceback")
            text = "\n".join(map(text_of, lines)) if isinstance(lines, list) else ""
            said = ": ".join(
                part for part in (text_of(written.get("ename")), text_of(written.get("evalue")))
                if part
            )  # fmt: skip
            return _text("problem", text or said)
        case "execute_result" | "display_data":
            data = written.get("data")
            return _displayed(data) if isinstance(data, dict) else None
    return None


def image_url(mime: str, written: Any) -> str | None:
    """Return an image as a `data:` URL; None where it is not one of the kinds that are shown.

    Args:
        mime: what the notebook says it is.
        written: base64 as a notebook has it, with line breaks or in a list of lines.
    """
    if mime not in _IMAGES:
        return None
    encoded = _WHITE_SPACE.sub("", text_of(written))
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not content.startswith(_IMAGES[mime]):
        return None
    return f"data:{mime};base64,{encoded}"


def text_of(written: Any) -> str:
    """Return the text of a notebook's string, or of its list of lines; empty for anything else."""
    if isinstance(written, list):
        written = "".join(line for line in written if isinstance(line, str))
    if not isinstance(written, str):
        return ""
    return _SURROGATES.sub("\ufffd", written).replace("\x00", "\ufffd")


def _displayed(data: Mapping[str, Any]) -> Output | None:
    note = next((f"{what} {_WHERE}" for mime, what in _LEFT_OUT.items() if mime in data), "")
    if not note and any(mime.startswith("application/vnd.") for mime in data):
        note = f"An interactive output is {_WHERE}"
    for mime, kind in _SHOWN:
        if mime not in data:
            continue
        if kind == "image":
            url = image_url(mime, data[mime])
            if url is None:
                note = "An image is damaged, and not shown."
                continue
            return Output("image", url)
        text = text_of(data[mime])
        if kind == "html":
            if _ACTIVE.search(text):
                note = note or f"Parts of this output are {_WHERE}"
                if any(other in data for other in _IMAGES):
                    continue  # a picture that was sent along shows more than what is left of it
            return _text("html", text, note)
        return _text("maths" if kind == "maths" else _known(kind), text, note)
    return Output("nothing", note=note) if note else None


def _known(kind: str) -> Kind:
    return "markdown" if kind == "markdown" else "text"


def _text(kind: Kind, text: str, note: str = "") -> Output:
    shown, beyond = cut(text, OUTPUT_CHARACTERS)
    if not beyond:
        return Output(kind, shown, note)
    left_out = f"{beyond:,} characters of this output are {_WHERE}"
    # Half of a table or of a formula is none: its text is shown as it is.
    return Output("problem" if kind == "problem" else "text", shown, left_out)
