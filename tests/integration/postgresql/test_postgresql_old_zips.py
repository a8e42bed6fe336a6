# What is asked about old zips, of PostgreSQL.
from tests.unit.shared.test_gradebook_old_zips import *  # noqa: F403
