"""What the server counts, in the format that Prometheus reads; the one owner of its library.

Labels come from fixed tables and from the catalogue, never from what a request says, so that their
number is bounded; no student is named. Where several processes serve one address the counts lie in
small files in a folder that the supervisor made, and any process tells all of them together.
"""

from __future__ import annotations

import importlib.metadata
import shutil
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import (
    MultiProcessCollector,
    mark_process_dead,
)
from prometheus_client.registry import Collector

from shared.errors import SpoolError
from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gofer_ingest.server.grader_state import GraderState
    from shared.model import AssignmentKey
    from shared.queue_snapshot import PassbackOutlook
    from shared.spool import Spool

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the processes' common folder to the library, which reads it when it is imported."""

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

_ACCEPT_BUCKETS_S: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)


class Metrics:
    """The counts of one process, and the text that tells them.

    Args:
        spool: looked at whenever the text is made.
        grader: says how the grader is; asked whenever the text is made.
        is_shared: whether this is one of several processes with a common folder.
    """

    def __init__(
        self, spool: Spool, grader: Callable[[], GraderState], *, is_shared: bool = False
    ) -> None:
        self._is_shared = is_shared
        self._looking = (_SpoolCollector(spool), _GraderCollector(grader))
        own = self._own = CollectorRegistry()
        self._accepted = Counter(
            "gofer_submissions_accepted",
            "Submissions that were given a receipt.",
            ("course", "assignment"),
            registry=own,
        )
        self._rejected = Counter(
            "gofer_requests_rejected",
            "Requests that were answered with an error, by its code.",
            ("code",),
            registry=own,
        )
        self._received = Counter(
            "gofer_received_bytes", "Bytes of requests' bodies that arrived.", registry=own
        )
        self._accepting = Histogram(
            "gofer_accept_seconds",
            "Seconds from a submission's head to its receipt.",
            registry=own,
            buckets=_ACCEPT_BUCKETS_S,
        )
        self._in_hand = Gauge(
            "gofer_requests_in_hand",
            "Requests that are being answered.",
            registry=own,
            multiprocess_mode="livesum",
        )
        self._connections = Gauge(
            "gofer_connections",
            "Connections that are open, idle ones included.",
            registry=own,
            multiprocess_mode="livesum",
        )

    def accepted(self, key: AssignmentKey, seconds: float) -> None:
        """Count a submission that has its receipt.

        Args:
            key: of an assignment in the catalogue.
            seconds: from its head to its receipt.
        """
        self._accepted.labels(key.course, key.assignment).inc()
        self._accepting.observe(seconds)

    def rejected(self, code: str) -> None:
        """Count a request that was answered with an error."""
        self._rejected.labels(code).inc()

    def received(self, size_bytes: int) -> None:
        """Count bytes of a body."""
        self._received.inc(size_bytes)

    def in_hand(self, requests: int) -> None:
        """Note how many requests are in hand."""
        self._in_hand.set(requests)

    def connections(self, number: int) -> None:
        """Note how many connections there are."""
        self._connections.set(number)

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it. Lists the spool: call it in a thread."""
        told = CollectorRegistry()
        for collector in self._looking:
            told.register(collector)
        if self._is_shared:
            MultiProcessCollector(told)  # type: ignore[no-untyped-call]
            return generate_latest(told)
        return generate_latest(self._own) + generate_latest(told)


def forget_all(folder: str) -> None:
    """Remove the processes' common folder, where their supervisor cannot do it any more."""
    shutil.rmtree(folder, ignore_errors=True)  # another of them may be faster


def forget_process(pid: int, folder: str) -> None:
    """Drop what a process that has died said of its present state; its counts stay in the sums."""
    mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]


class _SpoolCollector(Collector):
    """What lies in the spool, and how full its disk is, at the moment of asking."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._version = importlib.metadata.version("gofer")

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Look, and tell; what cannot be looked at is left out."""
        build = GaugeMetricFamily("gofer_build_info", "The version.", labels=("version",))
        build.add_metric((self._version,), 1)
        yield build
        try:
            census = self._spool.census()
        except SpoolError:
            return
        entries = GaugeMetricFamily(
            "gofer_spool_entries",
            "Entries in the spool: waiting, set aside, or being written.",
            labels=("place",),
        )
        for place, number in (
            ("new", census.waiting),
            ("failed", census.failed),
            ("tmp", census.being_written),
        ):
            entries.add_metric((place,), number)
        yield entries
        oldest = census.oldest_received_at
        yield GaugeMetricFamily(
            "gofer_spool_oldest_seconds",
            "Seconds since the oldest waiting entry was received; 0 where none waits.",
            value=max(0.0, (utc_now() - oldest).total_seconds()) if oldest else 0.0,
        )
        yield GaugeMetricFamily(
            "gofer_disk_free_bytes",
            "Space that is left on the volume's disk.",
            value=census.free_bytes,
        )


class _GraderCollector(Collector):
    """Whether anybody grades, as the grader's last snapshot tells."""

    def __init__(self, grader: Callable[[], GraderState]) -> None:
        self._grader = grader

    def collect(self) -> Iterator[Metric]:
        """Look, and tell."""
        state = self._grader()
        yield GaugeMetricFamily(
            "gofer_grader_running", "Whether the grader runs.", value=float(state.is_running)
        )
        paused = GaugeMetricFamily(
            "gofer_grader_paused",
            "1 with the reason while the grader claims nothing; absent otherwise.",
            labels=("reason",),
        )
        if state.paused is not None:
            paused.add_metric((state.paused,), 1)
        yield paused
        if state.silent_s is not None:
            yield GaugeMetricFamily(
                "gofer_grader_silent_seconds",
                "Seconds since the grader last said how its queue is.",
                value=state.silent_s,
            )
        yield GaugeMetricFamily(
            "gofer_grader_warm_idle",
            "Sandboxes that are ready before anybody asks.",
            value=state.warm_idle,
        )
        taken = CounterMetricFamily(
            "gofer_grader_slots",
            "Runs since the grader started, by whether their sandbox was ready.",
            labels=("ready",),
        )
        taken.add_metric(("yes",), state.warm_hits)
        taken.add_metric(("no",), state.warm_misses)
        yield taken
        if state.backup_age_s is not None:
            yield GaugeMetricFamily(
                "gofer_backup_age_seconds",
                "Seconds since the gradebook's newest daily backup.",
                value=state.backup_age_s,
            )
        if state.passback is not None:
            yield from _passback(state.passback)


def _passback(outlook: PassbackOutlook) -> Iterator[GaugeMetricFamily]:
    """Tell what the grader said of the outbox."""
    grades = GaugeMetricFamily(
        "gofer_passback_grades",
        "Grades that have not arrived at the LMS, by where they are.",
        labels=("state",),
    )
    for state in ("queued", "held", "parked", "failed"):
        grades.add_metric((state,), getattr(outlook, state))
    yield grades
    oldest = outlook.oldest_queued_at
    yield GaugeMetricFamily(
        "gofer_passback_oldest_seconds",
        "Seconds since the oldest queued grade was made; 0 where none is queued.",
        value=max(0.0, (utc_now() - oldest).total_seconds()) if oldest else 0.0,
    )
    yield GaugeMetricFamily(
        "gofer_passback_lms_troubled",
        "How many LMSs are left alone for a while, since they fail or do not let us in.",
        value=len(outlook.troubled),
    )
