# What the charts of an assignment show, of PostgreSQL.
from tests.unit.shared.test_gradebook_assignment_figures import *  # noqa: F403
