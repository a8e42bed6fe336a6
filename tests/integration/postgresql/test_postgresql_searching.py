# Searches, of PostgreSQL.
from tests.unit.shared.test_gradebook_searching import *  # noqa: F403
