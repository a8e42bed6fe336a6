"""A stored notebook as it goes to a sandbox: valid, and without outputs. Pure.

Outputs stay in the archive. The sandbox makes its own, and pictures are most of a notebook's bytes.
"""

from __future__ import annotations

import json
import warnings

import nbformat
from nbformat.validator import NotebookValidationError
from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning


class InvalidNotebook(ValueError):
    """The notebook does not validate, even without its outputs."""


def without_outputs(stored: bytes) -> bytes:
    """Return the notebook to grade.

    Raises:
        InvalidNotebook: nbformat refuses it; the text says why, for staff.
    """
    try:
        notebook = json.loads(stored)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"] = []
                cell["execution_count"] = None
        with warnings.catch_warnings():
            # what older editors leave out is mended, not held against the student
            warnings.simplefilter("ignore", MissingIDFieldWarning)
            warnings.simplefilter("ignore", DuplicateCellId)
            found = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]  # theirs
            _, found = nbformat.validator.normalize(found, strip_invalid_metadata=True)
            nbformat.validate(found)
    except NotebookValidationError as error:
        raise InvalidNotebook(f"{error.message}"[:500]) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidNotebook(f"{type(error).__name__}: {error}"[:500]) from error
    # ASCII: a lone surrogate in a cell survives as an escape and is the cell's own trouble
    return json.dumps(found).encode("ascii")
