"""When students see results: by the course config, or as staff decided by hand.

What staff decided is asked of the gradebook at most about once a second, however many students ask.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from shared.errors import GradebookError, UnknownAssignment
from shared.gradebook.publishing import published_by_hand
from shared.model import PublishRule

if TYPE_CHECKING:
    from gofer_ingest.server.gradebook_reader import GradebookReader
    from shared.catalogue import Catalogue
    from shared.model import AssignmentKey

KEPT_FOR_S: Final = 1.0
MANUAL: Final = PublishRule(None)
"""For an assignment that the catalogue no longer has: nobody can say that it is published."""


class Publishing:
    """Knows the rules in force; threads may share it.

    Args:
        catalogue: what the course config says.
        gradebook: what staff decided.
    """

    def __init__(self, catalogue: Catalogue, gradebook: GradebookReader) -> None:
        self._catalogue = catalogue
        self._gradebook = gradebook
        self._lock = threading.Lock()
        self._by_hand: dict[AssignmentKey, PublishRule] = {}
        self._asked_at = float("-inf")

    def rule_of(self, key: AssignmentKey) -> PublishRule:
        """Return when results of an assignment are shown, as it was at most a second ago.

        Raises:
            GradebookError: it cannot be told whether staff decided something.
        """
        try:
            written = self._catalogue.find(key).publish
        except UnknownAssignment:
            return MANUAL
        return self._decided().get(key, written)

    def rule_without_results(self, key: AssignmentKey) -> PublishRule:
        """Return the same where there is no result yet, so that a guess tells nothing."""
        try:
            return self.rule_of(key)
        except GradebookError:
            return self._catalogue.find(key).publish

    def _decided(self) -> dict[AssignmentKey, PublishRule]:
        with self._lock:  # those who come meanwhile get what the first one finds
            if time.monotonic() - self._asked_at > KEPT_FOR_S:
                self._by_hand = self._gradebook.ask(published_by_hand) or {}
                self._asked_at = time.monotonic()
            return self._by_hand
