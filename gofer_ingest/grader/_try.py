import sys
from pathlib import Path

from gofer_ingest.grader.images import *

print(
    build_image(
        target=Target(sys.argv[1]),
        tag="gofer-" + sys.argv[1],
        cache=Path(".cache/wheelhouse"),
        docker_host=None,
        base=None,
        say=print,
    )
)
