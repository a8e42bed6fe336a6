from __future__ import annotations

import re
import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.server.identity.cookie_secret import kept_secret

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    made = kept_secret(folder)
    assert re.fullmatch(r"[0-9a-f]{64}", made)
    assert kept_secret(folder) == made
    assert kept_secret(tmp_path / "other") != made
    assert stat.S_IMODE((folder / "cookie_secret").stat().st_mode) == 0o600


def test_processes_that_start_together_get_the_same(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        assert len(set(processes.map(kept_secret, [tmp_path / "index"] * 8))) == 1


@pytest.mark.parametrize("left", [b"", b"abc", b"\xff" * 64, b"0" * 63, b"0" * 65, b"Z" * 64])
def test_what_is_no_key_is_replaced(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "cookie_secret").write_bytes(left)
    made = kept_secret(tmp_path)
    assert re.fullmatch(r"[0-9a-f]{64}", made)
    assert kept_secret(tmp_path) == made


def test_one_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "cookie_secret").write_text("0" * 64)
    (tmp_path / "cookie_secret").chmod(0o644)
    kept_secret(tmp_path)
    assert stat.S_IMODE((tmp_path / "cookie_secret").stat().st_mode) == 0o600


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("0" * 64)
    (tmp_path / "cookie_secret").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="cookie_secret"):
        kept_secret(tmp_path)
