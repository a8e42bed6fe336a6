"""The XML of LTI 1.1: what is written, and what is made of a stranger's answers."""

from __future__ import annotations

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from shared.lti.envelopes import (
    fraction_of,
    harmless_request,
    parse_answer,
    read_result,
    replace_result,
)

POX = "{http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0}"
GOOD = """<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0">
 <imsx_POXHeader><imsx_POXResponseHeaderInfo><imsx_statusInfo>
  <imsx_codeMajor>Success</imsx_codeMajor><imsx_description> well &amp; done </imsx_description>
 </imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader>
 <imsx_POXBody><readResultResponse><result><resultScore><textString>0.5</textString>
 </resultScore></result></readResultResponse></imsx_POXBody></imsx_POXEnvelopeResponse>"""


def text_of(request: bytes, name: str) -> str | None:
    found: str | None = fromstring(request).findtext(f".//{POX}{name}")
    return found


@pytest.mark.parametrize(
    ("fraction", "written"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.75, "0.75"),
        (1 / 3, "0.333333"),
        (1.2, "1"),
        (1e-9, "0"),
        (0.9999999, "1"),
        (0.1, "0.1"),
    ],
)
def test_a_score_is_a_plain_decimal_from_0_to_1(fraction: float, written: str) -> None:
    assert text_of(replace_result("m", "place", fraction), "textString") == written


@given(st.floats(min_value=0, max_value=10))
def test_every_score_is_one_that_edx_takes(fraction: float) -> None:
    written = text_of(replace_result("m", "place", fraction), "textString")
    assert written is not None
    assert 0 <= float(written) <= 1
    assert "e" not in written


@pytest.mark.parametrize("place", ['{"a": "<&\'%2B+>"}', "x]]>y", "grüße:日本", "</sourcedId>"])
def test_a_place_comes_through_as_it_is(place: str) -> None:
    for request in (replace_result("m", place, 0.5), read_result("m", place)):
        assert text_of(request, "sourcedId") == place
        assert text_of(request, "imsx_messageIdentifier") == "m"


@pytest.mark.parametrize("place", ["a\x00b", "a\x1bb", "a\r\nb", "\ud800", "\ufffe"])
def test_a_place_that_xml_cannot_hold_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        replace_result("m", place, 0.5)


def test_requests_are_utf_8_from_the_first_byte_on() -> None:
    assert replace_result("m", "ü", 0.5).startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert text_of(read_result("m", "place"), "textString") is None
    assert text_of(harmless_request("m", "place"), "textString") == "0"


@pytest.mark.parametrize("around", ["{}", "\n  {}\n"])
def test_an_answer_is_read(around: str) -> None:
    answer = parse_answer(around.format(GOOD).encode())
    assert answer is not None
    assert (answer.major, answer.description, answer.score) == ("success", "well & done", "0.5")


def test_an_answer_is_read_without_its_name_space() -> None:
    bare = GOOD.replace(' xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"', "")
    answer = parse_answer(bare.encode())
    assert answer is not None
    assert answer.major == "success"


ENTITY = '<!DOCTYPE a [<!ENTITY e "success">]><a><imsx_codeMajor>&e;</imsx_codeMajor></a>'
OUTSIDE = '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a><imsx_codeMajor>success</imsx_codeMajor></a>'
LAUGHS = (
    '<!DOCTYPE a [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + "]><a><imsx_codeMajor>&a9;</imsx_codeMajor></a>"
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"OK",
        b"{}",
        b"<html><body>Sign in",
        b"<a/>",
        b"\xff\xfe\x00",
        b"<?xml version='1.0' encoding='no-such'?><a/>",
        b"<?xml version='1.0' encoding='utf-7'?><a/>",
        GOOD[: len(GOOD) // 2].encode(),
        GOOD.replace("Success", "").encode(),
        GOOD.encode("utf-16")[:-1],
        ENTITY.encode(),
        OUTSIDE.encode(),
        LAUGHS.encode(),
    ],
)
def test_what_is_no_answer_is_none(body: bytes) -> None:
    assert parse_answer(body) is None


def test_very_deep_xml_is_no_trouble() -> None:
    depth = 60_000
    body = b"<a>" * depth + b"<imsx_codeMajor>success</imsx_codeMajor>" + b"</a>" * depth
    answer = parse_answer(body)
    assert answer is None or answer.major == "success"


@given(st.binary(max_size=200))
def test_no_bytes_raise(body: bytes) -> None:
    assert parse_answer(body) is None


@pytest.mark.parametrize("written", ["nan", "inf", "-0.1", "1.01", "", "eighty", "0,5"])
def test_what_is_no_score_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        fraction_of(written)
