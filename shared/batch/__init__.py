"""Batch grading: what staff hand in on their students' behalf, from files to entries in the spool.

The terminal and the grader's drop folder both stand on this. It reads what it is given and delivers
into the spool; it moves and deletes nothing, and knows no framework.
"""
