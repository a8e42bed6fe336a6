"""What becomes of a file that a page in a Qt window downloads. `qt_window` alone calls this.

pywebview's own way asks for the name and then calls what Qt 6 no longer has, so nothing is saved.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Final

_TITLE: Final = "Save"


def ask_where_to_save(window: Any) -> None:
    """Have each download ask for its name, in the user's folder for downloads at first.

    Args:
        window: of pywebview on Qt, made and not shown yet.
    """
    view = window.native
    core: Any = importlib.import_module("qtpy.QtCore")
    widgets: Any = importlib.import_module("qtpy.QtWidgets")
    paths = core.QStandardPaths

    def save(download: Any) -> None:
        folder = Path(paths.writableLocation(paths.StandardLocation.DownloadLocation))
        if not _is_there(folder):
            folder = Path.home()
        proposed = folder / Path(download.suggestedFileName()).name
        chosen, _ = widgets.QFileDialog.getSaveFileName(view, _TITLE, str(proposed))
        if not chosen:
            download.cancel()
            return
        path = Path(chosen)
        download.setDownloadDirectory(str(path.parent))
        download.setDownloadFileName(path.name)
        download.isFinishedChanged.connect(lambda: tell_if_it_failed(download, path))
        download.accept()

    def tell_if_it_failed(download: Any, path: Path) -> None:
        if download.state() == download.DownloadState.DownloadInterrupted:
            words = f"{path.name} could not be saved: {download.interruptReasonString()}."
            widgets.QMessageBox.warning(view, _TITLE, words)

    view.webview.page().profile().downloadRequested.connect(save)


def _is_there(folder: Path) -> bool:
    """Whether there is such a folder, made now if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return True
