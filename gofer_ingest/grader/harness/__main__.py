"""The harness's beginning: for one run, or for one run after another where it is told to share."""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path
from typing import NoReturn

from . import kernel_calls, privileges, supervision
from .supervision import Lifetime


def main() -> NoReturn:
    """Take the descriptors out of everybody's way, then serve."""
    options = _options()
    if options.shared:
        _share(options)
    answer = os.dup(1)  # not inherited by anything the runner starts
    job = os.dup(0)
    os.dup2(2, 1)  # what anyone prints is the log's
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def give_up_rights() -> None:
        if options.uid is not None:
            privileges.drop_to(options.uid, options.gid, options.needs)
        if options.memory_bytes is not None:
            kernel_calls.forbid_new_privileges()
            privileges.limit_resources(
                memory_bytes=options.memory_bytes,
                processes=options.processes,
                file_bytes=options.file_bytes,
            )

    supervision.supervise(
        job,
        answer,
        options.folder,
        lifetime=Lifetime(options.idle_s, options.lifetime_s),
        is_ahead=options.ahead,
        give_up_rights=give_up_rights,
    )


def _share(options: argparse.Namespace) -> NoReturn:
    """Be the gatekeeper, with the parent beside it."""
    kernel_calls.forbid_inspection()
    gatekeepers, parents = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        gatekeepers.close()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        # Not before: the gatekeeper is to stay small.
        from . import parent  # noqa: PLC0415

        parent.serve(parents, options.folder, options.disk_bytes)
    parents.close()
    from .gatekeeper import Gate  # noqa: PLC0415

    Gate(gatekeepers, idle_s=options.idle_s, run_s=options.lifetime_s).serve()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="harness")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--idle-s", type=float, default=3600.0, help="until there is a job")
    parser.add_argument("--lifetime-s", type=float, default=3600.0, help="with a job")
    parser.add_argument("--ahead", action="store_true", help="nobody waits for it yet")
    parser.add_argument("--shared", action="store_true", help="serve one run after another")
    parser.add_argument("--disk-bytes", type=int, help="of each run, where they are shared")
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--needs", type=Path, action="append", default=[])
    parser.add_argument("--memory-bytes", type=int)
    parser.add_argument("--processes", type=int)
    parser.add_argument("--file-bytes", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    main()
