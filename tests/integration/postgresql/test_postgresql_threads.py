# What a gradebook is held to, in PostgreSQL.
from tests.integration.test_gradebook_threads import (  # noqa: F401
    test_of_two_that_record_one_submission_at_once_one_is_told_so,
    test_threads_that_record_at_once_lose_nothing_and_readers_see_only_whole_states,
)
