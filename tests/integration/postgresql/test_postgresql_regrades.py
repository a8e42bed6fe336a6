# What a regrade is held to, in PostgreSQL.
from tests.unit.shared.test_gradebook_regrades import *  # noqa: F403
