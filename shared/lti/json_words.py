"""The words for people in an LMS's JSON answer, whatever shape that LMS gives its errors.

Canvas has `{"errors": {"message": …}}`, edX lists of sentences by field, Moodle `{"reason": …}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.lti.answers import human_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.lti.http import Reply

_DEPTH_MAX: Final = 4
_TEXTS_MAX: Final = 5
_FOR_PEOPLE: Final = frozenset(
    {"error", "error_description", "errors", "message", "detail", "title", "reason", "description"}
)
"""Texts under other names may be an echo of what was sent."""


def words_of_json(reply: Reply, hidden: Iterable[str | None]) -> str:
    """Return what a JSON answer says to people; empty where it is no JSON object or list.

    Args:
        reply: the answer.
        hidden: secrets and names of students.
    """
    hidden = tuple(hidden)
    texts = []
    for text in _texts(reply.json(), _DEPTH_MAX):
        words = human_words(text, hidden)
        if words and words not in texts:
            texts.append(words)
        if len(texts) == _TEXTS_MAX:
            break
    return human_words("; ".join(texts), ())


def _texts(found: object, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(found, str):
        yield found
    elif isinstance(found, list):
        for part in found:
            yield from _texts(part, depth - 1)
    elif isinstance(found, dict):
        for name, part in found.items():
            if name in _FOR_PEOPLE or not isinstance(part, str):
                yield from _texts(part, depth - 1)
