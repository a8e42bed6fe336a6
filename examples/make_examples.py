"""Makes the sample course from its source notebooks: zips, student notebooks and submissions.

The same sources give the same bytes on every machine, so what is made is committed and compared.
A file is written only when its bytes change, and a new autograder zip only after its own solution
notebook earned full points with it.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import shutil
import sys
import tempfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from otter.api import grade_submission
from otter.assign import main as otter_assign

COURSE = Path(__file__).resolve().parent / "demo101"
MADE_FOLDERS = ("autograders", "solutions", "student", "submissions")
"""Folders of the course that hold nothing but what is made here; strangers in them are removed."""

KEY_FIELDS = ("course", "section", "assignment")
ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can tell
ZIP_FILE_MODE = 0o644

Notebook = dict[str, Any]


class BadSource(Exception):
    """A source file of the sample course does not fit."""


@dataclass(frozen=True)
class Handout:
    """What is made of one source notebook.

    Attributes:
        autograder_zip: bytes of the zip.
        solution: the notebook with all answers and all tests.
        student: the notebook that students get.
        student_files: data files that students get beside it, by name.
    """

    autograder_zip: bytes
    solution: Notebook
    student: Notebook
    student_files: dict[str, bytes]


def make_handout(source: Path) -> Handout:
    """Run `otter assign` on a folder that holds a source notebook of the folder's own name."""
    name = source.name
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "source" / name
        shutil.copytree(source, copy)
        master = copy / f"{name}.ipynb"
        result = Path(temporary) / "result"
        otter_assign(str(master), str(result), no_run_tests=True)
        (stamped_zip,) = (result / "autograder").glob("*.zip")
        own_ids = {cell["id"] for cell in _read(master)["cells"]}
        student_folder = result / "student"
        return Handout(
            autograder_zip=_without_dates(stamped_zip),
            solution=_with_stable_ids(_read(result / "autograder" / f"{name}.ipynb"), own_ids),
            student=_with_stable_ids(_read(student_folder / f"{name}.ipynb"), own_ids),
            student_files={
                path.relative_to(student_folder).as_posix(): path.read_bytes()
                for path in sorted(student_folder.rglob("*"))
                if path.is_file() and path.suffix != ".ipynb"
            },
        )


def make_submission(student: Notebook, entry: dict[str, Any]) -> Notebook:
    """Fill in a student notebook as an entry of `submissions.toml` says.

    Raises:
        BadSource: the entry names a cell that the notebook does not have, or an unknown key.
    """
    known = {"file", "assignment", "cells", "outputs", "metadata_under", "no_cells"}
    if not entry.keys() <= known:
        raise BadSource(f"{entry['file']}: unknown keys {sorted(entry.keys() - known)}")
    notebook: Notebook = json.loads(json.dumps(student))
    code_cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    by_id = {cell["id"]: (number, cell) for number, cell in enumerate(code_cells, start=1)}
    answers, outputs = entry.get("cells", {}), entry.get("outputs", {})
    if not answers.keys() | outputs.keys() <= by_id.keys():
        strangers = sorted((answers.keys() | outputs.keys()) - by_id.keys())
        raise BadSource(f"{entry['file']}: {entry['assignment']} has no code cells {strangers}")
    for cell_id, text in answers.items():
        by_id[cell_id][1]["source"] = text.strip("\n").splitlines(keepends=True)
    for cell_id, text in outputs.items():
        number, cell = by_id[cell_id]
        cell["execution_count"] = number
        cell["outputs"] = [
            {
                "output_type": "execute_result",
                "execution_count": number,
                "data": {"text/plain": [text]},
                "metadata": {},
            }
        ]
    if "metadata_under" in entry:
        metadata = notebook["metadata"]
        metadata[entry["metadata_under"]] = {field: metadata.pop(field) for field in KEY_FIELDS}
    if entry.get("no_cells"):
        notebook["cells"] = []
    return notebook


def make_course(course: Path, target: Path) -> list[Path]:
    """Make everything of `course` in `target`, usually the same folder.

    Returns:
        The files that were written or removed, relative to `target`.

    Raises:
        BadSource: a source does not fit, or a solution does not earn full points.
    """
    made: dict[str, bytes] = {}
    students: dict[str, Notebook] = {}
    changed: list[Path] = []
    for source in sorted(path for path in (course / "source").iterdir() if path.is_dir()):
        name, handout = source.name, make_handout(source)
        students[name] = handout.student
        zip_name, solution_name = f"autograders/{name}/autograder.zip", f"solutions/{name}.ipynb"
        proven = {zip_name: handout.autograder_zip, solution_name: _encode(handout.solution)}
        if any(_is_new(target / path, data) for path, data in proven.items()):
            _prove(name, handout)
        made |= proven
        made[f"student/{name}.ipynb"] = _encode(handout.student)
        made |= {f"student/{path}": data for path, data in handout.student_files.items()}
    entries = tomllib.loads((course / "source" / "submissions.toml").read_text("utf-8"))
    for entry in entries["submissions"]:
        submission = make_submission(students[entry["assignment"]], entry)
        made[f"submissions/{entry['file']}"] = _encode(submission)
    for name, data in made.items():
        if _is_new(target / name, data):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(data)
            changed.append(Path(name))
    for folder in MADE_FOLDERS:
        for path in sorted((target / folder).rglob("*")):
            if path.is_file() and path.relative_to(target).as_posix() not in made:
                path.unlink()
                changed.append(path.relative_to(target))
    return changed


def _prove(name: str, handout: Handout) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        notebook = Path(temporary) / f"{name}.ipynb"
        notebook.write_bytes(_encode(handout.solution))
        autograder = Path(temporary) / "autograder.zip"
        autograder.write_bytes(handout.autograder_zip)
        results = grade_submission(str(notebook), str(autograder), quiet=True)
    if results.total != results.possible:
        raise BadSource(
            f"{name}: the solution earns {results.total} of {results.possible} points:\n"
            f"{results.summary()}"
        )


def _without_dates(stamped_zip: Path) -> bytes:
    """Return a zip's content as a zip that depends on nothing else.

    Members are sorted, because otter adds tests in the order of the folder's listing, and stored:
    zlib's bytes differ between its builds.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(stamped_zip) as stamped, zipfile.ZipFile(buffer, "w") as plain:
        for name in sorted(stamped.namelist()):
            member = zipfile.ZipInfo(name, ZIP_DATE)
            member.create_system = 3  # Unix, wherever this runs
            member.external_attr = ZIP_FILE_MODE << 16
            plain.writestr(member, stamped.read(name))
    return buffer.getvalue()


def _with_stable_ids(notebook: Notebook, own_ids: set[str]) -> Notebook:
    """Name the cells that otter added: it gives them a random id."""
    for number, cell in enumerate(notebook["cells"]):
        if cell["id"] in own_ids:
            continue
        check = re.match(r'grader\.check\("([\w-]+)"\)', "".join(cell["source"]))
        cell["id"] = f"{check[1]}-check" if check else f"otter-{number}"
    return notebook


def _read(path: Path) -> Notebook:
    notebook: Notebook = json.loads(path.read_text("utf-8"))
    return notebook


def _encode(notebook: Notebook) -> bytes:
    """Return a notebook's bytes as Jupyter writes them.

    Raises:
        nbformat.ValidationError: it is no valid notebook.
    """
    nbformat.validate(notebook)
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)
    return f"{text}\n".encode()


def _is_new(path: Path, data: bytes) -> bool:
    return not path.is_file() or path.read_bytes() != data


def main() -> int:
    """Make the sample course; say what changed."""
    parser = argparse.ArgumentParser(description="Make the sample course from its sources.")
    parser.add_argument(
        "--into", type=Path, default=COURSE, help="folder to make it in (default: its own)"
    )
    target = parser.parse_args().into.absolute()
    try:
        changed = make_course(COURSE, target)
    except BadSource as error:
        sys.stderr.write(f"{error}\nNothing was written. Mend the source and try again.\n")
        return 1
    for path in changed:
        sys.stdout.write(f"{'wrote' if (target / path).exists() else 'removed'} {path}\n")
    sys.stdout.write(f"The sample course is up to date ({len(changed)} files changed).\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
