"""Passback: sends the grades in the outbox to the LMS, beside the grading and without it.

`decide` says purely what becomes of a grade, `recipients` where it goes, `credentials` reads the
secrets, `lanes` keeps one LMS's troubles from the others, `loop` carries it all out.
"""
