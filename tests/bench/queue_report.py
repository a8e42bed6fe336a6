"""What the queue benchmark prints, draws and writes down. Pure but for the two files it writes."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.console import Console

    from tests.bench.ingest_report import Conditions

_WIDTH: Final = 900
_HEIGHT: Final = 330
_PLOT_WIDTH: Final = 350
_PLOT_HEIGHT: Final = 190
_TOP: Final = 60
_TICKS: Final = 4
_COLOURS: Final = ("#2b5fb4", "#b26a00", "#2e7d45")
_FONT: Final = (
    "font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\" "
    'font-size="12"'
)
_NARROWEST_LABEL: Final = 40
_STYLE: Final = """\
    .page { fill: #ffffff; stroke: #d0d7de; }
    .axis { stroke: #5b6470; }
    .grid { stroke: #e3e6ea; }
    .name { font-weight: 600; font-size: 15px; fill: #1b1f24; }
    .label { fill: #3a424c; }"""


@dataclass(frozen=True)
class AtDepth:
    """What was measured with so many submissions pending.

    Attributes:
        pending: at the beginning.
        posts_ms: from the first byte of each POST to the last one of its receipt.
        listing_ms: of `Spool.pending`.
        look_ms: of the worker's look at a spool that it knows already.
        standing_ms: of what the grader tells about the queue now and then.
        taking_in_s: until a grader that has just started knows all that is pending.
    """

    pending: int
    posts_ms: Sequence[float]
    listing_ms: Sequence[float]
    look_ms: Sequence[float]
    standing_ms: Sequence[float]
    taking_in_s: float

    @property
    def p50_ms(self) -> float:
        """What half of the receipts took at most."""
        return _percentile(self.posts_ms, 50)

    @property
    def p95_ms(self) -> float:
        """What 95 of 100 receipts took at most."""
        return _percentile(self.posts_ms, 95)


@dataclass(frozen=True)
class _Curve:
    name: str
    of: Callable[[AtDepth], float]


_RECEIPTS: Final = (
    _Curve("half within", lambda one: one.p50_ms),
    _Curve("95 of 100 within", lambda one: one.p95_ms),
)
_SWEEPS: Final = (
    _Curve("the worker's look", lambda one: statistics.median(one.look_ms)),
    _Curve("of it, listing", lambda one: statistics.median(one.listing_ms)),
    _Curve("its standing", lambda one: statistics.median(one.standing_ms)),
)


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[-(-percent * len(ordered) // 100) - 1]


def show(measured: Sequence[AtDepth], conditions: Conditions, load: float, out: Console) -> None:
    """Print the figures.

    Args:
        measured: by depth, the emptiest queue first.
        conditions: of the run.
        load: how many processes wanted a processor in the minute before it began.
        out: where to.
    """
    table = Table()
    table.add_column("pending", justify="right")
    for heading in (
        "receipt p50 ms",
        "p95 ms",
        "listing ms",
        "worker's look ms",
        "standing ms",
        "taking in s",
    ):
        table.add_column(heading, justify="right")
    for one in measured:
        table.add_row(
            f"{one.pending:,}",
            *(f"{curve.of(one):.1f}" for curve in _RECEIPTS),
            f"{statistics.median(one.listing_ms):.1f}",
            f"{statistics.median(one.look_ms):.1f}",
            f"{statistics.median(one.standing_ms):.2f}",
            f"{one.taking_in_s:.2f}",
        )
    out.print(table)
    emptiest, fullest = measured[0], measured[-1]
    out.print(
        f"With {fullest.pending:,} pending a receipt takes {fullest.p50_ms / emptiest.p50_ms:.2f} "
        f"of what it takes with {emptiest.pending:,} (p50; p95: "
        f"{fullest.p95_ms / emptiest.p95_ms:.2f}).",
        soft_wrap=True,
    )
    out.print(
        f"{len(fullest.posts_ms)} posts at each depth, in turns, {conditions.cores} processors, "
        f"{conditions.machine}, disk {conditions.disk}, Python {conditions.python}, "
        f"{conditions.measured_at}; load average before: {load:.1f}.",
        soft_wrap=True,
    )


def write(measured: Sequence[AtDepth], conditions: Conditions, load: float, path: Path) -> None:
    """Write every figure as JSON."""
    content = {
        "conditions": asdict(conditions),
        "load_before": load,
        "measured": [asdict(one) for one in measured],
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def drawn(measured: Sequence[AtDepth], conditions: Conditions) -> str:
    """Return the figures as an SVG: receipts on the left, sweeps on the right."""
    frame = f'width="{_WIDTH - 1}" height="{_HEIGHT - 1}" rx="10"'
    where = f"{conditions.cores} processors, disk {conditions.disk}, {conditions.measured_at}"
    below = f"Across: submissions pending. {where}; `make bench-queue` draws it anew."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" {_FONT}',
        f'  width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-labelledby="title description">',
        '  <title id="title">What a full queue costs</title>',
        f'  <desc id="description">{_described(measured)}</desc>',
        f"  <style>\n{_STYLE}\n  </style>",
        f'  <rect class="page" x="0.5" y="0.5" {frame}/>',
        *_panel(60, "From POST to receipt, ms", measured, _RECEIPTS),
        *_panel(510, "The grader's sweep, ms", measured, _SWEEPS),
        f'  <text class="label" x="60" y="{_HEIGHT - 14}">{below}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _described(measured: Sequence[AtDepth]) -> str:
    return " ".join(
        f"With {one.pending} pending, half of the receipts take {one.p50_ms:.1f} ms at most, 95 of "
        f"100 take {one.p95_ms:.1f} ms, and the worker's look takes "
        f"{statistics.median(one.look_ms):.1f} ms."
        for one in measured
    )


def _panel(
    left: int, title: str, measured: Sequence[AtDepth], curves: Sequence[_Curve]
) -> list[str]:
    highest = _rounded_up(max(curve.of(one) for curve in curves for one in measured))
    widest = max(one.pending for one in measured)
    bottom = _TOP + _PLOT_HEIGHT

    def x(pending: int) -> float:
        return left + _PLOT_WIDTH * pending / widest

    def y(value: float) -> float:
        return bottom - _PLOT_HEIGHT * value / highest

    parts = [f'  <text class="name" x="{left}" y="32">{title}</text>']
    for tick in range(_TICKS + 1):
        value = highest * tick / _TICKS
        line_class = "grid" if tick else "axis"
        parts.append(
            f'  <path class="{line_class}" d="M{left} {y(value):.1f} h{_PLOT_WIDTH}"/>'
            f'<text class="label" x="{left - 6}" y="{y(value) + 4:.1f}" '
            f'text-anchor="end">{value:g}</text>'
        )
    labelled_until = -math.inf
    for one in measured:
        if x(one.pending) - labelled_until >= _NARROWEST_LABEL:
            labelled_until = x(one.pending)
            parts.append(
                f'  <text class="label" x="{x(one.pending):.1f}" y="{bottom + 18}" '
                f'text-anchor="middle">{one.pending:,}</text>'
            )
    for number, (curve, colour) in enumerate(zip(curves, _COLOURS, strict=False)):
        points = [(x(one.pending), y(curve.of(one))) for one in measured]
        path = " ".join(f"{across:.1f},{up:.1f}" for across, up in points)
        parts.append(
            f'  <polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>'
        )
        parts += [
            f'  <circle cx="{across:.1f}" cy="{up:.1f}" r="3" fill="{colour}"/>'
            for across, up in points
        ]
        across = left + 130 * number
        parts.append(
            f'  <circle cx="{across + 4}" cy="{bottom + 36}" r="4" fill="{colour}"/>'
            f'<text class="label" x="{across + 13}" y="{bottom + 40}">{curve.name}</text>'
        )
    return parts


def _rounded_up(value: float) -> float:
    """Return the next number that divides well into the ticks."""
    step = 1.0
    while True:
        for factor in (1, 2, 4, 8):
            if value <= step * factor * _TICKS / 4:
                return step * factor * _TICKS / 4
        step *= 10
