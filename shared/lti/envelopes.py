"""The XML of LTI 1.1 Basic Outcomes: requests as elements, answers from a stranger's bytes.

Answers are read without entities and document types; a name space is not required of them, since
LMSs differ in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE: Final = "http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"
_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class OutcomeAnswer:
    """What an LMS answered.

    Attributes:
        major: `imsx_codeMajor` in lower case: success, failure, unsupported or processing.
        description: `imsx_description` as written, which may repeat anything of the request.
        score: the text of the score, in the answer to a readResult; None where there is none.
    """

    major: str
    description: str = field(repr=False)
    score: str | None


def replace_result(message_id: str, sourcedid: str, fraction: float) -> bytes:
    """Return the request that replaces a grade.

    Args:
        message_id: of this request alone.
        sourcedid: the place of the grade.
        fraction: of the points possible; what is outside of 0 to 1 is brought to its border, since
            Basic Outcomes know no bonus.

    Raises:
        ValueError: the sourcedid has characters that XML cannot hold.
    """
    return _request("replaceResultRequest", message_id, sourcedid, _score_text(fraction))


def read_result(message_id: str, sourcedid: str) -> bytes:
    """Return the request that asks for a grade.

    Raises:
        ValueError: the sourcedid has characters that XML cannot hold.
    """
    return _request("readResultRequest", message_id, sourcedid, None)


def delete_result(message_id: str, sourcedid: str) -> bytes:
    """Return the request that takes a grade back.

    Raises:
        ValueError: the sourcedid has characters that XML cannot hold.
    """
    return _request("deleteResultRequest", message_id, sourcedid, None)


def harmless_request(message_id: str, sourcedid: str) -> bytes:
    """Return a request that changes nothing and that every LMS checks the signature of.

    It reads a result, and has a score in it as well: edX wants one in every request, before it
    looks at the signature (docs/passback.md); others pass over it.
    """
    return _request("readResultRequest", message_id, sourcedid, "0")


def parse_answer(body: bytes) -> OutcomeAnswer | None:
    """Return what an answer says; None where it is no answer of Basic Outcomes."""
    try:
        # White space before the declaration is no XML, and is what templates send.
        root = fromstring(body.strip(), forbid_dtd=True)
    except (ET.ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    major = next(_texts(root, "imsx_codeMajor"), "").strip().lower()
    if not major:
        return None
    return OutcomeAnswer(
        major,
        next(_texts(root, "imsx_description"), "").strip(),
        next(_texts(root, "textString"), None),
    )


def fraction_of(written: str) -> float:
    """Return the score of an answer.

    Raises:
        ValueError: it is no number from 0 to 1.
    """
    fraction = float(written)
    if not (math.isfinite(fraction) and 0 <= fraction <= 1):
        raise ValueError("a score is from 0 to 1")
    return fraction


def _score_text(fraction: float) -> str:
    within = min(max(fraction, 0.0), 1.0)
    return f"{within:.{_DECIMALS}f}".rstrip("0").rstrip(".")


def _request(action: str, message_id: str, sourcedid: str, score: str | None) -> bytes:
    if not all(_is_xml(letter) for letter in sourcedid):
        raise ValueError("a sourcedid has no control characters")
    envelope = ET.Element("imsx_POXEnvelopeRequest", {"xmlns": NAMESPACE})
    head = ET.SubElement(ET.SubElement(envelope, "imsx_POXHeader"), "imsx_POXRequestHeaderInfo")
    ET.SubElement(head, "imsx_version").text = "V1.0"
    ET.SubElement(head, "imsx_messageIdentifier").text = message_id
    request = ET.SubElement(ET.SubElement(envelope, "imsx_POXBody"), action)
    record = ET.SubElement(request, "resultRecord")
    ET.SubElement(ET.SubElement(record, "sourcedGUID"), "sourcedId").text = sourcedid
    if score is not None:
        result = ET.SubElement(ET.SubElement(record, "result"), "resultScore")
        ET.SubElement(result, "language").text = "en"
        ET.SubElement(result, "textString").text = score
    written: bytes = ET.tostring(envelope, encoding="UTF-8", xml_declaration=True)
    return written


def _is_xml(letter: str) -> bool:
    """Whether XML 1.0 can hold this character and give it back as it was."""
    code = ord(letter)
    return 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code > 0xFFFF  # noqa: PLR2004


def _texts(root: ET.Element, name: str) -> Iterator[str]:
    for element in root.iter():
        if element.tag.rpartition("}")[2] == name:
            yield element.text or ""
