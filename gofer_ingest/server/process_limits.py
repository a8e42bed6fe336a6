"""What a server process needs of the system and of the interpreter to serve many at one time."""

from __future__ import annotations

import gc
import resource
from typing import Final

_GARBAGE_OBJECTS: Final = 20_000
"""New objects after which Python looks for circles of garbage. A notebook is some 700 objects in no
circle, so the usual 700 mean a look for each notebook, and at all that lives now and then."""


def set_up_process() -> None:
    """Use as many descriptors as the system allows, and look for garbage less often.

    Call it once all that lasts was made: it is not looked at again.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection is one
    gc.freeze()
    gc.set_threshold(_GARBAGE_OBJECTS)
