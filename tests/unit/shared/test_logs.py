from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from shared.logs import set_up_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("gofer.test")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    logging.captureWarnings(capture=False)
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)


def test_json_lines_hold_the_message_and_every_extra_field(
    capfd: pytest.CaptureFixture[str],
) -> None:
    set_up_logging("info", "json")
    log.info("Accepted a submission", extra={"action": "submit.accepted", "size_bytes": 12})
    line = json.loads(capfd.readouterr().err)
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "gofer.test",
        "message": "Accepted a submission",
        "action": "submit.accepted",
        "size_bytes": 12,
    }


def test_text_lines_hold_the_same(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", "text")
    log.info("Accepted", extra={"action": "submit.accepted", "student": "a b"})
    assert capfd.readouterr().err.endswith(
        'INFO    Accepted action=submit.accepted student="a b"\n'
    )


@pytest.mark.parametrize("chosen", ["text", "json"])
def test_a_name_cannot_forge_a_line(capfd: pytest.CaptureFixture[str], chosen: str) -> None:
    set_up_logging("info", chosen)
    log.info("Hello", extra={"student": "x\nERROR forged\r\x1b[31m\u2028y", "empty": ""})
    written = capfd.readouterr().err
    assert len(written.splitlines()) == 1
    assert "\x1b" not in written


@pytest.mark.parametrize("chosen", ["text", "json"])
def test_an_exception_comes_with_its_traceback(
    capfd: pytest.CaptureFixture[str], chosen: str
) -> None:
    set_up_logging("info", chosen)
    nothing: dict[str, str] = {}
    try:
        nothing["the reason"]
    except KeyError:
        log.exception("It failed")
    written = capfd.readouterr().err
    assert "KeyError: 'the reason'" in written
    assert all(line.startswith((" ", "2", "{")) for line in written.splitlines())


def test_auto_is_json_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", "auto")
    log.info("Hello")
    assert json.loads(capfd.readouterr().err)["message"] == "Hello"


def test_the_level_hides_what_is_below_it(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logging("warning", "text")
    log.info("Not this")
    log.warning("But this")
    assert capfd.readouterr().err.count("\n") == 1


def test_setting_it_up_again_does_not_write_twice(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", "text")
    set_up_logging("info", "text")
    log.info("Once")
    assert capfd.readouterr().err.count("Once") == 1


def test_what_jupyterhubs_client_logs_through_tornados_logger_is_not_written(
    capfd: pytest.CaptureFixture[str],
) -> None:
    from jupyterhub.services import auth  # noqa: PLC0415 - a detail of one test

    set_up_logging("debug", "text")
    tornados = logging.getLogger("tornado.application")
    theirs = tornados.makeRecord(
        tornados.name, logging.ERROR, auth.__file__, 1, "a token", (), None
    )
    tornados.handle(theirs)
    tornados.error("an exception in a callback")
    written = capfd.readouterr().err
    assert "a token" not in written
    assert "an exception in a callback" in written


@pytest.mark.parametrize("format_name", ["text", "json"])
def test_marks_stand_on_every_line_and_hide_nothing(
    format_name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    set_up_logging("info", format_name, {"server_process": 2})
    logging.getLogger("anyone").warning("Hello", extra={"action": "a"})
    logging.getLogger("anyone").warning("Hello", extra={"server_process": 7})
    first, second = capfd.readouterr().err.splitlines()
    mark = '"server_process": {}' if format_name == "json" else "server_process={}"
    assert mark.format(2) in first
    assert mark.format(7) in second
