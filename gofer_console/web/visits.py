"""Who is signed in: visits, kept in this process alone; a browser holds nothing but a random id."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gofer_console.web.person import Person, Visit

if TYPE_CHECKING:
    from collections.abc import Callable

BELIEVED_S: Final = 60.0
"""How long what a provider said of somebody is believed before it is asked anew."""
LASTS_S: Final = 12 * 3600.0
"""After which a person has to sign in again, whatever the provider says."""
_MOST: Final = 10_000


@dataclass(slots=True)
class _Kept:
    visit: Visit
    token: str
    began: float
    asked: float
    lock: threading.Lock = field(default_factory=threading.Lock)


class Visits:
    """The visits of this process; threads share it.

    Args:
        ask: asks the provider whose token it is by now; None where that person may not in.
        clock: seconds that never go back.
    """

    def __init__(
        self, ask: Callable[[str], Person | None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def begin(self, person: Person, token: str) -> Visit:
        """Begin a visit of somebody whom the provider has just vouched for."""
        visit = Visit(person, secrets.token_urlsafe(32))
        now = self._clock()
        with self._lock:
            self._kept[visit.id] = _Kept(visit, token, began=now, asked=now)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return visit

    def end(self, visit_id: str) -> None:
        """End a visit; one that there is not is none."""
        with self._lock:
            self._kept.pop(visit_id, None)

    def now(self, visit_id: str) -> Visit | None:
        """Return a visit as it is by now; None where it is over. It may block.

        Lets what asking the provider raises pass; the visit stays then.
        """
        with self._lock:
            kept = self._kept.get(visit_id)
        if kept is None:
            return None
        with kept.lock:  # a page asks for a hundred files at once: one of them asks the provider
            now = self._clock()
            if now - kept.began >= LASTS_S:
                self.end(visit_id)
                return None
            if now - kept.asked >= BELIEVED_S:
                person = self._ask(kept.token)
                if person is None or person.name != kept.visit.person.name:
                    self.end(visit_id)
                    return None
                kept.visit, kept.asked = Visit(person, visit_id), now
            return kept.visit
