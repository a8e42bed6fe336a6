"""The console in a window of its own: `gofer console --desktop`."""
