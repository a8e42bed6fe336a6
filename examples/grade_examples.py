"""Grades the sample submissions with otter alone and compares them with `expected.toml`.

What is expected of Gofer is otter's own score, so it is found here without any of Gofer's code. The
samples that never end or take all memory are left out: they need a sandbox, and this is none. So
are those of which a cell has to be stopped.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from otter.api import grade_submission

COURSE = Path(__file__).resolve().parent / "demo101"


def grade(sample: dict[str, Any]) -> tuple[float, float]:
    """Grade one sample under its assignment's own file name, as otter's first cell expects it.

    Returns:
        Points earned and points possible.
    """
    name = sample["assignment"]
    with tempfile.TemporaryDirectory() as temporary:
        notebook = Path(temporary) / f"{name}.ipynb"
        shutil.copyfile(COURSE / sample["file"], notebook)
        autograder = COURSE / "autograders" / name / "autograder.zip"
        results = grade_submission(str(notebook), str(autograder), quiet=True)
    return float(results.total), float(results.possible)


def main() -> int:
    """Grade the chosen samples; return 1 if any score differs from what is expected."""
    parser = argparse.ArgumentParser(description="Compare expected.toml with otter's own scores.")
    parser.add_argument(
        "files", nargs="*", help="names of samples (default: all that have a score)"
    )
    chosen = parser.parse_args().files
    samples = tomllib.loads((COURSE / "expected.toml").read_text("utf-8"))["submissions"]
    with_score = {
        Path(sample["file"]).name: sample
        for sample in samples
        if "score" in sample and "cell_timeout" not in sample.get("flags", [])
    }
    unknown = sorted(set(chosen) - with_score.keys())
    if unknown:
        parser.error(f"no samples with a score are named {', '.join(unknown)}")
    has_difference = False
    for name in chosen or with_score:
        expected = with_score[name]["score"], with_score[name]["points_possible"]
        found = grade(with_score[name])
        is_equal = found == expected
        has_difference |= not is_equal
        verdict = "as expected" if is_equal else f"but {expected[0]:g} of {expected[1]:g} expected"
        sys.stdout.write(f"{name}: {found[0]:g} of {found[1]:g}, {verdict}\n")
    return 1 if has_difference else 0


if __name__ == "__main__":
    sys.exit(main())
