"""The gradebook: the SQL ledger of submissions, grading runs and grades.

The grader alone writes it, through `engine.open_gradebook` and `record`; everyone else reads it,
through `engine.open_reader` and `queries`. It runs on SQLite, and its types and SQL are kept such
that PostgreSQL can follow. Nothing here decides a verdict, and nothing but this package knows SQL.
"""
