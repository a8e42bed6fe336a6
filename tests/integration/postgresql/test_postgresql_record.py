# What a gradebook is held to, in PostgreSQL.
from tests.unit.shared.test_gradebook_record import *  # noqa: F403
