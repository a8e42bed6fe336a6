"""Entries that something outside has spoilt: refused when read, and still out of the way."""

from __future__ import annotations

import json
import os
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.errors import DamagedEntry
from shared.model import utc_now
from shared.spool import Place, Spool
from shared.spool.entry import ENVELOPE_MAX_BYTES
from tests.unit.shared.spool_entries import (
    NOTEBOOK,
    delivered,
    new_delivery,
    prepared_spool,
    whereabouts,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def spool(volume: Path) -> Spool:
    return prepared_spool(volume)


def _cut_notebook(directory: Path) -> None:
    (directory / "submission.ipynb").write_bytes(NOTEBOOK[:-1])


def _changed_notebook(directory: Path) -> None:
    (directory / "submission.ipynb").write_bytes(NOTEBOOK[::-1])


def _grown_notebook(directory: Path) -> None:
    (directory / "submission.ipynb").write_bytes(NOTEBOOK + b" ")


def _linked_notebook(directory: Path) -> None:
    (directory.parent.parent / "elsewhere").write_bytes(NOTEBOOK)
    (directory / "submission.ipynb").unlink()
    (directory / "submission.ipynb").symlink_to(directory.parent.parent / "elsewhere")


def _no_notebook(directory: Path) -> None:
    (directory / "submission.ipynb").unlink()


def _folder_as_notebook(directory: Path) -> None:
    _no_notebook(directory)
    (directory / "submission.ipynb").mkdir()


def _fifo_as_notebook(directory: Path) -> None:
    _no_notebook(directory)
    os.mkfifo(directory / "submission.ipynb")


def _no_envelope(directory: Path) -> None:
    (directory / "envelope.json").unlink()


def _empty_envelope(directory: Path) -> None:
    (directory / "envelope.json").write_bytes(b"")


def _huge_envelope(directory: Path) -> None:
    path = directory / "envelope.json"
    path.write_bytes(path.read_bytes() + b" " * ENVELOPE_MAX_BYTES)


def _binary_envelope(directory: Path) -> None:
    (directory / "envelope.json").write_bytes(b"\xff\x00" * 20)


def _linked_envelope(directory: Path) -> None:
    (directory / "envelope.json").rename(directory.parent.parent / "envelope.json")
    (directory / "envelope.json").symlink_to(directory.parent.parent / "envelope.json")


def _socket_as_envelope(directory: Path) -> None:
    _no_envelope(directory)
    here = os.open(directory, os.O_RDONLY)  # a socket's own path may not be long
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{here}/envelope.json")
    os.close(here)


def _envelope_of_another(directory: Path) -> None:
    other = new_delivery().envelope
    (directory / "envelope.json").write_text(other.model_dump_json())


def _envelope_of_no_time(directory: Path) -> None:
    path = directory / "envelope.json"
    content = json.loads(path.read_bytes())
    path.write_text(json.dumps({**content, "received_at": "9999-12-31T23:59:59-08:00"}))


def _envelope_with_an_unknown_field(directory: Path) -> None:
    path = directory / "envelope.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "extra": 1}))


def _extra_file(directory: Path) -> None:
    (directory / "extra.py").write_text("")


def _extra_folder(directory: Path) -> None:
    (directory / "extra").mkdir()
    (directory / "extra" / "file").write_text("")


def _linked_entry(directory: Path) -> None:
    directory.rename(directory.parent.parent / "moved")
    directory.symlink_to(directory.parent.parent / "moved")


def _file_as_entry(directory: Path) -> None:
    directory.rename(directory.parent.parent / "moved")
    directory.write_text("")


def _emptied_entry(directory: Path) -> None:
    for path in directory.iterdir():
        path.unlink()


def _tries_that_are_not_a_number(directory: Path) -> None:
    (directory / "tries.json").write_text('{"tries": -1}')


def _tries_in_a_folder(directory: Path) -> None:
    (directory / "tries.json").mkdir()
    (directory / "failure.json").mkdir()
    (directory / "failure.json" / "file").write_text("")


def _fresh_sidecars_in_folders(directory: Path) -> None:
    (directory / "tries.json.new").mkdir()
    (directory / "failure.json.new").mkdir()


DAMAGES_SEEN_BY_READ = [
    _linked_envelope,
    _no_notebook,
    _no_envelope,
    _empty_envelope,
    _huge_envelope,
    _binary_envelope,
    _socket_as_envelope,
    _envelope_of_another,
    _envelope_of_no_time,
    _envelope_with_an_unknown_field,
    _extra_file,
    _extra_folder,
    _linked_entry,
    _file_as_entry,
    _emptied_entry,
]
DAMAGES_SEEN_BY_NOTEBOOK = [
    _cut_notebook,
    _changed_notebook,
    _grown_notebook,
    _linked_notebook,
    _folder_as_notebook,
    _fifo_as_notebook,
]
DAMAGES_SEEN_BY_BEGIN_TRY = [
    _tries_that_are_not_a_number,
    _tries_in_a_folder,
    _fresh_sidecars_in_folders,
]


@pytest.mark.parametrize("damage", DAMAGES_SEEN_BY_READ)
def test_a_damaged_entry_is_not_read(spool: Spool, damage: Callable[[Path], None]) -> None:
    delivery = delivered(spool)
    damage(spool.new_dir / delivery.id)
    with pytest.raises(DamagedEntry):
        spool.read(delivery.id)


@pytest.mark.parametrize("damage", DAMAGES_SEEN_BY_NOTEBOOK)
def test_a_damaged_notebook_is_not_read(spool: Spool, damage: Callable[[Path], None]) -> None:
    delivery = delivered(spool)
    damage(spool.new_dir / delivery.id)
    entry = spool.read(delivery.id)
    with pytest.raises(DamagedEntry):
        entry.notebook()


@pytest.mark.parametrize("damage", DAMAGES_SEEN_BY_BEGIN_TRY)
def test_tries_that_cannot_be_counted_do_not_start_again(
    spool: Spool, damage: Callable[[Path], None]
) -> None:
    delivery = delivered(spool)
    damage(spool.new_dir / delivery.id)
    with pytest.raises(DamagedEntry):
        spool.begin_try(delivery.id)


@pytest.mark.parametrize(
    "damage", [*DAMAGES_SEEN_BY_READ, *DAMAGES_SEEN_BY_NOTEBOOK, *DAMAGES_SEEN_BY_BEGIN_TRY]
)
def test_an_entry_damaged_in_any_way_can_be_buried_listed_and_retried(
    spool: Spool, volume: Path, damage: Callable[[Path], None]
) -> None:
    delivery = delivered(spool)
    damage(spool.new_dir / delivery.id)
    before = utc_now() - timedelta(seconds=1)

    spool.bury(delivery.id, "It is damaged")
    assert spool.pending() == []
    assert spool.find(delivery.id) is Place.FAILED
    (failure,) = spool.failed()
    assert failure.id == delivery.id
    assert failure.reason
    assert failure.tries == 0
    assert before <= failure.buried_at <= utc_now() + timedelta(seconds=1)

    spool.retry(delivery.id)
    assert spool.pending() == [delivery.id]
    assert spool.failed() == []
    spool.bury(delivery.id, "It is still damaged")
    assert len(whereabouts(volume, delivery.id)) == 1


def test_burying_a_linked_entry_writes_nothing_through_the_link(spool: Spool) -> None:
    delivery = delivered(spool)
    _linked_entry(spool.new_dir / delivery.id)
    spool.bury(delivery.id, "It is a link")
    assert not (spool.new_dir.parent / "moved" / "failure.json").exists()


def test_the_error_of_a_damaged_envelope_does_not_quote_it(spool: Spool) -> None:
    delivery = delivered(spool)
    path = spool.new_dir / delivery.id / "envelope.json"
    path.write_text(path.read_text().replace('"dev"', '"nowhere-secret"'))
    with pytest.raises(DamagedEntry, match=r"payload: source") as caught:
        spool.read(delivery.id)
    assert "nowhere-secret" not in str(caught.value)
