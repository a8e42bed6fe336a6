"""A notebook's bytes as a page: cells, outputs and notes, all of it cleaned.

What may hold HTML is cleaned piece by piece, so that a tag that a cell leaves open ends with the
cell; then the whole is, in case a piece was forgotten.
"""

from __future__ import annotations

from functools import cache
from html import escape
from typing import TYPE_CHECKING, Final

from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.highlight import Highlight2HTML
from pygments.formatters import HtmlFormatter

from gofer_console.notebook_html import plain
from gofer_console.notebook_html.cleaning import cleaned
from gofer_console.notebook_html.limits import DRAWN_CHARACTERS
from gofer_console.notebook_html.markdown import html_of
from gofer_console.notebook_html.maths import mathml, undelimited
from gofer_console.notebook_html.page import banner, document, note
from gofer_console.notebook_html.reading import NotReadable, read_notebook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gofer_console.notebook_html.outputs import Output
    from gofer_console.notebook_html.reading import Cell

_EMPTY: Final = "This notebook is empty."


def rendered(data: bytes) -> str:
    """Return a notebook as a page.

    What it may raise on input that nobody foresaw is the worker's to take: it runs this alone.

    Args:
        data: any bytes; what is no notebook is shown as its text.
    """
    try:
        notebook = read_notebook(data)
    except NotReadable as error:
        return plain.text_page(data, str(error))
    draw = _Drawing(notebook.lexer)
    cells = "".join(draw.cell(number, cell) for number, cell in enumerate(notebook.cells, start=1))
    said = banner(notebook.note) if notebook.note else ""
    body = f"<main>{said}{cells or note(_EMPTY)}{said}</main>"
    return document(cleaned(body), more_style=_code_style())


@cache
def _code_style() -> str:
    return str(HtmlFormatter(style="default").get_style_defs(".highlight"))


def _coloured(text: str) -> str:
    """Return text of a terminal with its colours, escaped."""
    return str(ansi2html(text))  # type: ignore[no-untyped-call]  # theirs


class _Drawing:
    """One notebook being drawn."""

    def __init__(self, lexer: str) -> None:
        self._highlight = Highlight2HTML(pygments_lexer=lexer)  # type: ignore[no-untyped-call]  # theirs
        self._left = DRAWN_CHARACTERS

    def cell(self, number: int, cell: Cell) -> str:
        """Return a cell with its outputs."""
        prompt = ""
        match cell.kind:
            case "markdown":
                source = self._markdown(cell.source, cell.images)
            case "code":
                prompt = f"[{' ' if cell.count is None else cell.count}]"
                source = f'<div class="source">{self._code(cell.source)}</div>'
            case "raw":
                source = f'<pre class="raw">{escape(cell.source)}</pre>'
        outputs = "".join(map(self._output, cell.outputs))
        return (
            f'<section aria-label="Cell {number}"><div class="prompt">{prompt}</div>'
            f'<div class="body">{source}{note(cell.note)}{outputs}</div></section>'
        )

    def _output(self, output: Output) -> str:
        match output.kind:
            case "text":
                shown = f"<pre>{_coloured(output.content)}</pre>"
            case "problem":
                shown = f'<pre class="problem">{_coloured(output.content)}</pre>'
            case "html":
                shown = cleaned(output.content)
            case "markdown":
                shown = self._markdown(output.content, {})
            case "maths":
                shown = cleaned(mathml(undelimited(output.content), is_block=True))
            case "image":
                shown = f'<img src="{escape(output.content)}" alt="An image that the cell put out">'
            case "nothing":
                shown = ""
        return f'<div class="out">{shown}{note(output.note)}</div>'

    def _code(self, source: str) -> str:
        if not self._takes(source):
            return f"<pre>{escape(source)}</pre>"
        return str(self._highlight(source))

    def _markdown(self, source: str, images: Mapping[str, str]) -> str:
        if not self._takes(source):
            return f"<pre>{escape(source)}</pre>"
        return f'<div class="text">{cleaned(html_of(source, images))}</div>'

    def _takes(self, source: str) -> bool:
        self._left -= len(source)
        return self._left >= 0
