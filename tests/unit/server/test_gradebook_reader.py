from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.server import gradebook_reader
from gofer_ingest.server.gradebook_reader import GradebookReader
from shared.errors import GradebookError
from shared.gradebook.queries import counts
from tests.unit.shared.gradebook_samples import fresh_gradebook, graded, record, submitted

if TYPE_CHECKING:
    from pathlib import Path


def submissions_in(reader: GradebookReader) -> int | None:
    found = reader.ask(counts)
    return None if found is None else found.submissions


def actions(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.action for record in caplog.records if hasattr(record, "action")]


def test_no_gradebook_yet_is_no_error_and_one_that_comes_is_found(tmp_path: Path) -> None:
    reader = GradebookReader(tmp_path, None)
    assert submissions_in(reader) is None
    writer = fresh_gradebook(tmp_path)
    assert submissions_in(reader) == 0
    record(writer, submitted(), graded(1))
    assert submissions_in(reader) == 1
    writer.dispose()
    reader.close()
    assert submissions_in(reader) == 1
    reader.close()


def test_a_damaged_one_is_an_error_said_once_until_it_is_mended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradebook_reader, "AGAIN_AFTER_S", 0.0)
    file = tmp_path / "gradebook.db"
    file.write_bytes(b"no database" * 100)
    reader = GradebookReader(tmp_path, None)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            with pytest.raises(GradebookError):
                reader.ask(counts)
        assert actions(caplog) == ["gradebook.unreadable"]
        file.unlink()
        fresh_gradebook(tmp_path).dispose()
        assert submissions_in(reader) == 0
        assert actions(caplog) == ["gradebook.unreadable", "gradebook.readable"]
    reader.close()


def test_where_it_failed_it_is_left_alone_for_a_while(tmp_path: Path) -> None:
    (tmp_path / "gradebook.db").write_bytes(b"no database" * 100)
    reader = GradebookReader(tmp_path, None)
    with pytest.raises(GradebookError, match="not a database"):
        reader.ask(counts)
    with pytest.raises(GradebookError, match="a moment ago"):
        reader.ask(counts)


def test_one_that_is_damaged_while_it_is_open_is_opened_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradebook_reader, "AGAIN_AFTER_S", 0.0)
    fresh_gradebook(tmp_path).dispose()
    reader = GradebookReader(tmp_path, None)
    assert submissions_in(reader) == 0
    kept = (tmp_path / "gradebook.db").read_bytes()
    (tmp_path / "gradebook.db").write_bytes(b"no database" * 100)
    with pytest.raises(GradebookError):
        reader.ask(counts)
    (tmp_path / "gradebook.db").write_bytes(kept)
    assert submissions_in(reader) == 0
    reader.close()


def test_an_address_of_no_database_is_an_error_of_the_gradebook(tmp_path: Path) -> None:
    reader = GradebookReader(tmp_path, "mysql://user:hunter2@host/db")
    with pytest.raises(GradebookError) as error:
        reader.ask(counts)
    assert "hunter2" not in str(error.value)
