"""Opening the window: onto a console that is there already, or one that is started for it."""

from __future__ import annotations

from gofer_console.desktop.child import own_console
from gofer_console.desktop.windows import open_window


def open_desktop(url: str | None) -> int:
    """Open the console in a window and wait until it is closed; return the exit code.

    Args:
        url: of a console that runs elsewhere; None starts one, which ends with the window.

    Raises:
        GoferError: the console could not be started.
    """
    if url is not None:
        open_window(url, is_own=False)
        return 0
    with own_console() as link:
        open_window(link, is_own=True)
    return 0
