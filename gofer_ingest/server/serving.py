"""One server process at work: it serves until it is asked to stop, and then ends in time."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gofer_ingest.server.app import make_app
from gofer_ingest.server.bodies import BodyBudget
from gofer_ingest.server.connections import Connections
from gofer_ingest.server.cross_origin import REQUEST_HEADERS, CrossOrigin
from gofer_ingest.server.door import Door
from gofer_ingest.server.enquiries import Enquiries
from gofer_ingest.server.gradebook_reader import GradebookReader
from gofer_ingest.server.grader_state import GraderState
from gofer_ingest.server.identity.dev import STUDENT_HEADER
from gofer_ingest.server.means import InHand, Means
from gofer_ingest.server.metrics import Metrics, forget_all
from gofer_ingest.server.notebooks import ShapeLimits
from gofer_ingest.server.pages import Pages
from gofer_ingest.server.process_limits import set_up_process
from gofer_ingest.server.public_keys import read_public_keys
from gofer_ingest.server.publishing import Publishing
from gofer_ingest.server.queue_view import QueueView
from gofer_ingest.server.recent_receipts import RecentReceipts
from gofer_ingest.server.room import Room
from gofer_ingest.server.shares import Shares
from shared.model import utc_now
from shared.queue_snapshot import read_snapshot

if TYPE_CHECKING:
    import socket

    from gofer_ingest.server.identity import Identity
    from gofer_ingest.server.inheritance import Inheritance
    from shared.catalogue import Catalogue
    from shared.config import ServerSettings
    from shared.spool import Spool

_log = logging.getLogger("gofer.server")

STOP_S: Final = 9.5
"""Seconds after which a stop is over, whatever clients or the disk do."""
_ARRIVE_S: Final = 7.5
"""Of those, what requests in hand have to arrive in and be answered."""
_LATE_S: Final = 0.1
"""Of that, what requests have to show up that were on their way."""
_ANSWER_S: Final = 1.0
"""What those that have arrived have then, to be answered."""
_END_S: Final = 0.3
"""What answers have, to leave, and connections, to end."""

HEADERS_BYTES: Final = 64 << 10
READ_BYTES: Final = 160 << 10
"""What is read of a connection at one time: a notebook of 136 kB comes in one piece or two.
That took about 0.15 ms less of the processors than pieces of 64 kB."""
BUFFER_BYTES: Final = 1 << 20
"""What tornado may buffer of a connection by itself; bodies are bounded elsewhere."""
BODIES_IN_HAND: Final = 32
"""How many of the largest bodies may be in memory at one time."""
BODIES_OF_A_PERSON: Final = 4
"""How many of those one person may send."""
ENQUIRY_THREADS: Final = 4
"""Those who ask for their submissions at one time; accepting needs none of these threads."""
THREADS: Final = 16
"""Deliveries at one time: they wait for fsync, which a journal does for several at once."""


async def serve(
    settings: ServerSettings,
    sockets: list[socket.socket],
    identity: Identity,
    catalogue: Catalogue,
    spool: Spool,
    *,
    given: Inheritance | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or the end of the supervisor; then finish what is in hand.

    Args:
        settings: of the server.
        sockets: listening, non-blocking; closed at the stop.
        identity: who sends a request.
        catalogue: which assignments there are.
        spool: prepared.
        given: by the supervisor, where this is one of several processes.
    """
    set_up_process()
    stop = _Stop(given.life if given else None)
    executor = ThreadPoolExecutor(THREADS, thread_name_prefix="delivery")
    large_executor = ThreadPoolExecutor(1, thread_name_prefix="large")

    def grader() -> GraderState:
        return GraderState.of(read_snapshot(settings.volume_path), utc_now())

    metrics = Metrics(spool, grader, is_shared=given is not None)
    shares = Shares(given.shares, given.number) if given else None

    def count(connections: int) -> None:
        metrics.connections(connections)
        if shares:
            shares.note(connections)

    recent = make_recent_receipts(settings, catalogue)
    gradebook = GradebookReader(settings.volume_path, settings.database_url)
    enquiry_executor = ThreadPoolExecutor(ENQUIRY_THREADS, thread_name_prefix="enquiry")
    room = Room(spool, max_waiting=settings.max_waiting, min_free_bytes=settings.min_free_disk)
    means = Means(
        prefix=settings.prefix,
        door=make_door(settings, catalogue, spool, room, recent),
        spool=spool,
        room=room,
        identity=identity,
        executor=executor,
        large_executor=large_executor,
        grader=grader,
        enquiries=Enquiries(
            publishing=Publishing(catalogue, gradebook),
            spool=spool,
            queue=QueueView(settings.volume_path, spool),
            gradebook=gradebook,
            receipts=recent,
        ),
        enquiry_executor=enquiry_executor,
        pages=Pages(settings.prefix),
        budget=BodyBudget(
            BODIES_IN_HAND * settings.max_body_bytes,
            share_bytes=BODIES_OF_A_PERSON * settings.max_body_bytes,
        ),
        max_body_bytes=settings.max_body_bytes,
        cross_origin=_cross_origin(settings),
        metrics=metrics,
        in_hand=InHand(metrics.in_hand),
        public_keys=read_public_keys(settings.public_key),
    )
    connections = Connections(
        make_app(means),
        changed=count,
        is_ahead=shares.is_ahead if shares else lambda: False,
        unread_s=settings.body_timeout_s,
        chunk_size=READ_BYTES,
        max_header_size=HEADERS_BYTES,
        max_buffer_size=BUFFER_BYTES,
        max_body_size=sys.maxsize,  # the handlers count: tornado would answer 400, not 413
        idle_connection_timeout=settings.head_timeout_s,
        body_timeout=settings.body_timeout_s,
        xheaders=settings.identity == "hub",  # its proxy says who asks, and whether by https
    )
    url = _url(sockets[0], settings.prefix)
    connections.add_sockets(sockets)
    _log.info(
        "Listening",
        extra={
            "action": "listening",
            "url": url,
            "assignments": len(catalogue),
            "volume_path": str(settings.volume_path),
        },
    )
    await stop.wait()
    # Should a client, the disk or a mistake of ours hold all this up, the kernel ends it.
    signal.setitimer(signal.ITIMER_REAL, STOP_S)
    await _finish(connections, means.in_hand)
    await identity.close()
    executor.shutdown(cancel_futures=True)
    large_executor.shutdown(cancel_futures=True)
    enquiry_executor.shutdown(wait=False, cancel_futures=True)  # whoever asked is gone
    gradebook.close()
    if given is not None and stop.is_orphaned:
        forget_all(given.metrics)
    _log.info("Stopped", extra={"action": "stopped"})


def make_recent_receipts(settings: ServerSettings, catalogue: Catalogue) -> RecentReceipts:
    """Return the receipts that were given lately, kept for as long as the longest rate window."""
    longest_s = max((assignment.rate.within_s for assignment in catalogue), default=0)
    return RecentReceipts(
        settings.volume_path / "spool" / "index" / "receipts", timedelta(seconds=longest_s)
    )


def make_door(
    settings: ServerSettings,
    catalogue: Catalogue,
    spool: Spool,
    room: Room,
    recent: RecentReceipts,
) -> Door:
    """Return the submission's way in, as the settings want it."""
    return Door(
        catalogue=catalogue,
        spool=spool,
        recent=recent,
        room=room,
        shape=ShapeLimits(settings.max_body_bytes, settings.max_cells, settings.max_depth),
        repeat_window=timedelta(seconds=settings.repeat_window_s),
    )


async def _finish(connections: Connections, in_hand: InHand) -> None:
    """Take nothing more, and give what is in hand its time."""
    connections.stop()
    in_hand.is_last_call = True
    _log.info("Stopping", extra={"action": "stopping", "requests": len(in_hand)})
    await asyncio.sleep(_LATE_S)
    if not await in_hand.finished(_ARRIVE_S - _LATE_S):
        # A cut request was never whole, so nothing of it is kept. One that is whole may have
        # its entry already: it gets a little longer for its receipt.
        cut = in_hand.cut_incomplete()
        await in_hand.finished(_ANSWER_S)
        _log.warning(
            "Stopped although requests were unfinished",
            extra={"action": "unfinished", "requests": cut + len(in_hand)},
        )
    await connections.end(_END_S)


class _Stop(asyncio.Event):
    """Is set when this process is to stop: asked by a signal, or left by its supervisor.

    Args:
        life: a descriptor that is readable once the supervisor is gone; None where there is none.
    """

    def __init__(self, life: int | None) -> None:
        super().__init__()
        self.is_orphaned = False
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.set)
        if life is not None:
            loop.add_reader(life, self._be_orphaned, life)

    def _be_orphaned(self, life: int) -> None:
        asyncio.get_running_loop().remove_reader(life)
        _log.warning("The supervisor is gone", extra={"action": "orphaned"})
        self.is_orphaned = True
        self.set()


def _cross_origin(settings: ServerSettings) -> CrossOrigin:
    of_identity = (STUDENT_HEADER,) if settings.identity == "dev" else ()
    return CrossOrigin(
        origins=frozenset(settings.allowed_origins), headers=(*REQUEST_HEADERS, *of_identity)
    )


def _url(listening: socket.socket, prefix: str) -> str:
    address, port = listening.getsockname()[:2]
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}{prefix}"
