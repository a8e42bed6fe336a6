from __future__ import annotations

import pytest

from shared.model import opaque_name


@pytest.mark.parametrize(
    "name", ["josé", "a@b.edu", "lab01", "Ada Lovelace", "x" * 255, "a/b", "..a", "...", "학생"]
)
def test_ordinary_names_pass(name: str) -> None:
    assert opaque_name(name) == name


def test_names_are_composed() -> None:
    assert opaque_name("jose\u0301") == "jos\u00e9"


@pytest.mark.parametrize(
    "name",
    [
        "",
        " a",
        "x" * 4096,
        "..",
        ".",
        "../x",
        "x/../y",
        "x\\..\\y",
        "./x",
        "a\x00b",
        "a\nb",
        "a\u202eb",
        "a\u2066b",
        "a\u2028b",
        "\ud800",
    ],
)
def test_tricks_do_not(name: str) -> None:
    with pytest.raises(ValueError, match="a name"):
        opaque_name(name)
