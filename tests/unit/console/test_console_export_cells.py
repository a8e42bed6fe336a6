"""No text that is exported is a formula to a spreadsheet, and numbers are what they were."""

from __future__ import annotations

import csv
import io
import math
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer_console.exports.cells import FORMULA_STARTS, begins_formula, neutralised, points
from gofer_console.exports.writers import write_csv

NASTY = st.text(
    alphabet=st.one_of(st.sampled_from("=+-@＝＋－＠−\t\r\n\0 ;,'\"\u00a0\u200b\ufeffa1"), st.characters(codec="utf-8")),  # noqa: E501, RUF001
    max_size=12,
)  # fmt: skip
NUMBERS = st.one_of(st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False))


def read_back(rows: list[list[str | float | None]], width: int) -> list[list[str]]:
    file = io.StringIO(newline="")
    write_csv(file, [f"c{at}" for at in range(width)], rows)
    return list(csv.reader(io.StringIO(file.getvalue(), newline="")))[1:]


def cells_of_any_locale(cell: str) -> list[str]:
    """What a spreadsheet sees whose list separator is not the comma."""
    return re.split(r"[;\t\r\n]", cell)


@given(st.lists(st.lists(NASTY, min_size=2, max_size=2), max_size=4))
def test_no_text_read_back_begins_a_formula(rows: list[list[str]]) -> None:
    for row in read_back([list(row) for row in rows], 2):
        for cell in row:
            assert not cell.startswith(("\t", "\r", "\n", "\0"))
            for seen in cells_of_any_locale(cell):
                visible = seen.lstrip().lstrip("\0\u200b\ufeff\u00a0 ")
                assert unicodedata.normalize("NFKC", visible)[:1] not in {"=", "+", "-", "@"} or (
                    seen.startswith("'")
                )


@given(NASTY)
def test_what_was_written_can_be_told_from_what_is_read(text: str) -> None:
    safe = neutralised(text)
    assert len(safe) >= len(text)
    left = iter(safe)
    assert all(character in left for character in text)  # nothing is lost or put in another order
    assert set(safe) <= {*text, "'"}


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_numbers_survive(numbers: list[float]) -> None:
    (row,) = read_back([list(numbers)], len(numbers))
    assert [float(cell) for cell in row] == numbers
    assert not any(cell.startswith("'") for cell in row)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])  # noqa: RUF001
def test_text_that_begins_like_a_formula_gets_an_apostrophe(start: str) -> None:
    assert neutralised(f"{start}1+1").startswith("'")


@pytest.mark.parametrize("text", ["  =1", "\u00a0=1", "\u200b=1", "\ufeff@x", "\u3000＝1"])  # noqa: RUF001
def test_what_does_not_show_hides_no_formula(text: str) -> None:
    assert neutralised(text) == f"'{text}"


@pytest.mark.parametrize("text", ["x;=1", "x; -1", "a\t@b", "a\n=1"])
def test_a_separator_of_another_locale_hides_no_formula(text: str) -> None:
    separator = re.search(r"[;\t\n]", text)
    assert separator is not None
    assert neutralised(text)[separator.end()] == "'"


@pytest.mark.parametrize(
    "text", ["ben", "a=b", "josé", "", "a@b.edu", "x - y", "a;b", "1-2", "(=1)"]
)
def test_any_other_text_stays(text: str) -> None:
    assert neutralised(text) == text


def test_every_character_that_unicode_says_is_a_formulas_first_is_known() -> None:
    compatible = {
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.normalize("NFKC", character)[:1] in {"=", "+", "-", "@"}
    }
    assert compatible - FORMULA_STARTS == set()
    assert all(begins_formula(f"{character}1") for character in FORMULA_STARTS)


@given(st.floats(min_value=0, max_value=1e12))
def test_points_are_plain_digits_within_half_of_the_last(score: float) -> None:
    text = points(score)
    assert re.fullmatch(r"\d+(\.\d{0,4}[1-9])?", text)
    assert math.isclose(float(text), score, abs_tol=0.5000001e-5, rel_tol=1e-12)
