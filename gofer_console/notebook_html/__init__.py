"""An untrusted notebook as HTML that a browser may be given: nothing in it runs, and none loads.

The bytes are read (`reading`, `outputs`), turned into HTML (`rendering`) and cleaned against a list
of what is allowed (`cleaning`), in a process of its own (`worker`) that is ended when it takes too
long. Where that fails, `plain` shows the text alone. `pages.NotebookPages` is all that others use.
"""
