"""A student's notebook as it comes in, with text, maths, a table and a plot, for screenshots."""

from __future__ import annotations

import base64
import io
import json
import random
from typing import TYPE_CHECKING, Any, Final

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from shared.model import AssignmentKey

_SAMPLES: Final = 120
_TABLE: Final = (
    "<table><thead><tr><th></th><th>height</th><th>weight</th></tr></thead><tbody>"
    "<tr><th>mean</th><td>171.4</td><td>68.9</td></tr>"
    "<tr><th>std</th><td>9.2</td><td>11.7</td></tr></tbody></table>"
)


def sample_notebook(key: AssignmentKey) -> bytes:
    """Return the notebook of a student who got most of it right.

    Args:
        key: of the assignment it was handed in for.
    """
    cells = [
        _text("# Lab 2: how tall, how heavy\n\nEach row of `people` is one person."),
        _code(
            "people = Table.read_table('people.csv')\nsummary = people.stats((np.mean, np.std))\n"
            "summary",
            _shown({"text/html": _TABLE, "text/plain": "height | weight"}),
        ),
        _text(
            "**Question 3.** The slope is $r \\cdot \\frac{SD_y}{SD_x}$. "
            "How heavy is someone of 180 cm?"
        ),
        _code(
            "slope = 0.74 * 11.7 / 9.2\nq3 = 68.9 + slope * (180 - 171.4)\nround(q3, 1)",
            _shown({"text/plain": "77.0"}),
        ),
        _code("people.scatter('height', 'weight')", _shown({"image/png": _plot()})),
    ]
    return json.dumps(
        {
            "cells": cells,
            "metadata": {
                "course": key.course,
                "section": key.section,
                "assignment": key.assignment,
                "kernelspec": {"name": "python3", "display_name": "Python 3"},
            },
            "nbformat": 4,
            "nbformat_minor": 4,
        }
    ).encode()


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str, output: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {},
        "outputs": [output],
        "source": source,
    }


def _shown(data: dict[str, str]) -> dict[str, Any]:
    return {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}


def _plot() -> str:
    drawn = random.Random(2)
    heights = [drawn.gauss(171.4, 9.2) for _ in range(_SAMPLES)]
    weights = [68.9 + 0.94 * (one - 171.4) + drawn.gauss(0, 7.9) for one in heights]
    figure = Figure(figsize=(4.2, 2.6))
    axes = figure.add_subplot()
    axes.scatter(heights, weights, s=9)
    axes.set_xlabel("height (cm)")
    axes.set_ylabel("weight (kg)")
    figure.tight_layout()
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return base64.b64encode(file.getvalue()).decode()
