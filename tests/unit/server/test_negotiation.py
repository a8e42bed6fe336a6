from __future__ import annotations

import pytest

from gofer_ingest.server.negotiation import wants_json


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", True),
        ("application/json, text/plain, */*", True),
        ("APPLICATION/JSON;q=0.9", True),
        ("application/json, text/javascript, */*; q=0.01", True),
        ("text/plain", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/json;q=0.5, text/plain", False),
        ("application/json;q=0.5, text/plain;q=0.4", True),
    ],
)
def test_what_is_named_is_given(accept: str, *, expected: bool) -> None:
    assert wants_json(accept, otherwise=not expected) is expected


@pytest.mark.parametrize("accept", ["", "*/*", "image/png", "application/json;q=0", ";;,,q=", "😀"])
@pytest.mark.parametrize("usual", [True, False])
def test_where_nothing_is_named_the_usual_is_given(accept: str, *, usual: bool) -> None:
    assert wants_json(accept, otherwise=usual) is usual
