"""The console's pages, a file each; `router` leads to them and `desk` is what they work with."""
