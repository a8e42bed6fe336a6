"""Small autograder zips and notebooks, made where a test needs them."""

from __future__ import annotations

import io
import json
import textwrap
import zipfile
from typing import Any


def ok_test(name: str, *checks: str, points: float = 1.0, hidden: bool = False) -> str:
    """Return the source of an ok-format test file: one case a check, an expression to be true."""
    cases = [{"code": f">>> bool({check})\nTrue", "hidden": hidden} for check in checks]
    test = {"name": name, "points": points, "suites": [{"cases": cases, "type": "doctest"}]}
    return f"OK_FORMAT = True\n\ntest = {test!r}\n"


def autograder_zip(
    tests: dict[str, str],
    config: dict[str, Any] | None = None,
    files: dict[str, bytes] | None = None,
    environment: str | None = None,
) -> bytes:
    """Return a zip of test files (name → source) as `otter generate` lays them out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, source in tests.items():
            archive.writestr(f"tests/{name}.py", source)
        archive.writestr("otter_config.json", json.dumps(config or {}))
        for name, data in (files or {}).items():
            archive.writestr(f"files/{name}", data)
        if environment is not None:
            archive.writestr("environment.yml", environment)
    return buffer.getvalue()


def notebook(*cells: str, metadata: dict[str, Any] | None = None) -> bytes:
    """Return a valid notebook of code cells."""
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": metadata or {},
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell{number}",
                    "metadata": {},
                    "execution_count": None,
                    "outputs": [],
                    "source": textwrap.dedent(source).strip(),
                }
                for number, source in enumerate(cells)
            ],
        }
    ).encode()
