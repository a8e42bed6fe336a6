"""The staff's side: the command line and everything that reads the gradebook."""
