"""Which of the people that a provider knows may into the console, and as what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from gofer_console.web.person import Person, Role
from shared.errors import ConfigError
from shared.model import opaque_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.config import WebSettings


@dataclass(frozen=True, slots=True)
class Staff:
    """Names and groups; whoever is in none of them may not in."""

    names: frozenset[str]
    groups: frozenset[str]
    readers: frozenset[str]
    reader_groups: frozenset[str]

    @classmethod
    def of(cls, settings: WebSettings) -> Self:
        """Return who is staff by the settings.

        Raises:
            ConfigError: nobody is.
        """
        staff = cls(
            frozenset(settings.staff),
            frozenset(settings.staff_groups),
            frozenset(settings.readers),
            frozenset(settings.reader_groups),
        )
        if not (staff.names or staff.groups or staff.readers or staff.reader_groups):
            raise ConfigError(
                "GOFER_STAFF: nobody may use the console. Name staff in GOFER_STAFF, or groups of "
                "them in GOFER_STAFF_GROUPS."
            )
        return staff

    def person(self, name: str, groups: Iterable[str]) -> Person | None:
        """Return somebody with what they may do; None where they may not in.

        Args:
            name: as the provider has it.
            groups: that they are in, as the provider says.
        """
        try:
            name = opaque_name(name)
        except ValueError:
            return None
        groups = frozenset(groups)
        if name in self.names or not self.groups.isdisjoint(groups):
            return Person(name, Role.EDITOR)
        if name in self.readers or not self.reader_groups.isdisjoint(groups):
            return Person(name, Role.READER)
        return None
