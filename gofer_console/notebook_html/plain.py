"""A notebook's text alone, with nothing of it understood: for what cannot be shown otherwise."""

from __future__ import annotations

from html import escape
from typing import Final

from gofer_console.notebook_html.page import banner, document
from gofer_console.notebook_html.reading import NotReadable, read_notebook

_SHOWN_BYTES: Final = 200_000
_TEXT_ALONE: Final = (
    "This notebook could not be drawn, so its text alone is shown, without formulas and images."
)


def text_page(data: bytes, why: str) -> str:
    """Return a page with the first of some bytes, as text.

    Args:
        data: any.
        why: they are no notebook, in words of ours.
    """
    text = data[:_SHOWN_BYTES].decode("utf-8", "replace").replace("\x00", "\ufffd")
    beyond = len(data) - _SHOWN_BYTES
    more = f" The first {_SHOWN_BYTES // 1000} kB of it:" if beyond > 0 else ""
    said = banner(f"This file cannot be shown as a notebook. {why}{more}")
    return document(f"<main>{said}<pre>{escape(text)}</pre></main>")


def sources_page(data: bytes) -> str:
    """Return a page with the cells' sources and the outputs that are text, as they are."""
    try:
        notebook = read_notebook(data)
    except NotReadable as error:
        return text_page(data, str(error))
    parts = [banner(_TEXT_ALONE)]
    for cell in notebook.cells:
        texts = [one.content for one in cell.outputs if one.kind not in {"image", "nothing"}]
        outputs = "".join(f'<div class="out"><pre>{escape(text)}</pre></div>' for text in texts)
        parts.append(
            '<section><div class="prompt"></div><div class="body"><div class="source">'
            f"<pre>{escape(cell.source)}</pre></div>{outputs}</div></section>"
        )
    return document(f"<main>{''.join(parts)}</main>")
