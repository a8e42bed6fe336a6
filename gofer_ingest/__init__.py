"""The way in: the server that accepts notebooks and the grader that grades them."""
