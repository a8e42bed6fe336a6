# What a gradebook is held to, in PostgreSQL.
from tests.integration.test_passback_loop import *  # noqa: F403
