"""What the Hub keeps of students' LTI launches, as rows of the roster.

Where the Hub's sign-in is ltiauthenticator's and `enable_auth_state` is on, the Hub keeps the last
launch of each student. It says where the student's grade for that assignment goes, and who they are
to the LMS. Reading it takes a token with a wide scope, so only this command holds one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from shared.errors import GoferError
from shared.requests import RosterRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.catalogue import Assignment

_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
_PAGE: Final = 200
_SCOPES: Final = "list:users, read:users and admin:auth_state"
_LINK: Final = "https://purl.imsglobal.org/spec/lti/claim/resource_link"
_REFUSED: Final = frozenset({401, 403})


class Launch(BaseModel):
    """A student of the Hub, and their last launch.

    Attributes:
        name: at the Hub.
        auth_state: as the Hub's sign-in left it; None without.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    name: str
    auth_state: dict[str, Any] | None = None


class _Named(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    name: str


_USERS: Final = TypeAdapter(list[_Named])


def launches(api_url: str, token: str) -> Iterator[Launch]:
    """Yield every student of the Hub with their last launch.

    Args:
        api_url: of the Hub, as in `JUPYTERHUB_API_URL`.
        token: with the scopes that it takes.

    Raises:
        GoferError: the Hub does not answer, does not let us, or answers something else.
    """
    base = api_url.rstrip("/")
    headers = {"Authorization": f"token {token}"}
    with httpx.Client(headers=headers, timeout=_TIMEOUT, trust_env=False) as client:
        offset = 0
        while True:
            page = _users(_asked(client, f"{base}/users", limit=_PAGE, offset=offset))
            for user in page:
                yield _launch(client, base, user.name)
            if len(page) < _PAGE:
                return
            offset += len(page)


def rows_of(launch: Launch, assignments: Iterable[Assignment]) -> list[RosterRow]:
    """Return what a launch says for the roster: of the assignment, and of the student's course.

    Args:
        launch: the student's last.
        assignments: of the catalogue. The launch's is the one whose `lms_id` is the launch's
            resource link, or stands at its end after a dash, as edX's blocks do.

    Returns:
        Nothing where there was no launch, or it is of none of these, or of several.

    Raises:
        ValueError: the launch holds what no roster may.
    """
    state = launch.auth_state or {}
    claim = state.get(_LINK)
    link = state.get("resource_link_id") or (claim.get("id") if isinstance(claim, dict) else None)
    fitting = [one for one in assignments if isinstance(link, str) and _is_of(one.lms_id, link)]
    if len(fitting) != 1:
        return []
    key = fitting[0].key
    who: dict[str, Any] = {
        "user_id": state.get("sub"),
        "user_id_lti11": state.get("user_id"),
        "name": state.get("lis_person_name_full") or state.get("name"),
        "email": state.get("lis_person_contact_email_primary") or state.get("email"),
    }
    where: dict[str, Any] = {
        "lis_result_sourcedid": state.get("lis_result_sourcedid"),
        "lis_outcome_service_url": state.get("lis_outcome_service_url"),
    }
    rows = []
    for said, place in ((who, {}), (where, {"assignment": key.assignment})):
        known = {name: value for name, value in said.items() if value}
        if known:
            row = {"student": launch.name, "course": key.course, **place, **known}
            rows.append(RosterRow.model_validate(row))
    return rows


def _is_of(lms_id: str | None, link: str) -> bool:
    return bool(lms_id) and (link == lms_id or link.endswith((f"-{lms_id}", f"@{lms_id}")))


def _users(found: Any) -> list[_Named]:
    try:
        return _USERS.validate_python(found)
    except ValidationError:
        raise GoferError("The Hub's list of users cannot be read.") from None


def _launch(client: httpx.Client, base: str, name: str) -> Launch:
    found = _asked(client, f"{base}/users/{quote(name, safe='')}")
    try:
        launch = Launch.model_validate(found)
    except ValidationError:
        raise GoferError(f"The Hub's answer about {name!a} cannot be read.") from None
    if "auth_state" not in launch.model_fields_set:
        raise GoferError(f"The Hub does not tell of launches: the token needs {_SCOPES}.")
    return launch


def _asked(client: httpx.Client, url: str, **query: int) -> Any:
    try:
        answer = client.get(url, params=query or None)
    except httpx.HTTPError as error:
        raise GoferError(f"The Hub does not answer at {url}: {type(error).__name__}.") from None
    if answer.status_code in _REFUSED:
        raise GoferError(f"The Hub does not let us in: the token needs {_SCOPES}.")
    if not answer.is_success:
        raise GoferError(f"The Hub answered {answer.status_code} at {url}.")
    try:
        return answer.json()
    except ValueError:
        raise GoferError(f"What answers at {url} is no Hub.") from None
