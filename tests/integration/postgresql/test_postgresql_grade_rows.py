# What a gradebook is held to, in PostgreSQL.
from tests.unit.shared.test_gradebook_grade_rows import *  # noqa: F403
