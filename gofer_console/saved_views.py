"""Views of the grades that staff gave a name to: shared by all of them, in a file of the console's.

They are nobody's grades and nothing's history, so they are no requests, and the grader need not run
for one to be kept. The file is small, read whole, and replaced whole under a lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from shared.errors import GoferError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_VIEWS: Final = 100
NAME_CHARACTERS: Final = 60
_QUERY_CHARACTERS: Final = 4000


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view with a name.

    Attributes:
        query: the parameters of the page's URL.
        made_by: who saved it.
    """

    name: str
    query: dict[str, list[str]]
    made_by: str


_VIEWS: Final = TypeAdapter(list[SavedView])


class SavedViews:
    """The views that are saved on a volume.

    Args:
        volume: `VOLUME_PATH`; the file is `console/views.json` in it.
    """

    def __init__(self, volume: Path) -> None:
        self._file = volume / "console" / "views.json"

    def all(self) -> tuple[SavedView, ...]:
        """Return them by name; none where the file is not there, or was spoilt by hand."""
        try:
            views = _VIEWS.validate_json(self._file.read_bytes())
        except (OSError, ValidationError):
            return ()
        return tuple(sorted(views, key=lambda view: view.name.casefold()))

    def save(self, view: SavedView) -> None:
        """Keep a view; one of the same name is replaced.

        Raises:
            GoferError: it cannot be kept; the text says why.
        """
        if not view.name.strip() or len(view.name) > NAME_CHARACTERS:
            raise GoferError(f"Give it a name of 1 to {NAME_CHARACTERS} characters.")
        if len(json.dumps(view.query)) > _QUERY_CHARACTERS:
            raise GoferError("This view chooses too much to be kept.")

        def with_it(views: tuple[SavedView, ...]) -> list[SavedView]:
            others = [one for one in views if one.name != view.name]
            if len(others) >= MOST_VIEWS:
                raise GoferError(f"There are {MOST_VIEWS} views already. Delete one first.")
            return [*others, view]

        self._change(with_it)

    def delete(self, name: str) -> None:
        """Forget a view; nothing where there is none of this name.

        Raises:
            GoferError: the file cannot be written.
        """
        self._change(lambda views: [one for one in views if one.name != name])

    def _change(self, changed: Callable[[tuple[SavedView, ...]], list[SavedView]]) -> None:
        try:
            self._file.parent.mkdir(exist_ok=True)
            with _locked(self._file.with_suffix(".lock")):
                views = [asdict(view) for view in changed(self.all())]
                text = json.dumps(views, indent=1, ensure_ascii=False)
                handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=".views-")
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(handle)
                Path(name).replace(self._file)
        except OSError as error:
            raise GoferError(f"The view cannot be kept: {error.strerror}.") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
