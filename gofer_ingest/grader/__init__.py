"""The grader: it grades the spool's entries in a sandbox and alone writes the gradebook."""
