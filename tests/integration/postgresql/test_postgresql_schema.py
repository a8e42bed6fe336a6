# What a gradebook is held to, in PostgreSQL.
from tests.unit.shared.test_gradebook_schema import *  # noqa: F403
