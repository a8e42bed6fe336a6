"""`gofer regrade`: staff have submissions graded again, look at who would move, and decide.

Reading needs no grader. What is asked for is delivered to the spool, and the grader does it.
"""
