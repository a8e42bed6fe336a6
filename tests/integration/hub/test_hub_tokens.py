from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx
import pytest

from shared.requests import Source
from tests.integration.hub.conftest import NOTEBOOK
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.hub.conftest import Campus, Door


@pytest.mark.parametrize("word", ["token", "Bearer", "bearer"])
def test_a_token_with_the_scope_submits_under_its_owners_name(door: Door, word: str) -> None:
    answer = door.post(Authorization=f"{word} {door.token_of('ada')}")
    assert answer.status_code == 202, answer.text
    (envelope,) = door.envelopes()
    assert envelope.id == answer.json()["id"]
    assert envelope.payload.student == envelope.requested_by == answer.json()["student"] == "ada"
    assert envelope.payload.source == Source.HUB


def test_a_token_with_all_its_owners_rights_submits_as_well(door: Door) -> None:
    assert door.post(door.hub.token_of("ben")).status_code == 202
    assert [envelope.payload.student for envelope in door.envelopes()] == ["ben"]


REFUSED: Final[dict[str, tuple[int, Callable[[Campus, Door], dict[str, str]]]]] = {
    "nothing": (401, lambda _campus, _door: {}),
    "rubbish": (401, lambda _campus, _door: {"Authorization": "token rubbish"}),
    "rubbish that HTTP could not carry on": (
        401,
        lambda _campus, _door: {"Authorization": "token r\xfcbbish"},
    ),
    "a password": (401, lambda _campus, _door: {"Authorization": "Basic YWRhOmFkYQ=="}),
    "two tokens": (
        401,
        lambda _campus, door: {
            "Authorization": "token {0}, token {0}".format(door.token_of("ada"))
        },
    ),
    "a token without scopes": (
        403,
        lambda _campus, door: {"Authorization": f"token {door.hub.token_of('ada', [])}"},
    ),
    "a token for something else": (
        403,
        lambda _campus, door: {
            "Authorization": f"token {door.hub.token_of('ada', ['read:users!user'])}"
        },
    ),
    "a token for the other door": (
        403,
        lambda campus, door: {
            "Authorization": "token "
            + next(one for one in campus.doors.values() if one.name != door.name).token_of("ada")
        },
    ),
    "somebody whom the door is not open to": (
        403,
        lambda _campus, door: {"Authorization": f"token {door.hub.token_of('eve')}"},
    ),
    "a service": (
        403,
        lambda campus, _door: {"Authorization": f"token {campus.tokens['other']}"},
    ),
    "a service that has the scope": (
        403,
        lambda campus, _door: {"Authorization": f"token {campus.tokens['robot']}"},
    ),
    "a forged referer": (
        401,
        lambda _campus, door: {"Referer": f"{door.hub.url}user/ada/lab/tree/lab01.ipynb"},
    ),
    "the header of the identity dev": (401, lambda _campus, _door: {"X-Gofer-Student": "ada"}),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_nothing_else_is_let_in(campus: Campus, door: Door, kind: str) -> None:
    status, headers = REFUSED[kind]
    sent = {"Accept": "application/json", **headers(campus, door)}
    answer = httpx.post(
        door.url,
        content=NOTEBOOK,
        headers=[(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
    )
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status
    assert answer.json()["code"] == {401: "not_signed_in", 403: "not_allowed"}[status]
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert door.is_spool_empty()


@pytest.mark.parametrize("mode", ["cors", "websocket", "navigate", None])
def test_a_token_in_the_address_is_nothing(door: Door, mode: str | None) -> None:
    headers = {} if mode is None else {"Sec-Fetch-Mode": mode}
    url = f"{door.url}?token={door.token_of('ada')}"
    assert httpx.post(url, content=NOTEBOOK, headers=headers).status_code == 401
    assert door.is_spool_empty()
    page = httpx.get(f"{url.replace('?', 'submissions/00000000-0000-7000-8000-000000000000?')}")
    assert page.status_code == 401


def test_a_submission_is_its_students_and_staffs_alone(door: Door) -> None:
    submission = door.post(door.token_of("ada")).json()
    path = f"submissions/{submission['id']}"
    assert door.get(path, door.token_of("ada")).json()["state"] == "waiting"
    assert door.get(path, door.token_of("tess")).json()["student"] == "ada"
    assert door.get(path, door.token_of("ben")).status_code == 404
    assert door.get(path, door.hub.token_of("eve")).status_code == 403


def test_what_tess_sends_herself_is_hers(door: Door) -> None:
    assert door.post(door.token_of("tess")).json()["student"] == "tess"


def test_a_revoked_token_stops_working_once_what_the_hub_said_is_old(door: Door) -> None:
    made = door.hub.make_token("ada", [door.scope])
    assert door.post(made["token"]).status_code == 202
    door.hub.call("DELETE", f"users/ada/tokens/{made['id']}")
    wait_until(lambda: door.post(made["token"]).status_code == 401, within_s=10)


def test_somebody_who_leaves_the_class_is_no_longer_let_in(door: Door) -> None:
    door.hub.make_user("finn", "class")
    token = door.hub.token_of("finn")
    assert door.post(token).status_code == 202
    door.hub.call("DELETE", "groups/class/users", {"users": ["finn"]})
    wait_until(lambda: door.post(token).status_code == 403, within_s=10)


def test_a_refusal_before_the_body_names_nothing_of_the_hub(door: Door) -> None:
    answer = door.post("rubbish")
    for secret in (door.hub.api_url, "127.0.0.1", "8081", "jupyterhub."):
        assert secret not in answer.text
    assert "JupyterHub" in answer.json()["message"]  # what to do is said in words
