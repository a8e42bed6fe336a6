"""Leaf code that server, grader and console share; it knows no process and no framework."""
