"""The Submit button's setting on the server's side, without a server."""

from __future__ import annotations

import importlib.util
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from traitlets import TraitError
from traitlets.config import Config, Configurable

from tests.support.submit_button import SOURCE


@pytest.fixture
def gofer_submit(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.delenv("GOFER_URL", raising=False)
    spec = importlib.util.spec_from_file_location(
        "gofer_submit", SOURCE / "gofer_submit" / "__init__.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class JupyterServer(Configurable):
    """The little of a Jupyter server that the extension sees."""

    def __init__(self, **config: Any) -> None:
        super().__init__(config=Config(config))
        self.web_app = SimpleNamespace(settings={})

    @property
    def page_config(self) -> dict[str, str]:
        return dict(self.web_app.settings.get("page_config_data", {}))


def test_without_a_setting_the_pages_say_nothing(gofer_submit: ModuleType) -> None:
    server = JupyterServer()
    gofer_submit._load_jupyter_server_extension(server)
    assert server.page_config == {}


def test_the_environment_says_where_notebooks_go(
    gofer_submit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFER_URL", " https://gofer.example.edu/services/gofer_nb/ ")
    server = JupyterServer()
    gofer_submit._load_jupyter_server_extension(server)
    assert server.page_config == {"goferUrl": "https://gofer.example.edu/services/gofer_nb/"}


def test_the_servers_configuration_goes_before_the_environment(
    gofer_submit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFER_URL", "https://old.example.edu/")
    server = JupyterServer(GoferSubmit={"url": "/services/grading/"})
    gofer_submit._load_jupyter_server_extension(server)
    assert server.page_config == {"goferUrl": "/services/grading/"}


def test_what_other_extensions_put_into_the_pages_stays(gofer_submit: ModuleType) -> None:
    server = JupyterServer(GoferSubmit={"url": "/services/grading/"})
    server.web_app.settings["page_config_data"] = {"other": "value"}
    gofer_submit._load_jupyter_server_extension(server)
    assert server.page_config == {"other": "value", "goferUrl": "/services/grading/"}


@pytest.mark.parametrize("url", ["gofer.example.edu", "ftp://x/", "javascript:0", "//elsewhere/"])
def test_an_address_that_cannot_be_one_is_refused(
    gofer_submit: ModuleType, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("GOFER_URL", url)
    with pytest.raises(TraitError, match="address of the submission service"):
        gofer_submit._load_jupyter_server_extension(JupyterServer())
