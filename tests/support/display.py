"""A screen without a monitor (Xvfb), and what a person does on it with windows."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final, Self

from Xlib import XK, X
from Xlib.display import Display
from Xlib.error import BadWindow, XError
from Xlib.ext import xtest
from Xlib.protocol.event import ClientMessage

from tests.support.processes import DEADLINE_S, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZE: Final = "1400x1000x24"
_PIXEL_BYTES: Final = 4
_SEVERAL: Final = 16


class Screen:
    """An X server of its own, with no window manager in it; gone at the end of the block.

    Attributes:
        name: for `DISPLAY`.
    """

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-screen", "0", _SIZE, "-nolisten", "tcp"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._server.stdout is not None
        self.name = f":{self._server.stdout.readline().strip()}"
        self._display = Display(self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._display.close()
        self._server.terminate()
        self._server.wait(DEADLINE_S)
        assert self._server.stdout is not None
        self._server.stdout.close()

    def titles(self) -> list[str]:
        """What the windows that are seen are called."""
        return [title for title, _ in self._shown()]

    def _shown(self) -> Iterator[tuple[str, int]]:
        root = self._display.screen().root
        for window in root.query_tree().children:
            try:
                title = window.get_full_property(
                    self._display.get_atom("_NET_WM_NAME"), X.AnyPropertyType
                )
                if window.get_attributes().map_state == X.IsViewable and title is not None:
                    yield title.value.decode("utf-8"), window.id
            except (BadWindow, XError):  # closed meanwhile
                continue

    def _id_of(self, title: str) -> int:
        wait_until(lambda: title in self.titles())
        return dict(self._shown())[title]

    def is_drawn(self, title: str) -> bool:
        """Whether a window shows more than an area of one colour."""
        window = self._display.create_resource_object("window", self._id_of(title))
        size = window.get_geometry()
        image = window.get_image(0, 0, size.width, size.height, X.ZPixmap, 0xFFFFFFFF)
        pixels = image.data
        found = {pixels[at : at + _PIXEL_BYTES] for at in range(0, len(pixels), _PIXEL_BYTES)}
        return len(found) > _SEVERAL

    def press_enter(self, title: str) -> None:
        """Press the Enter key in a window."""
        window = self._display.create_resource_object("window", self._id_of(title))
        window.set_input_focus(X.RevertToParent, X.CurrentTime)
        self._display.sync()
        key = self._display.keysym_to_keycode(XK.XK_Return)
        for what in (X.KeyPress, X.KeyRelease):
            xtest.fake_input(self._display, what, key)
        self._display.sync()

    def close(self, title: str) -> None:
        """Close a window as the cross in its frame does."""
        window = self._display.create_resource_object("window", self._id_of(title))
        atoms = [self._display.get_atom(name) for name in ("WM_PROTOCOLS", "WM_DELETE_WINDOW")]
        message = ClientMessage(
            window=window, client_type=atoms[0], data=(32, [atoms[1], X.CurrentTime, 0, 0, 0])
        )
        window.send_event(message)
        self._display.sync()
