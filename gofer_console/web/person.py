"""Who uses the console, and what they may do; how the pages are told of it.

The middleware that signed a person in says so in headers of its own, after taking away whatever
came under their names from outside.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADERS: Final = "x-console-"
"""How the headers of the middleware begin."""
USER: Final = f"{HEADERS}user"
ROLE: Final = f"{HEADERS}role"
VISIT: Final = f"{HEADERS}visit"


class Role(enum.StrEnum):
    """What somebody may do in the console."""

    READER = "reader"
    EDITOR = "editor"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in.

    Attributes:
        name: as requests carry it; opaque.
        role: what they may do.
    """

    name: str
    role: Role

    @property
    def may_edit(self) -> bool:
        """Whether they may ask for changes."""
        return self.role is Role.EDITOR


@dataclass(frozen=True, slots=True)
class Visit:
    """A person, and the id under which their sign-in is asked after again."""

    person: Person
    id: str

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers that tell the pages of it; names may hold any character."""
        said = {USER: self.person.name, ROLE: self.person.role.value, VISIT: self.id}
        return [(name.encode(), quote(value, safe="").encode()) for name, value in said.items()]

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self | None:
        """Return what headers tell; None where they tell of nobody.

        Args:
            headers: of the session, found by their names in any case.
        """
        try:
            name, role, visit = (unquote(headers[name]) for name in (USER, ROLE, VISIT))
            return cls(Person(name, Role(role)), visit)
        except (KeyError, ValueError):
            return None
