"""A regrade: submissions graded again, shown to staff, and then applied or cancelled.

`selection` and `comparison` are pure: which submissions a request takes, and who would move. The
other modules carry that out on the gradebook. Until a regrade is applied none of its runs counts.
"""
