"""What is printed stays what it is: no markup, no control sequences of others, nothing cut."""

from __future__ import annotations

import io

from rich.table import Table

from gofer_console import terminal


def test_control_sequences_of_others_do_not_reach_the_terminal() -> None:
    assert terminal.plain("a\x1b[2Jb\x07\r\nc\u202ed") == "a�[2Jb�\nc�d"


def test_accents_and_line_breaks_stay() -> None:
    assert terminal.plain("josé + Zoë\nMüller") == "josé + Zoë\nMüller"


def test_a_name_that_looks_like_markup_is_printed_as_it_is() -> None:
    written = io.StringIO()
    terminal._console(written).print("[red]ben[/red] :smile:")
    assert written.getvalue() == "[red]ben[/red] :smile:\n"


def test_nothing_is_cut_where_no_terminal_sets_a_width() -> None:
    written = io.StringIO()
    table = Table()
    table.add_column("student")
    table.add_row("[b]" + "x" * 300)
    terminal._console(written).print(table)
    assert "[b]" + "x" * 300 in written.getvalue()


def test_ids_of_one_minute_are_told_apart_by_their_short_form() -> None:
    assert terminal.short_id("0199a3b0-0000-7000-8000-00000badcafe") == "0badcafe"
