"""A stored notebook as it goes to a sandbox: valid, and without outputs. Pure.

Outputs stay in the archive. The sandbox makes its own, and pictures are most of a notebook's bytes.
"""

from __future__ import annotations

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
        with _warnings_lock, warnings.catch_warnings():
            # what older editors leave out is mended, not held against the student
            warnings.simplefilter("ignore", MissingIDFieldWarning)
            warnings.simplefilter("ignore", DuplicateCellId)
            found = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]  # theirs
            _, found = nbformat.validator.normalize(found, strip_invalid_metadata=True)
            nbformat.validate(found)
    except ValidationError as error:
        raise InvalidNotebook(f"{error.message}"[:500]) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidNotebook(f"{type(error).__name__}: {error}"[:500]) from error
    # ASCII: a lone surrogate in a cell survives as an escape and is the cell's own trouble
    return json.dumps(found).encode("ascii")


def _check_version(major: Any, minor: Any) -> None:
    # before nbformat looks for a module of that name, and asserts the rest
    if type(major) is not int or major != MAJOR_VERSION or type(minor) is not int:
        raise ValueError(f"it is not a notebook of format {MAJOR_VERSION}")
