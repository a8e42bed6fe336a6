"""The spool: a queue of directories on disk, by which all work comes in.

One entry is one directory named by its `SubmissionId`. It holds `envelope.json` and
`submission.ipynb`, written once and never changed, and beside them the grader's sidecars
`tries.json` and `failure.json`. An entry lies in exactly one place at any moment, because every
move is one rename; what must be on disk before a move is fsynced before it.
"""

from shared.spool.census import Census
from shared.spool.content import Content
from shared.spool.directory_queue import Spool
from shared.spool.entry import ENVELOPE_MAX_BYTES, Entry, Failure, Place

__all__ = ["ENVELOPE_MAX_BYTES", "Census", "Content", "Entry", "Failure", "Place", "Spool"]
