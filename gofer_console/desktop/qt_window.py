"""`python -m gofer_console.desktop.qt_window`: the window itself, in a process of its own.

Qt wants the main thread, and its browser engine an environment of its own. What to open comes by
standard input, as `{"link": …, "is_own": …}`.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gofer_console.desktop.qt_downloads import ask_where_to_save
from gofer_console.desktop.windows import HEIGHT, TITLE, WIDTH, state_folder
from gofer_console.views.places import ICON

if TYPE_CHECKING:
    from pathlib import Path

_SIZE: Final = "window.json"
_SMALLEST: Final = (800, 500)


class Size(BaseModel):
    """Of a window, in pixels."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    width: int = Field(default=WIDTH, ge=_SMALLEST[0], le=20_000)
    height: int = Field(default=HEIGHT, ge=_SMALLEST[1], le=20_000)


def remembered_size(folder: Path) -> Size:
    """Return the size that the last window had; the usual one where nothing is known of it."""
    try:
        return Size.model_validate_json((folder / _SIZE).read_bytes())
    except (OSError, ValidationError):
        return Size()


def remember_size(folder: Path, size: Size) -> None:
    """Keep the size for the next window; not doing so harms nothing."""
    try:
        (folder / _SIZE).write_text(size.model_dump_json(), "utf-8")
    except OSError:
        return


def main() -> int:
    """Open the window and wait until it is closed; return the exit code."""
    asked = json.load(sys.stdin)
    webview: Any = importlib.import_module("webview")  # only `gofer[desktop]` has it
    folder = state_folder()
    size = remembered_size(folder)
    # Without this, links elsewhere open inside the window.
    webview.settings["OPEN_EXTERNAL_LINKS_IN_BROWSER"] = True
    window = webview.create_window(
        TITLE,
        asked["link"],
        width=size.width,
        height=size.height,
        min_size=_SMALLEST,
        text_select=True,
    )

    def remember(*_event: object) -> None:
        try:
            remember_size(folder, Size(width=window.width, height=window.height))
        except ValidationError:
            return

    window.events.closing += remember
    window.events.before_show += lambda: ask_where_to_save(window)
    webview.start(
        gui="qt",
        icon=str(ICON),
        private_mode=bool(asked["is_own"]),  # a login elsewhere is kept, a secret of ours is not
        storage_path=str(folder / "qt"),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
