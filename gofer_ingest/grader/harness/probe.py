"""Runs in the notebook's own kernel, after the last check: what has the notebook changed?

The harness sends this file's text as a cell, and compares what comes back with what `fingerprints`
says in its own process, where no student's code runs. In the kernel all of it runs among the
notebook's own, so it sees what was left changed and not hidden from it; see the ADR on tamper
evidence for what it cannot see.
"""

from __future__ import annotations

import builtins
import contextlib
import hashlib
import importlib
import json
import signal
import sys
import time
import types
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODULES = (
    "doctest",
    "pickle",
    "otter.check.notebook",
    "otter.execute",
    "otter.execute.checker",
    "otter.nbmeta_config",
    "otter.test_files",
    "otter.test_files.abstract_test",
    "otter.test_files.exception_test",
    "otter.test_files.metadata_test",
    "otter.test_files.ok_test",
    "otter.utils",
)
"""Where what runs tests and writes results comes from."""
_DEBUGGER = "_OutputRedirectingPdb"
"""doctest's debugger: a kernel has another one underneath, and no test uses it."""
_KERNELS_OWN = {"__import__", "help", "input", "open", "print", "exit", "quit"}
"""Built-in names that a kernel, or a library without any malice, puts something else behind."""
_HEAP_TYPE = 1 << 9
"""CPython's flag of classes that were made at run time, as no built-in one is."""
_DEPTH_MAX = 6
_NAMES_MAX = 20
_VALUES_MAX = 5_000
_VALUE_S = 0.2
_PLAIN = (int, float, complex, str, bytes, bool, type(None), range, types.ModuleType)
_PLAIN += (type, types.FunctionType, types.BuiltinFunctionType)
_CONTAINERS = (list, tuple, set, frozenset)


class _TooLong(BaseException):
    """A comparison takes too long; not an Exception, so that fewer catch it."""


def fingerprints() -> dict[str, str]:
    """Return what stands behind each name in `MODULES` and of Python's own, as texts to compare."""
    found: dict[str, str] = {}
    for name in MODULES:
        module = importlib.import_module(name)
        found[name] = type(module).__qualname__
        for key, value in list(vars(module).items()):
            if key == _DEBUGGER:
                continue
            _note(found, f"{name}.{key}", value)
            if isinstance(value, type) and value.__module__ == name:
                found[f"{name}.{key}()"] = " ".join(base.__qualname__ for base in value.__mro__)
                for attribute, held in list(vars(value).items()):
                    _note(found, f"{name}.{key}.{attribute}", held)
    for key, value in list(vars(builtins).items()):
        if key not in _KERNELS_OWN:
            _note(found, f"builtins.{key}", value)
    return found


def _note(found: dict[str, str], key: str, value: Any) -> None:
    described = _described(value, 0)
    if described:
        found[key] = described


def _described(value: Any, depth: int) -> str:
    """Say what a value does when it is called or looked up; nothing of plain data."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if depth <= _DEPTH_MAX:
        if isinstance(value, type):
            return _class_text(value)
        if kind in _TEXTS:
            return _TEXTS[kind](value, depth)
        wrapped = getattr(value, "__wrapped__", None)
        if wrapped is not None:
            return f"{name} of {_described(wrapped, depth + 1)}"
    return name if callable(value) or hasattr(kind, "__get__") else ""


def _function_text(value: types.FunctionType, depth: int) -> str:
    parts = [
        str(value.__globals__.get("__name__")),
        _digest(code_text(value.__code__)),
        _digest(_data(value.__defaults__), _data(value.__kwdefaults__)),
    ]
    parts += [_described(_content(cell), depth + 1) for cell in value.__closure__ or ()]
    return f"function {' '.join(parts)}"


def _method_text(value: Any, depth: int) -> str:
    return f"{type(value).__qualname__} {_described(value.__func__, depth + 1)}"


def _property_text(value: property, depth: int) -> str:
    each = [_described(one, depth + 1) for one in (value.fget, value.fset, value.fdel)]
    return f"property {' / '.join(each)}"


def _built_in_text(value: Any, _depth: int) -> str:
    return f"built-in {value.__module__}.{value.__qualname__}"


def _module_text(value: types.ModuleType, _depth: int) -> str:
    return f"module {value.__name__} {value is sys.modules.get(value.__name__)}"


def _class_text(value: type) -> str:
    home = sys.modules.get(value.__module__)
    is_at_home = getattr(home, value.__qualname__, None) is value
    at = f"{value.__module__}.{value.__qualname__}"
    return f"class {at} {is_at_home} {bool(value.__flags__ & _HEAP_TYPE)}"


_TEXTS: dict[type, Callable[[Any, int], str]] = {
    types.FunctionType: _function_text,
    classmethod: _method_text,
    staticmethod: _method_text,
    property: _property_text,
    types.BuiltinFunctionType: _built_in_text,
    types.ModuleType: _module_text,
}


def code_text(code: types.CodeType) -> str:
    """Return all that a code object does, and nothing of where it stands."""
    return repr(
        (
            code.co_code,
            code.co_names,
            code.co_varnames,
            code.co_freevars,
            code.co_cellvars,
            code.co_flags,
            code.co_argcount,
            code.co_kwonlyargcount,
            code.co_posonlyargcount,
            code.co_exceptiontable,
            [_constant(one) for one in code.co_consts],
        )
    )


def _constant(value: Any) -> str:
    if isinstance(value, types.CodeType):
        return code_text(value)
    if isinstance(value, frozenset):  # in another order in every process
        return f"frozenset {sorted(map(repr, value))}"
    if isinstance(value, tuple):
        return f"tuple {[_constant(one) for one in value]}"
    return f"{type(value).__qualname__} {value!r}"


def _data(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_data, value))})"
    if isinstance(value, dict):
        return f"({', '.join(f'{key}={_data(one)}' for key, one in value.items())})"
    return repr(value) if type(value) in {int, float, str, bool} else type(value).__qualname__


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is empty
        return None


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode(errors="replace")).hexdigest()[:16]


def always_equal(names: dict[str, Any], all_s: float) -> list[str]:
    """Return the names whose values, or what these hold, equal an object they have never seen.

    Args:
        names: of the notebook, and their values.
        all_s: how long it may compare altogether, seconds.
    """
    found: list[str] = []
    ends_at = time.monotonic() + all_s
    with _clocked() as start, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in _looked_at(names):
            if len(found) == _NAMES_MAX or time.monotonic() > ends_at:
                break
            start()
            if name not in found and not _is_mocks_own(name, value) and _equals_anything(value):
                found.append(name)
    return found


def _looked_at(names: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield values under their names, and what lists, tuples, sets and dicts of them hold."""
    left = _VALUES_MAX
    passed_over = {*_PLAIN, *_CONTAINERS, dict, *_tables()}
    for name, value in list(names.items()):
        held = [value]
        if type(value) in _CONTAINERS:
            held = list(value)[:_VALUES_MAX]
        elif type(value) is dict:
            held = list(value.values())[:_VALUES_MAX]
        for one in held:
            if type(one) in passed_over:
                continue
            left -= 1
            if left < 0:
                return
            yield name, one


def _tables() -> Iterator[type]:
    """Yield classes whose values compare each of their elements, which may be a great many."""
    for module, kind in (
        ("numpy", "ndarray"),
        ("pandas", "DataFrame"),
        ("pandas", "Series"),
        ("pandas", "Index"),
    ):
        found = getattr(sys.modules.get(module), kind, None)
        if isinstance(found, type):
            yield found


def _is_mocks_own(name: str, value: Any) -> bool:
    """Whether it is `unittest.mock.ANY` under the name it was imported by, as no test asks for."""
    mock = sys.modules.get("unittest.mock")
    return name == "ANY" and mock is not None and value is vars(mock).get("ANY")


def _equals_anything(value: Any) -> bool:
    try:
        told = value == object()
        # tables and queries of libraries answer with another of theirs, which may well be true
        is_answer = isinstance(told, int | str) or type(told).__name__ in {"bool_", "bool"}
        return bool(told) and (is_answer or type(told).__module__ == "__main__")
    except _TooLong:
        return False
    except Exception:  # noqa: BLE001 - arrays and tables refuse, and anything may
        return False


@contextlib.contextmanager
def _clocked() -> Iterator[Any]:
    """Give each comparison its time, and all of them theirs; the kernel's alarm stays as it was."""

    def ring(_signal: int, _frame: Any) -> None:
        raise _TooLong

    earlier = signal.signal(signal.SIGALRM, ring)
    try:
        yield lambda: signal.setitimer(signal.ITIMER_REAL, _VALUE_S)
    except _TooLong:  # between two of them
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)


def report(path: str, nonce: str, kept: str, all_s: float) -> None:
    """Write what was found.

    Args:
        path: of the file to write; there is one as a rule, and room in it.
        nonce: the run's word for it, which no file that lay there before can hold.
        kept: name of the class that collects otter's results.
        all_s: how long to compare values, seconds.
    """
    from IPython import get_ipython  # noqa: PLC0415 - the kernel has it
    from otter.execute import Checker  # noqa: PLC0415 - as it is now

    collector = type(Checker.get_results())
    found = {
        "nonce": nonce,
        "always_equal": always_equal(dict(get_ipython().user_ns), all_s),
        "fingerprints": fingerprints(),
        "collector": collector_text(collector) if collector.__qualname__ == kept else "",
    }
    data = json.dumps(found).encode("ascii")
    place = Path(path)
    # into the room that was set aside for it, which a full disk leaves as it is
    with place.open("r+b" if place.exists() else "wb") as file:
        file.write(data)
        file.truncate()


def collector_text(collector: type) -> str:
    """Return what the methods of the list do into which otter collects results."""
    methods = {
        name: _digest(code_text(value.__code__))
        for name, value in vars(collector).items()
        if isinstance(value, types.FunctionType)
    }
    return json.dumps(methods, sort_keys=True)
