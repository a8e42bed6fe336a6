# How much was graded, of PostgreSQL.
from tests.unit.shared.test_gradebook_throughput import *  # noqa: F403
