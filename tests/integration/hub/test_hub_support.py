from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests.support.hub import Hub

if TYPE_CHECKING:
    from pathlib import Path


def test_a_hub_starts_knows_people_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with Hub(tmp_path) as hub:
        hub.make_user("ada", "class")
        token = hub.token_of("ada")
        headers = {"Authorization": f"token {token}"}
        told = httpx.get(f"{hub.api_url}/user", headers=headers).json()
        assert (told["name"], told["kind"], told["groups"]) == ("ada", "user", ["class"])
        with hub.signed_in("ada") as browser:
            assert browser.get(f"{hub.url}hub/token").status_code == 200
        children = psutil.Process(hub.process.pid).children(recursive=True)
        assert children
    assert not hub.process.returncode
    assert not any(child.is_running() for child in children)


def test_a_hub_that_cannot_start_shows_what_it_said(tmp_path: Path) -> None:
    with (
        pytest.raises(pytest.fail.Exception, match="no such spawner"),
        Hub(tmp_path, "raise ValueError('no such spawner')\n"),
    ):
        pass
