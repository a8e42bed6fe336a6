"""A notebook's Markdown as HTML, by nbconvert's parser, with formulas drawn and links inert.

Links lead nowhere: what they would open, would be opened by a click that a student asked for. Their
addresses are shown.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from gofer_console.notebook_html.maths import mathml

if TYPE_CHECKING:
    from collections.abc import Mapping

_ATTACHED = "attachment:"
_EMBEDDED = "data:image/"


def html_of(source: str, images: Mapping[str, str]) -> str:
    """Return Markdown as HTML, not cleaned yet.

    Args:
        source: of the student's.
        images: that are attached, by their names, as `data:` URLs.
    """
    return str(MarkdownWithMath(renderer=_Renderer(images)).render(source))


class _Renderer(IPythonRenderer):
    def __init__(self, images: Mapping[str, str]) -> None:
        super().__init__(escape=False, exclude_anchor_links=True)
        self._images = images

    def block_math(self, body: str) -> str:
        return mathml(body, is_block=True)

    def inline_math(self, body: str) -> str:
        return mathml(body, is_block=False)

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", is_block=True)

    def block_mermaidjs(self, code: str) -> str:
        return f"<pre>{escape(code)}</pre>"

    def link(self, text: str, url: str, title: str | None = None) -> str:
        del title
        address = "" if text == escape(url) else f' <span class="address">({escape(url)})</span>'
        return f'<span class="link">{text}</span>{address}'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        del title
        source: Any = url if url.startswith(_EMBEDDED) else None
        if url.startswith(_ATTACHED):
            source = self._images.get(url.removeprefix(_ATTACHED))
        if source is not None:
            return f'<img src="{escape(source)}" alt="{escape(text)}">'
        what = f"{text} " if text else ""
        return f'<span class="note">An image is not shown here: {escape(f"{what}({url})")}</span>'
