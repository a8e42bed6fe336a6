"""nbformat without the grammar of URLs: not compiled, and there for whoever wants it."""

from __future__ import annotations

import subprocess
import sys

from tests.support.processes import ROOT

LOOKS = """
import sys
import gofer_ingest.grader.notebooks
assert "jsonschema" in sys.modules
assert "rfc3987_syntax" not in sys.modules
assert "lark" not in sys.modules
import rfc3987_syntax
assert rfc3987_syntax.is_valid_syntax("iri", "http://example.edu/ä")
"""


def test_the_grader_starts_without_it_and_anybody_may_still_import_it() -> None:
    subprocess.run([sys.executable, "-c", LOOKS], cwd=ROOT, check=True)
