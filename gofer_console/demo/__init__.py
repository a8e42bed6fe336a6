"""`gofer demo`: the main job, whole, on the sample course: notebooks in over HTTP, grades out."""
