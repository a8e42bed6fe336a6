"""Make an nbgrader course in which everybody was graded. Runs in nbgrader's own environment.

`python formgrader_gradebook.py FOLDER STUDENTS` writes its gradebook with nbgrader's own functions,
and the folders of what was submitted and graded, which its pages look at as well.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nbgrader.api import Gradebook
from sqlalchemy import text

ASSIGNMENT = "lab000"
POINTS = 10.0


def make(folder: Path, students: int) -> None:
    """Make the course.

    Args:
        folder: an empty one.
        students: how many; each has one submission for the one assignment.
    """
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        # It commits for each student; nothing of this has to outlive a power cut.
        gradebook.db.execute(text("PRAGMA synchronous = OFF"))
        gradebook.add_assignment(ASSIGNMENT)
        gradebook.add_notebook("lab", ASSIGNMENT)
        gradebook.add_grade_cell("q1", "lab", ASSIGNMENT, max_score=POINTS, cell_type="code")
        for number in range(students):
            name = f"student{number:06d}"
            gradebook.add_student(name)
            sent = gradebook.add_submission(
                ASSIGNMENT, name, timestamp="2026-09-01 12:00:00.000000 UTC"
            )
            for grade in sent.notebooks[0].grades:
                grade.auto_score = number * 7919 % 1001 / 100
                grade.needs_manual_grade = False
            for step in ("submitted", "autograded"):
                (folder / step / name / ASSIGNMENT).mkdir(parents=True)
        gradebook.db.commit()
    (folder / "source" / ASSIGNMENT).mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.root = {str(folder)!r}\n"
    )


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
