"""What can be seen from the host: what a notebook left there, and what it touched."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

if TYPE_CHECKING:
    from collections.abc import Iterator


def new_mark() -> str:
    """Return a word that nothing else on this machine has; short enough for a process's name."""
    return f"hm{secrets.token_hex(6)}"


def processes_marked(mark: str) -> list[int]:
    """Return the processes of this machine whose name, arguments or environment hold a mark."""
    return [pid for pid, traces in _traces_of_processes() if mark.encode() in traces]


def _traces_of_processes() -> Iterator[tuple[int, bytes]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            traces = b""
            for name in ("comm", "cmdline", "environ"):
                # it has ended meanwhile, or belongs to somebody else
                with contextlib.suppress(OSError):
                    traces += (folder / name).read_bytes()
            yield int(folder.name), traces


class Canary(FileSystemEventHandler):
    """A file with a secret that anybody may read, and a watch on who opens it."""

    def __init__(self, folder: Path) -> None:
        self.secret = secrets.token_hex(16)
        self.path = folder / "canary.txt"
        self.path.write_text(self.secret)
        self.path.chmod(0o644)
        self.touches: list[str] = []
        self._observer = Observer()
        self._observer.schedule(self, str(folder))

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note whatever happens to the file."""
        if event.src_path == str(self.path):
            self.touches.append(event.event_type)

    def __enter__(self) -> Self:
        self._observer.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._observer.stop()
        self._observer.join()


class Listener:
    """Something that listens on the host's loopback and counts who comes."""

    def __init__(self) -> None:
        self.guests = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._count, daemon=True)

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            self.guests += 1
            connection.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
