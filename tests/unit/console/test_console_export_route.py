"""Downloads: an export by its URL, streamed, its query read without trust."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gofer_console.exports.layouts import Layout
from gofer_console.exports.url_query import Wanted, from_query, to_query
from gofer_console.exports.writers import Format
from gofer_console.web.export_route import export_route
from shared.errors import ConfigError
from shared.gradebook.grade_filter import GradeFilter
from shared.model import Verdict
from tests.support.console_term import ConsoleTerm
from tests.support.told import HW02
from tests.support.xlsx import sheets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

EVERYTHING = Wanted(
    Layout.QUESTIONS,
    Format.XLSX,
    GradeFilter(
        courses=("demo 101", "a&b=c"),
        sections=("1",),
        assignments=("lab01",),
        students=("ada", "josé+x"),
        verdicts=(Verdict.GRADED, Verdict.CRASHED),
        flags=("cell_timeout",),
        score_from=0.1,
        score_to=9.5,
        percent_from=1e-7,
        percent_to=100.0,
        received_from=datetime(2026, 9, 1, tzinfo=UTC),
        received_before=datetime(2026, 9, 2, 12, tzinfo=UTC),
    ),
    old_zip=True,
)


@pytest.fixture
def term(tmp_path: Path) -> Iterator[ConsoleTerm]:
    made = ConsoleTerm(tmp_path)
    for student in ("=HYPERLINK(1)", "ben"):
        made.graded(made.submitted(student))
    made.graded(made.submitted("ben", HW02))
    yield made
    made.close()


def fetched(**query: str) -> httpx2.Response:
    app = Starlette(routes=[export_route("/console/")])
    return TestClient(app).get("/console/download/grades", params=query)


def rows_of(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


@pytest.mark.parametrize("wanted", [EVERYTHING, Wanted()])
def test_what_is_wanted_comes_back_from_its_query(wanted: Wanted) -> None:
    assert from_query(to_query(wanted)) == wanted


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"layout": "pdf"}, "'pdf'"),
        ({"format": "exe"}, "'exe'"),
        ({"verdict": "fine"}, "'fine'"),
        ({"min_score": "many"}, "min_score: 'many' is no number"),
        ({"min_score": "nan"}, "min-score"),
        ({"min_percent": "9", "max_percent": "1"}, "min-percent is above max-percent"),
        ({"received_from": "soon"}, "received-from: write a day"),
        ({"layout": "canvas", "format": "xlsx"}, "Canvas imports CSV"),
    ],
)
def test_a_query_that_cannot_be_used_is_named(
    term: ConsoleTerm, query: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError):
        from_query(list(query.items()))
    response = fetched(**query)
    assert response.status_code == 400
    assert said in response.text
    assert response.headers["content-type"].startswith("text/plain")


def test_csv_is_downloaded_with_formulas_made_text(term: ConsoleTerm) -> None:
    response = fetched(assignment="lab01", nobody_knows="this")
    assert [row["student"] for row in rows_of(response)] == ["'=HYPERLINK(1)", "ben"]
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["content-disposition"].startswith('attachment; filename="grades-gofer-')
    assert response.content.startswith("\ufeff".encode())


def test_filters_are_the_ones_of_the_gradebook(term: ConsoleTerm) -> None:
    assert len(rows_of(fetched(student="ben"))) == 2
    assert len(rows_of(fetched(student="ben", assignment="hw02"))) == 1
    assert len(rows_of(fetched(min_percent="99"))) == 0
    # The zip on the disk made no grade; hw02 has none there.
    assert {row["assignment"] for row in rows_of(fetched(old_zip="1"))} == {"lab01"}


def test_xlsx_is_downloaded_and_its_file_goes_away(
    term: ConsoleTerm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "volume"))
    response = fetched(format="xlsx", layout="wide")
    assert response.status_code == 200
    ((_, rows),) = sheets(io.BytesIO(response.content)).items()
    assert len(rows) == 3
    assert list((tmp_path / "volume").glob("gofer-export-*")) == []


def test_what_does_not_go_into_a_layout_is_said(term: ConsoleTerm) -> None:
    response = fetched(layout="edx")
    assert response.status_code == 422
    assert "one assignment at a time" in response.text


def test_without_a_gradebook_there_is_a_header_alone(tmp_path: Path) -> None:
    term = ConsoleTerm(tmp_path)
    term.close()
    for file in term.volume.glob("gradebook.db*"):
        file.unlink()
    assert rows_of(fetched()) == []


def test_more_than_one_piece_is_one_file(
    term: ConsoleTerm, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fetched().content
    monkeypatch.setattr("gofer_console.exports.streaming._PIECE", 1)
    assert fetched().content == whole
