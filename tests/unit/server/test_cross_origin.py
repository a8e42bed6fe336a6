from __future__ import annotations

import pytest

from gofer_ingest.server.cross_origin import CrossOrigin
from gofer_ingest.server.errors import NotAllowed

HUB = "https://hub.example.edu"
PREFLIGHT = {"Origin": HUB, "Access-Control-Request-Method": "POST"}
METHODS = frozenset({"POST", "GET"})

some = CrossOrigin(frozenset({HUB}))
none = CrossOrigin(frozenset())


def test_without_any_origin_in_the_settings_all_of_it_is_off() -> None:
    assert not none.is_preflight("OPTIONS", PREFLIGHT)
    assert none.every_answer(HUB) == ()
    assert none.every_answer(None) == ()


def test_a_preflight_is_options_that_names_an_origin_and_a_method() -> None:
    assert some.is_preflight("OPTIONS", PREFLIGHT)
    assert not some.is_preflight("POST", PREFLIGHT)
    for missing in PREFLIGHT:
        rest = {name: value for name, value in PREFLIGHT.items() if name != missing}
        assert not some.is_preflight("OPTIONS", rest)


def test_an_origin_of_the_settings_is_given_leave() -> None:
    assert dict(some.leave(HUB, METHODS)) == {
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept",
        "Access-Control-Max-Age": "600",
    }
    assert dict(some.every_answer(HUB)) == {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": HUB,
        "Access-Control-Expose-Headers": "Location, Retry-After",
    }


@pytest.mark.parametrize("origin", [None, "", "null", f"{HUB}/", f"{HUB}:443", HUB.upper()])
def test_no_other_origin_is(origin: str | None) -> None:
    with pytest.raises(NotAllowed):
        some.leave(origin, METHODS)
    assert dict(some.every_answer(origin)) == {"Vary": "Origin"}
