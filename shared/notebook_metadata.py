"""Pure: a notebook's own words on which assignment it is for.

The server reads them of what students send, a batch of what staff hand in. Nothing here touches
disk, network or clock.
"""

from __future__ import annotations

import json
from typing import Any, Final

from shared.errors import MalformedMetadata, MissingMetadata, NotANotebook
from shared.model import AssignmentKey, opaque_name

BOM: Final = b"\xef\xbb\xbf"
"""What some editors put before UTF-8 text; it is no part of a notebook."""

_FORMAT: Final = 4
_WORDS: Final = ("course", "section", "assignment")


def metadata_of(content: bytes) -> dict[str, Any]:
    """Return a notebook's metadata, having looked at its shape only as far as that takes.

    Args:
        content: of a file, without a byte order mark.

    Raises:
        NotANotebook: it is no JSON, or no notebook of format 4.
    """
    try:
        found = json.loads(content.decode("utf-8"))
    except RecursionError:
        raise NotANotebook("This file is nested too deeply to be a Jupyter notebook.") from None
    except ValueError:
        raise NotANotebook from None
    if not isinstance(found, dict) or type(found.get("nbformat")) is not int:
        raise NotANotebook
    if found["nbformat"] != _FORMAT:
        raise NotANotebook(
            f"This notebook has the format {str(found['nbformat'])[:20]}, and only {_FORMAT} can "
            "be graded. Open it in Jupyter and save it there."
        )
    metadata = found.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(found.get("cells"), list):
        raise NotANotebook
    return metadata


def assignment_key(metadata: dict[str, Any]) -> AssignmentKey:
    """Return the assignment that a notebook's metadata name.

    The words `course`, `section` and `assignment` (or the older `lab`) stand in `gofer`, in
    `otter_service`, or directly in the metadata. The first of these three places that has all of
    them wins as a whole; otherwise each word is taken from the first place that has it. A word that
    is null is not there. Old courses write the section as a number.

    Raises:
        MissingMetadata: a word is not there.
        MalformedMetadata: a word cannot be a name.
    """
    nested = (metadata.get("gofer"), metadata.get("otter_service"), metadata)
    places = [_words(place) for place in nested if isinstance(place, dict)]
    words: dict[str, object] = next((place for place in places if len(place) == len(_WORDS)), {})
    if not words:
        for place in reversed(places):
            words |= place
    missing = [word for word in _WORDS if word not in words]
    if missing:
        raise MissingMetadata(
            f"This notebook does not say which {' and '.join(missing)} it belongs to. Download a "
            "fresh copy and move your work into it."
        )
    return AssignmentKey(*(_name(word, words[word]) for word in _WORDS))


def _words(place: dict[str, Any]) -> dict[str, object]:
    found = {word: place.get(word) for word in _WORDS}
    if found["assignment"] is None:
        found["assignment"] = place.get("lab")
    return {word: value for word, value in found.items() if value is not None}


def _name(word: str, value: object) -> str:
    if word == "section" and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    try:
        if isinstance(value, str):
            return opaque_name(value)
    except ValueError as error:
        raise MalformedMetadata(
            f"The {word} that this notebook names is damaged: {error}. Download a fresh copy and "
            "move your work into it."
        ) from None
    raise MalformedMetadata(
        f"The {word} that this notebook names is not a text. Download a fresh copy and move your "
        "work into it."
    )
