"""The page around a notebook: our own style sheet, and nothing that would be fetched."""

from __future__ import annotations

from html import escape
from typing import Final

STYLE: Final = """
:root { color-scheme: light }
* { box-sizing: border-box }
body { margin: 0; padding: .6rem .8rem .6rem 0; background: #fff; color: #1c2430;
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif }
main { max-width: 60rem; margin: 0 auto }
section { display: grid; grid-template-columns: 2.6rem minmax(0, 1fr); column-gap: .5rem;
  margin: 0 0 1rem }
.prompt { color: #5b6675; font-size: 12px; line-height: 1.6;
  text-align: right; padding-top: .5rem; user-select: none; white-space: nowrap }
.body { grid-column: 2; min-width: 0 }
pre, code, .prompt { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }
pre { font-size: 13px; line-height: 1.5; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
.source { background: #f6f8fa; border: 1px solid #dfe4ea; border-radius: 4px; padding: .5rem .7rem }
.raw { color: #5b6675 }
.out { margin-top: .5rem; padding: 0 .7rem; overflow-x: auto }
.problem { background: #fdf2f2; border-left: 3px solid #b4434a; padding: .4rem .7rem }
.text > :first-child { margin-top: .2rem }
.text > :last-child { margin-bottom: .2rem }
p code, li code, td code { background: #f1f3f6; border-radius: 3px; padding: .1em .3em;
  font-size: .9em }
h1, h2, h3, h4, h5, h6 { line-height: 1.25; margin: 1rem 0 .5rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.35rem } h3 { font-size: 1.15rem }
h4, h5, h6 { font-size: 1rem }
table { border-collapse: collapse; font-size: 13px; margin: .3rem 0 }
th, td { border-bottom: 1px solid #dfe4ea; padding: .25rem .6rem; text-align: right }
th { background: #f6f8fa }
.text th, .text td { text-align: left }
img { max-width: 100%; height: auto }
img:not([src]) { border: 1px dashed #8a94a3; padding: .2rem .5rem; color: #5b6675 }
blockquote { margin: .5rem 0; padding: 0 .9rem; border-left: 3px solid #dfe4ea; color: #46505e }
hr { border: 0; border-top: 1px solid #dfe4ea }
math { font-size: 1.08em } math[display="block"] { margin: .6rem 0; overflow-x: auto }
.link { text-decoration: underline dotted; text-underline-offset: 3px }
.address { color: #5b6675; font-size: .88em; overflow-wrap: anywhere }
.note { color: #5b6675; font-size: .9em; font-style: italic; margin: .35rem 0 }
.banner { background: #fff7e8; border: 1px solid #ecd9ae; border-radius: 4px; padding: .6rem .8rem;
  margin: 0 0 1rem }
.ansi-bold { font-weight: 600 } .ansi-underline { text-decoration: underline }
.ansi-black-fg { color: #3e424d } .ansi-red-fg { color: #b4232c } .ansi-green-fg { color: #14733f }
.ansi-yellow-fg { color: #8a5a00 } .ansi-blue-fg { color: #1f5fbf }
.ansi-magenta-fg { color: #8b3a9b }
.ansi-cyan-fg { color: #0d6e80 } .ansi-white-fg { color: #5b6675 }
.ansi-black-intense-fg { color: #282c36 } .ansi-red-intense-fg { color: #99141d }
.ansi-green-intense-fg { color: #0a5c30 } .ansi-yellow-intense-fg { color: #734b00 }
.ansi-blue-intense-fg { color: #164a99 } .ansi-magenta-intense-fg { color: #6e2a7c }
.ansi-cyan-intense-fg { color: #095766 } .ansi-white-intense-fg { color: #46505e }
"""


def document(body: str, *, more_style: str = "") -> str:
    """Return a whole page.

    Args:
        body: HTML that is safe already.
        more_style: of ours, after the style sheet.
    """
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Notebook</title>'
        f"<style>{STYLE}{more_style}</style></head><body>{body}</body></html>"
    )


def banner(text: str) -> str:
    """Return what is said above a notebook."""
    return f'<div class="banner">{escape(text)}</div>'


def note(text: str) -> str:
    """Return what is said of something that is not shown; nothing for an empty text."""
    return f'<div class="note">{escape(text)}</div>' if text else ""
