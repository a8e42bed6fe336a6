from __future__ import annotations

import pytest

from shared.sizes import size_bytes


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (1, 1),
        ("10485760", 10 << 20),
        ("1b", 1),
        ("512k", 512 << 10),
        ("512M", 512 << 20),
        ("1g", 1 << 30),
        ("1 GB", 1 << 30),
        ("1.5gib", 3 << 29),
        ("2t", 2 << 40),
    ],
)
def test_sizes_are_powers_of_1024(written: object, expected: int) -> None:
    assert size_bytes(written) == expected


@pytest.mark.parametrize(
    "written", ["", "g", "1x", "-1", "1e3", "0", 0, -5, True, 1.5, None, "\u0661k"]
)
def test_what_is_no_size_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="size"):
        size_bytes(written)


def test_where_nothing_makes_sense_0_is_a_size() -> None:
    assert size_bytes("0", least=0) == 0
    with pytest.raises(ValueError, match="size"):
        size_bytes(-5, least=0)
