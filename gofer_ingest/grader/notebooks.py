"""A stored notebook as it goes to a sandbox: valid, and without outputs. Pure.

Outputs stay in the archive. The sandbox makes its own, and pictures are most of a notebook's bytes.
"""

from __future__ import annotations

import itertools
import json
import threading
import warnings
from typing import Any, Final

from gofer_ingest.grader.harness.quick_imports import without_url_grammar

with without_url_grammar():
    import nbformat
    from nbformat import ValidationError
    from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning

MAJOR_VERSION: Final = 4
NOTEBOOK_METADATA: Final = frozenset(
    {"authors", "kernelspec", "language_info", "orig_nbformat", "title"}
)
CELL_METADATA: Final = frozenset(
    {"collapsed", "execution", "format", "jupyter", "name", "scrolled", "tags"}
)
"""What the format has a form for, in any of its minor versions; all else may be anything."""

_PROBLEM_MAX_CHARACTERS: Final = 500
_EXCERPT_DEPTH: Final = 6
_EXCERPT_WIDTH: Final = 12

_warnings_lock = threading.Lock()
"""What is done with warnings is the whole process's; runs are many threads'."""


class InvalidNotebook(ValueError):
    """The notebook does not validate, even without its outputs."""


def without_outputs(stored: bytes) -> bytes:
    """Return the notebook to grade.

    Raises:
        InvalidNotebook: nbformat refuses it; the text says why, for staff.
    """
    try:
        notebook = json.loads(stored)
        _check_version(notebook["nbformat"], notebook["nbformat_minor"])
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"] = []
                cell["execution_count"] = None
        _mend_ids(notebook)
        if not _is_valid(notebook):
            _leave_out_odd_metadata(notebook)
        problem = "" if _is_valid(notebook) else _problem_of(notebook)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        failure = f"{type(error).__name__}: {error}"
        raise InvalidNotebook(failure[:_PROBLEM_MAX_CHARACTERS]) from error
    if problem:
        raise InvalidNotebook(problem[:_PROBLEM_MAX_CHARACTERS])
    # ASCII: a lone surrogate in a cell survives as an escape and is the cell's own trouble
    return json.dumps(notebook).encode("ascii")


def _mend_ids(notebook: dict[str, Any]) -> None:
    """Give ids to cells that have none or another's, as nbformat does.

    It is given the ids alone: it copies what it is given, and made for it, that takes gigabytes.
    """
    cells = [{"id": cell["id"]} if "id" in cell else {} for cell in notebook["cells"]]
    with _warnings_lock, warnings.catch_warnings():
        # what older editors leave out is mended, not held against the student
        warnings.simplefilter("ignore", MissingIDFieldWarning)
        warnings.simplefilter("ignore", DuplicateCellId)
        _, mended = nbformat.validator.normalize({**_head(notebook), "cells": cells})
    for cell, its in zip(notebook["cells"], mended["cells"], strict=True):
        cell.update(its)


def _is_valid(notebook: dict[str, Any]) -> bool:
    """Tell whether a notebook validates, in a time that grows with its size and no faster.

    `nbformat.validate` looks at one that does not a second time, with a library that explains: it
    compares all tags of a cell with each other, and keeps a kilobyte for each thing that is wrong.
    A notebook of 30 kB could so keep the grader busy for minutes, and a large one fill its memory.
    """
    minor = notebook["nbformat_minor"]
    validator = nbformat.validator.get_validator(  # type: ignore[no-untyped-call]  # theirs
        MAJOR_VERSION, minor, name="fastjsonschema"
    )
    return not validator.iter_errors(notebook)


def _leave_out_odd_metadata(notebook: dict[str, Any]) -> None:
    """Leave out what nbformat knows of metadata, and other programs wrote in another way."""
    metadata = notebook.get("metadata")
    if isinstance(metadata, dict):
        for name in NOTEBOOK_METADATA & metadata.keys():
            if not _is_valid({**_head(notebook), "metadata": {name: metadata[name]}}):
                del metadata[name]
    for cell in notebook["cells"]:
        metadata = cell.get("metadata")
        if isinstance(metadata, dict) and not _is_valid(_only(notebook, cell)):
            for name in CELL_METADATA & metadata.keys():
                part = {**cell, "metadata": {name: metadata[name]}}
                if not _is_valid(_only(notebook, part)):
                    del metadata[name]


def _head(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook of the same version without content."""
    versions = {name: notebook[name] for name in ("nbformat", "nbformat_minor")}
    return {**versions, "metadata": {}, "cells": []}


def _only(notebook: dict[str, Any], cell: dict[str, Any]) -> dict[str, Any]:
    return {**_head(notebook), "cells": [cell]}


def _problem_of(notebook: dict[str, Any]) -> str:
    """Say what is wrong with a notebook that does not validate, by an excerpt of it."""
    for shown in (
        {**notebook, "cells": []},
        *(_only(notebook, cell) for cell in notebook["cells"]),
    ):
        if not _is_valid(shown):
            try:
                nbformat.validate(_excerpt(shown, _EXCERPT_DEPTH))
            except ValidationError as error:
                return str(error.message)
            break
    return "it does not have the form of a notebook"


def _excerpt(value: Any, depth: int) -> Any:
    """Return a value cut so small that it can be explained what is wrong with it."""
    if isinstance(value, dict):
        most = _EXCERPT_WIDTH if depth else 0
        return {key: _excerpt(value[key], depth - 1) for key in itertools.islice(value, most)}
    if isinstance(value, list):
        most = _EXCERPT_WIDTH if depth else 0
        return [_excerpt(one, depth - 1) for one in value[:most]]
    return value[:_PROBLEM_MAX_CHARACTERS] if isinstance(value, str) else value


def _check_version(major: Any, minor: Any) -> None:
    # before nbformat looks for a module of that name, and asserts the rest
    if type(major) is not int or major != MAJOR_VERSION or type(minor) is not int or minor < 0:
        raise ValueError(f"it is not a notebook of format {MAJOR_VERSION}")
