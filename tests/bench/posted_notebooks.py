"""Notebooks as students post them: the shape of real ones, all different, made fast.

One is made once from a fixed seed: text, code, what cells print, tables as HTML and plots as PNG,
as a lab of an introduction to data science has them after it was run. The others differ from it by
a number in its first cell, so that each has a SHA-256 of its own and costs no time to make.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from dataclasses import dataclass
from typing import Any

NOTEBOOK_BYTES = 136_000
_MARK = "#" * 12
_WORDS = re.findall(
    r"\w+",
    "the a of in to and is that data table column row value mean sample model tree price rent "
    "city year plot line slope error test result function returns array number each students "
    "question answer why because compare larger smaller than when if use find compute explain",
)


@dataclass(frozen=True)
class PostedNotebooks:
    """Any number of notebooks for one assignment; the body of a request is `{"nb": …}`."""

    before: bytes
    after: bytes

    @classmethod
    def of(cls, course: str, section: str, assignment: str) -> PostedNotebooks:
        """Make them for this assignment."""
        words = {"course": course, "section": section, "assignment": assignment}
        text = json.dumps(_padded(words), ensure_ascii=False, separators=(",", ":"))
        before, after = text.encode().split(_MARK.encode())
        return cls(before, after)

    def notebook(self, number: int) -> bytes:
        """Return the notebook itself, as it is to be stored."""
        return b"%b%012d%b" % (self.before, number, self.after)

    def body(self, number: int) -> bytes:
        """Return what a Submit button sends."""
        return b'{"nb":%b%012d%b}' % (self.before, number, self.after)

    def sha256(self, number: int) -> str:
        """Return the SHA-256 that the receipt has to name."""
        return hashlib.sha256(self.notebook(number)).hexdigest()


def _padded(words: dict[str, str]) -> dict[str, Any]:
    """Return a notebook of exactly the wanted size: its last plot takes up the rest."""
    bare = _notebook(words, "")
    size = len(json.dumps(bare, ensure_ascii=False, separators=(",", ":")).encode())
    missing = NOTEBOOK_BYTES - size
    return _notebook(words, _png(missing))


def _png(characters: int) -> str:
    return base64.b64encode(random.Random(characters).randbytes(characters)).decode()[:characters]


def _notebook(words: dict[str, str], last_plot: str) -> dict[str, Any]:
    chosen = random.Random(136)
    cells: list[dict[str, Any]] = [
        _code(f"# attempt {_MARK}\nimport numpy as np\nimport pandas as pd\n", [])
    ]
    for number in range(1, 25):
        cells.append(_text(f"### Question {number}\n\n" + _prose(chosen, 90)))
        cells.append(_code(_source(chosen, number), [_printed(chosen), _table(chosen)]))
        cells.append(_code(f'grader.check("q{number}")', [_passed(number)]))
    for number, plot in enumerate((_png(16_000), _png(22_000), last_plot), start=1):
        cells.append(_text(_prose(chosen, 60)))
        cells.append(_code(f"plots[{number}].draw()", [_plot(plot)]))
    for number, cell in enumerate(cells):
        cell["id"] = f"{number:08x}"
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "version": "3.13.1", "file_extension": ".py"},
            **words,
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": 7,
        "metadata": {"tags": ["otter_answer_cell"]},
        "outputs": outputs,
        "source": source,
    }


def _prose(chosen: random.Random, words: int) -> str:
    return " ".join(chosen.choices(_WORDS, k=words)).capitalize() + ". ½ ≤ µ ≤ é."


def _source(chosen: random.Random, number: int) -> str:
    names = chosen.sample(_WORDS, 6)
    lines = [f"{name}_{number} = {chosen.random():.6f} * np.mean(sample)" for name in names]
    body = "\n".join(f"    {line}" for line in lines)
    return f"def answer_{number}(sample):\n{body}\n    return {names[0]}_{number}\n"


def _printed(chosen: random.Random) -> dict[str, Any]:
    lines = [f"{chosen.choice(_WORDS)}: {chosen.gauss(0, 9):.4f}\n" for _ in range(12)]
    return {"name": "stdout", "output_type": "stream", "text": "".join(lines)}


def _table(chosen: random.Random) -> dict[str, Any]:
    rows = [
        "<tr>" + "".join(f"<td>{chosen.random():.4f}</td>\n" for _ in range(5)) + "</tr>\n"
        for _ in range(6)
    ]
    html = '<div>\n<table border="1" class="dataframe">\n' + "".join(rows) + "</table>\n</div>"
    return {
        "data": {"text/html": html, "text/plain": _prose(chosen, 30)},
        "execution_count": 7,
        "metadata": {},
        "output_type": "execute_result",
    }


def _passed(number: int) -> dict[str, Any]:
    html = f"<p><strong><pre>q{number}</pre></strong> passed! 🎉</p>"
    return {
        "data": {"text/html": html, "text/plain": f"q{number} results: All test cases passed!"},
        "metadata": {},
        "output_type": "display_data",
    }


def _plot(png: str) -> dict[str, Any]:
    return {
        "data": {"image/png": png, "text/plain": "<Figure size 640x480 with 1 Axes>"},
        "metadata": {"needs_background": "light"},
        "output_type": "display_data",
    }
