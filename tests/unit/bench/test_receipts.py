"""The benchmark's own audit: a lost notebook does not go unnoticed."""

from __future__ import annotations

import hashlib

from tests.bench.posted_notebooks import NOTEBOOK_BYTES, PostedNotebooks
from tests.bench.receipts import Promise, broken

A, B = "a" * 64, "b" * 64
KEPT = [Promise("1", A, A), Promise("2", B, B)]


def test_promises_that_were_kept_are_no_news() -> None:
    assert broken(KEPT, {"1": A, "2": B}.get) == []


def test_an_entry_that_is_not_there_is_found() -> None:
    assert broken(KEPT, {"1": A}.get) == ["2: there is no whole entry"]


def test_an_entry_that_holds_something_else_is_found() -> None:
    assert broken(KEPT, {"1": A, "2": A}.get) == ["2: the entry holds something else than was sent"]


def test_a_receipt_for_something_else_is_found() -> None:
    assert broken([Promise("1", B, A)], {"1": A}.get) == [
        "1: the receipt is for something else than was sent"
    ]


def test_two_receipts_for_one_entry_are_found() -> None:
    assert broken([KEPT[0], KEPT[0]], {"1": A}.get) == ["1: two receipts have this id"]


def test_posted_notebooks_differ_and_are_as_large_as_they_are_said_to_be() -> None:
    notebooks = PostedNotebooks.of("demo101", "1", "lab01")
    first, second = notebooks.notebook(1), notebooks.notebook(2)
    assert first != second
    assert len(first) == len(second) == NOTEBOOK_BYTES
    assert notebooks.body(1) == b'{"nb":%b}' % first
    assert notebooks.sha256(1) == hashlib.sha256(first).hexdigest()
