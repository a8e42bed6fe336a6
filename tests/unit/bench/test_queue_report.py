"""The queue benchmark's picture and table: they show what was measured."""

from __future__ import annotations

import io
import itertools
import re
from xml.etree import ElementTree as ET

from rich.console import Console

from tests.bench.ingest_report import Conditions
from tests.bench.queue_report import AtDepth, drawn, show

CONDITIONS = Conditions("2030-01-02 03:04 UTC", 2, "Linux", "3.13", "6.5", "ext4", 2)
SVG = "{http://www.w3.org/2000/svg}"


def at(pending: int, ms: float) -> AtDepth:
    posts = [ms] * 90 + [4 * ms] * 10
    return AtDepth(pending, posts, [ms], [2 * ms], [ms / 2], taking_in_s=0.5)


MEASURED = [at(0, 5.0), at(1_000, 5.0), at(20_000, 10.0)]


def test_percentiles_are_posts_that_were_measured() -> None:
    assert (at(0, 5.0).p50_ms, at(0, 5.0).p95_ms) == (5.0, 20.0)


def test_every_curve_has_a_point_for_each_depth_and_lies_in_the_picture() -> None:
    picture = ET.fromstring(drawn(MEASURED, CONDITIONS))
    width, height = (float(picture.attrib[side]) for side in ("width", "height"))
    curves = [curve.attrib["points"].split() for curve in picture.iter(f"{SVG}polyline")]
    assert [len(points) for points in curves] == [len(MEASURED)] * 5
    for point in itertools.chain.from_iterable(curves):
        across, up = map(float, point.split(","))
        assert 0 < across < width
        assert 0 < up < height


def test_a_longer_time_is_drawn_higher() -> None:
    [first, *_] = re.findall(r'points="([^"]+)"', drawn(MEASURED, CONDITIONS))
    heights = [float(point.split(",")[1]) for point in first.split()]
    assert heights[0] == heights[1] > heights[2]


def test_the_table_says_how_much_longer_a_full_queue_takes() -> None:
    printed = io.StringIO()
    show(MEASURED, CONDITIONS, 0.1, Console(file=printed, width=200))
    assert "With 20,000 pending a receipt takes 2.00" in printed.getvalue()
