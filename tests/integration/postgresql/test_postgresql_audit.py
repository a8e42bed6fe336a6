# Who did what, of PostgreSQL.
from tests.unit.shared.test_gradebook_audit import *  # noqa: F403
