"""How long a sign-in is believed, and that whoever asks for a change is looked up again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gofer_console.views.desk import desk
from gofer_console.web.person import Person, Role
from gofer_console.web.provider import ProviderAway
from gofer_console.web.staff import Staff
from gofer_console.web.visits import BELIEVED_S, LASTS_S, Visits
from shared.errors import NotAuthenticated
from shared.model import new_submission_id
from shared.requests import RetryPayload
from shared.spool import Spool
from tests.support.console_pages import furnish, settings_of, visit_of

if TYPE_CHECKING:
    from pathlib import Path

ADA = Person("ada", Role.EDITOR)


class Provider:
    """Says of everybody what a test says, and counts how often it was asked."""

    def __init__(self) -> None:
        self.person: Person | None = ADA
        self.is_away = False
        self.asked = 0
        self.now = 0.0

    def ask(self, _token: str) -> Person | None:
        self.asked += 1
        if self.is_away:
            raise ProviderAway
        return self.person

    def clock(self) -> float:
        return self.now


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def visits(provider: Provider) -> Visits:
    return Visits(provider.ask, clock=provider.clock)


def test_a_provider_is_asked_once_a_minute(provider: Provider, visits: Visits) -> None:
    visit = visits.begin(ADA, "token")
    for provider.now in (0.0, 10.0, BELIEVED_S - 1):
        assert visits.now(visit.id) == visit
    assert provider.asked == 0
    for provider.now in (BELIEVED_S, BELIEVED_S + 10):
        assert visits.now(visit.id) == visit
    assert provider.asked == 1


def test_who_is_no_longer_staff_is_out_a_minute_later(provider: Provider, visits: Visits) -> None:
    visit = visits.begin(ADA, "token")
    provider.person, provider.now = None, BELIEVED_S
    assert visits.now(visit.id) is None
    provider.person = ADA
    assert visits.now(visit.id) is None  # and stays out


def test_who_became_a_reader_is_one_a_minute_later(provider: Provider, visits: Visits) -> None:
    visit = visits.begin(ADA, "token")
    provider.person, provider.now = Person("ada", Role.READER), BELIEVED_S
    now = visits.now(visit.id)
    assert now is not None
    assert not now.person.may_edit


def test_a_token_that_became_anothers_ends_the_visit(provider: Provider, visits: Visits) -> None:
    visit = visits.begin(ADA, "token")
    provider.person, provider.now = Person("eve", Role.EDITOR), BELIEVED_S
    assert visits.now(visit.id) is None


def test_a_visit_ends_however_friendly_the_provider(provider: Provider, visits: Visits) -> None:
    visit = visits.begin(ADA, "token")
    provider.now = LASTS_S
    assert visits.now(visit.id) is None


def test_a_provider_that_is_away_lets_nobody_through(provider: Provider, visits: Visits) -> None:
    visit = visits.begin(ADA, "token")
    provider.is_away, provider.now = True, BELIEVED_S
    with pytest.raises(ProviderAway):
        visits.now(visit.id)
    provider.is_away = False
    assert visits.now(visit.id) == visit  # it was only away


def test_visits_end_and_their_ids_cannot_be_guessed(visits: Visits) -> None:
    first, second = visits.begin(ADA, "token"), visits.begin(ADA, "token")
    assert first.id != second.id
    assert len(first.id) >= 40
    visits.end(first.id)
    assert visits.now(first.id) is None
    assert visits.now(second.id) == second
    assert visits.now("") is None


# --- who is staff ---------------------------------------------------------------------------------

STAFF = Staff(
    names=frozenset({"ada", "josé"}),
    groups=frozenset({"tas"}),
    readers=frozenset({"rita"}),
    reader_groups=frozenset({"auditors"}),
)


@pytest.mark.parametrize(
    ("name", "groups", "role"),
    [
        ("ada", [], Role.EDITOR),
        ("jose\N{COMBINING ACUTE ACCENT}", [], Role.EDITOR),
        ("tess", ["x", "tas"], Role.EDITOR),
        ("rita", [], Role.READER),
        ("olga", ["auditors"], Role.READER),
        ("rita", ["tas"], Role.EDITOR),
        ("sam", [], None),
        ("sam", ["students"], None),
        ("Ada", [], None),
        ("", ["students"], None),
        ("a\nb", ["tas"], None),
    ],
)
def test_lists_say_what_somebody_may_do(name: str, groups: list[str], role: Role | None) -> None:
    person = STAFF.person(name, groups)
    assert (None if person is None else person.role) == role


# --- the desk -------------------------------------------------------------------------------------


def ask_for_something() -> None:
    desk().ask(RetryPayload(entry=new_submission_id()), why="the disk was full")


def test_a_request_is_delivered_in_the_name_of_who_asks(tmp_path: Path) -> None:
    Spool(tmp_path).prepare()
    furnish(settings_of(tmp_path), name="tess")
    ask_for_something()
    (waiting,) = desk().pending()
    assert (waiting.requested_by, waiting.reason) == ("tess", "the disk was full")


@pytest.mark.parametrize("still", [None, visit_of("tess", Role.READER), visit_of("eve")])
def test_nothing_is_delivered_for_who_may_no_longer(tmp_path: Path, still: object) -> None:
    Spool(tmp_path).prepare()
    _, visitors = furnish(settings_of(tmp_path), name="tess")
    visitors.still = still  # type: ignore[assignment] # one of the three above
    with pytest.raises(NotAuthenticated):
        ask_for_something()
    assert not list(Spool(tmp_path).pending())


def test_nothing_is_delivered_where_nobody_can_say_who_it_is(tmp_path: Path) -> None:
    Spool(tmp_path).prepare()
    _, visitors = furnish(settings_of(tmp_path), name="tess")
    visitors.is_away = True
    with pytest.raises(NotAuthenticated, match="does not answer"):
        ask_for_something()
    assert not list(Spool(tmp_path).pending())
