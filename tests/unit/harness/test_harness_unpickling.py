"""The results file and the log records are written where the student's code can write too."""

from __future__ import annotations

import copyreg
import io
import logging.handlers
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import otter.execute
import otter.execute.logging
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from otter.nbmeta_config import NBMetadataConfig
from otter.test_files import GradingResults, create_test_file

from gofer_ingest.grader.harness import unpickling
from gofer_ingest.grader.harness.unpickling import (
    ALLOWED_CLASSES,
    checked_tests,
    guard_otter,
    load,
    loads,
)
from tests.support.zips import ok_test

EXCEPTION_TEST = """OK_FORMAT = False
from otter.test_files import test_case
name = "q2"
points = 3

@test_case(hidden=True)
def test_total(total):
    assert total == 5
"""


class Call:
    """An object whose pickle calls `function` when it is loaded."""

    def __init__(self, function: Any, *arguments: object) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> Any:
        return self._call


def named(module: str, name: str) -> bytes:
    """A pickle of whatever is called `name` in `module`, by the opcode of protocol 4."""
    texts = b"".join(
        b"\x8c" + len(text.encode()).to_bytes(1, "little") + text.encode()
        for text in (module, name)
    )
    return b"\x80\x04" + texts + b"\x93."


@pytest.fixture
def results(tmp_path: Path) -> Any:
    """Results of one test file of each format, run as a kernel runs them."""
    files = []
    for name, source in {"q1": ok_test("q1", "total == 5"), "q2": EXCEPTION_TEST}.items():
        path = tmp_path / f"{name}.py"
        path.write_text(source)
        test_file = create_test_file(str(path), NBMetadataConfig())
        test_file.run({"total": 5})
        files.append(test_file)
    return GradingResults(files)


# --- what is let in -------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_otters_own_results_come_through(results: Any, protocol: int) -> None:
    loaded = loads(pickle.dumps(results, protocol))
    assert {name: test.score for name, test in loaded.results.items()} == {"q1": 1.0, "q2": 3}
    assert loaded.to_dict().keys() == {"q1", "q2"}


def test_log_records_of_otters_come_through() -> None:
    record = logging.LogRecord("otter", logging.INFO, "check.py", 1, "checked %s", ("q1",), None)
    handler = logging.handlers.SocketHandler("localhost", 0)
    data = handler.makePickle(record)[4:]
    handler.close()
    assert logging.makeLogRecord(loads(data)).getMessage() == "checked q1"


@settings(max_examples=50, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda children: st.lists(children) | st.dictionaries(st.text(), children),
        max_leaves=5,
    )
)
def test_plain_values_come_through(value: object) -> None:
    assert loads(pickle.dumps(value)) == value


@pytest.mark.parametrize("module_and_name", ALLOWED_CLASSES, ids=lambda pair: pair[1])
def test_each_allowed_class_is_found_by_its_own_name_alone(
    module_and_name: tuple[str, str],
) -> None:
    assert loads(named(*module_and_name)) is ALLOWED_CLASSES[module_and_name]
    with pytest.raises(pickle.UnpicklingError):
        loads(named("otter", module_and_name[1]))


# --- what is not ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("builtins", "object"),
        ("copyreg", "_reconstructor"),
        ("copyreg", "__newobj__"),
        ("functools", "partial"),
        ("operator", "attrgetter"),
        ("pickle", "loads"),
        ("otter.test_files", "GradingResults.__init__"),
        ("otter.test_files", "GradingResults.from_ottr_json"),
        ("otter.test_files", "GradingResults.__init__.__globals__"),
        ("otter.test_files", "pickle.loads"),
        ("otter.test_files.exception_test", "ExceptionTestFile.from_string"),
        ("otter.test_files.exception_test", "test_case.call_func"),
        ("otter.test_files.exception_test", "TestCase"),
        ("otter.test_files.ottr_test", "OttrTestFile"),
        ("", ""),
    ],
)
def test_everything_else_is_refused(module: str, name: str) -> None:
    with pytest.raises(pickle.UnpicklingError, match="no place in a result"):
        loads(named(module, name))
    if "\n" not in module + name:
        with pytest.raises(pickle.UnpicklingError):
            loads(f"c{module}\n{name}\n.".encode())


def test_a_pickle_that_would_run_code_runs_none(tmp_path: Path) -> None:
    marker = tmp_path / "was-here"
    code = f"open({str(marker)!r}, 'w').close()"
    for payload in (Call(exec, code), [{"q1": Call(eval, code)}], (1, Call(exec, code))):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(pickle.UnpicklingError):
                loads(pickle.dumps(payload, protocol))
    assert not marker.exists()


def test_code_inside_otters_results_is_refused(results: Any) -> None:
    results.results["q1"].test_case_results[0].message = Call(exec, "pass")
    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.exec"):
        loads(pickle.dumps(results))


def test_a_module_is_not_even_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_module_of_a_student.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(pickle.UnpicklingError):
        loads(named("a_module_of_a_student", "anything"))
    assert "a_module_of_a_student" not in sys.modules


def test_a_registered_extension_is_no_way_around() -> None:
    copyreg.add_extension("os", "system", 240)
    try:
        with pytest.raises(pickle.UnpicklingError):
            loads(b"\x80\x02\x82\xf0.")
    finally:
        copyreg.remove_extension("os", "system", 240)


@pytest.mark.parametrize("data", [b"\x80\x04\x8c\x01xQ.", b"Px\n."], ids=["binary", "text"])
def test_a_reference_to_something_outside_is_refused(data: bytes) -> None:
    with pytest.raises(pickle.UnpicklingError, match="nothing outside"):
        loads(data)


def test_results_over_the_limit_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpickling, "RESULTS_MAX_BYTES", 1000)
    fits, large = pickle.dumps(b"x" * 900), pickle.dumps(b"x" * 1100)
    assert load(io.BytesIO(fits)) == b"x" * 900
    with pytest.raises(pickle.UnpicklingError, match="over 1000 bytes"):
        load(io.BytesIO(large))


# --- otter's modules ------------------------------------------------------------------------------


def test_otters_runner_and_its_log_server_unpickle_through_the_guard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (otter.execute, otter.execute.logging):
        monkeypatch.setattr(module, "pickle", pickle)  # put back after the test
    guard_otter()
    with pytest.raises(pickle.UnpicklingError):
        otter.execute.pickle.load(io.BytesIO(named("os", "system")))
    handler = otter.execute.logging.LogRecordStreamHandler
    with pytest.raises(pickle.UnpicklingError):
        handler.unpickle(None, named("os", "system"))


def test_an_otter_that_unpickles_elsewhere_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otter.execute, "pickle", pickle)
    monkeypatch.delattr(otter.execute.logging, "pickle")
    with pytest.raises(RuntimeError, match="look again"):
        guard_otter()


# --- what a file of results says is checked -------------------------------------------------------


def test_the_tests_of_a_results_file_are_told_by_their_paths(results: Any, tmp_path: Path) -> None:
    path = tmp_path / "results.pkl"
    path.write_bytes(pickle.dumps(results))
    assert checked_tests(path) == [test_file.path for test_file in results.results.values()]


def test_what_a_notebook_put_in_the_results_place_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "results.pkl"
    assert checked_tests(path) == []
    path.mkdir()
    assert checked_tests(path) == []
    path.rmdir()
    os.mkfifo(path)
    assert checked_tests(path) == []
    path.unlink()
    (tmp_path / "elsewhere").write_bytes(pickle.dumps(GradingResults([])))
    path.symlink_to(tmp_path / "elsewhere")
    assert checked_tests(path) == []
    path.unlink()
    for content in (b"", b"\x80", pickle.dumps({"q1": 10}), pickle.dumps(Call(os.mkdir, "x"))):
        path.write_bytes(content)
        assert checked_tests(path) == []
    assert not Path("x").exists()
