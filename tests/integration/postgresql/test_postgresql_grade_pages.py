# Pages of grades, students and submissions, of PostgreSQL.
from tests.unit.shared.test_gradebook_grade_pages import *  # noqa: F403
