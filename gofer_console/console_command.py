"""`gofer console`: the console in a browser, or in a window of its own."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import typer

from shared.config import WebSettings, read_settings
from shared.errors import ConfigError


def console(
    *,
    port: Annotated[
        int | None, typer.Option(help="To listen on; otherwise GOFER_CONSOLE_PORT.", min=0)
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="To listen on; otherwise GOFER_CONSOLE_ADDRESS.")
    ] = None,
    desktop: Annotated[
        bool, typer.Option("--desktop", help="Open it in a window; closing that stops it.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(help="With --desktop: a console that runs elsewhere.", metavar="URL"),
    ] = None,
    for_window: Annotated[bool, typer.Option("--for-window", hidden=True)] = False,
) -> None:
    """Serve the console's pages, until Ctrl-C."""
    if url is not None and not desktop:
        raise ConfigError("--url: goes with --desktop")
    if desktop:
        from gofer_console.desktop.run import open_desktop  # noqa: PLC0415 - as below

        if url is not None and urlsplit(url).scheme not in {"http", "https"}:
            raise ConfigError("--url: write it as https://grading.example.edu/")
        raise typer.Exit(open_desktop(url))
    from gofer_console.web.serving import serve  # noqa: PLC0415 - Streamlit takes a second

    given = {"console_port": port, "console_address": address}
    settings = read_settings(WebSettings).model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )
    raise typer.Exit(serve(settings, for_window=for_window))
