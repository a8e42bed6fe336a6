"""The Submit button's one setting on the server's side: where notebooks are sent.

The button itself is JavaScript that Jupyter serves as it lies there. This package only puts the
address into the pages, so that an administrator can set it where everything else of a student's
server is set: in the Hub's configuration. It knows nothing of Gofer and no secret.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from traitlets import TraitError, Unicode, default
from traitlets.config import Configurable

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

OPTION: Final = "goferUrl"
"""The name under which pages read the address."""


class GoferSubmit(Configurable):
    """What can be set for the Submit button."""

    url = Unicode(
        help=(
            "Where notebooks are submitted: a URL, or a path on the Hub's host. By default what "
            "the environment variable GOFER_URL says; without that, the button takes the service "
            "`gofer_nb` of the JupyterHub it runs under."
        ),
    ).tag(config=True)

    @default("url")
    def _url_of_the_environment(self) -> str:
        return os.environ.get("GOFER_URL", "")  # noqa: TID251 - not a process of Gofer's

    @property
    def usable_url(self) -> str:
        """The address as pages take it; empty where none is set.

        Raises:
            TraitError: what is set cannot be an address.
        """
        url = self.url.strip()
        is_path = url.startswith("/") and not url.startswith("//")
        if url and not is_path and not url.startswith(("http://", "https://")):
            raise TraitError(
                "the address of the submission service has to begin with http://, https:// or /"
            )
        return url


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "gofer_submit"}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """For `jupyter labextension develop` in a checkout."""
    return [{"src": "../labextension", "dest": "gofer-submit"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    """Put the address into the pages of JupyterLab and Notebook."""
    url = GoferSubmit(parent=server).usable_url
    if url:
        server.web_app.settings.setdefault("page_config_data", {})[OPTION] = url
