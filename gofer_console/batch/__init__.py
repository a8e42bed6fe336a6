"""`gofer batch`: staff hand in notebooks on their students' behalf, and see how each ended."""
