"""Notebooks that are damaged in many ways, made from the sample course's submissions.

Everything is deterministic: the same names stand for the same bytes in each run. What is sent
carries `MARK` wherever somebody might put a name or a text of their own, so that a test sees
whether any of it comes back.
"""

from __future__ import annotations

import base64
import copy
import gzip
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUBMISSIONS: Final = Path(__file__).parents[3] / "examples" / "demo101" / "submissions"
MARK: Final = "hostile"
SCRIPT: Final = f"<script>alert('{MARK}')</script>"
WORDS: Final = ("course", "section", "assignment")

OTHER_TYPES: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**400,
    "",
    "x",
    SCRIPT,
    [],
    {},
    [[]],
    [None],
    ["x", 5],
    {"x": {}},
    [{"cell_type": "code", "source": ["x", None]}],
)

NAMES: Final = (
    SCRIPT,
    f'"><img src=x onerror={MARK}>',
    f"javascript:{MARK}",
    MARK + "x" * 4096,
    "../../../etc/passwd",
    "..\\..\\" + MARK,
    "/etc/passwd",
    "lab01/../../" + MARK,
    f"lab01\x00{MARK}",
    f"lab01\r\nX-{MARK}: 1",
    f"\u202e{MARK}",
    "\ud800" + MARK,
    "{0.__class__}%s%n${jndi:ldap://x}{{7*7}}" + MARK,
    f"' OR 1=1 --{MARK}",
    "lab01" + "\u0301" * 300,
    "\ufeff" + MARK,
    "*",
    "con",
)


def bases() -> dict[str, dict[str, Any]]:
    """The sample submissions, by file name."""
    found = {path.stem: json.loads(path.read_bytes()) for path in sorted(SUBMISSIONS.iterdir())}
    assert len(found) >= 10
    return found


def written(content: object) -> bytes:
    return json.dumps(content, indent=1).encode()


# --- damage to the bytes ------------------------------------------------------------------------


def truncated(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body))]


def flipped(body: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def spliced(body: bytes, chance: random.Random) -> bytes:
    """Some bytes put in, or some taken out."""
    at = chance.randrange(len(body))
    put = chance.choice(
        (b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\\u0000", b'"', b"}", b"NaN", b"")
    )
    return body[:at] + put + body[at + chance.randrange(20) :]


def encoded_otherwise(body: bytes, chance: random.Random) -> bytes:
    text = body.decode("utf-8", "replace")
    return chance.choice(
        (
            text.encode("utf-16"),
            text.encode("utf-16-le"),
            text.encode("utf-32"),
            text.replace("cell", "zëll").encode("latin-1", "replace"),
            b"\xef\xbb\xbf" + body,
            b"\xef\xbb\xbf" * 2 + body,
            gzip.compress(body, mtime=0),
            base64.b64encode(body),
            f"nb={text}".encode(),
            body + body,
            body + b"\x00",
            b"\x00" + body,
            b")]}',\n" + body,
            f"callback({text})".encode(),
        )
    )


def repeated_keys(body: bytes, chance: random.Random) -> bytes:
    """JSON that says one thing and then another."""
    key = chance.choice(("cells", "metadata", "nbformat", "nb", SCRIPT))
    value = json.dumps(chance.choice(OTHER_TYPES)).encode()
    more = json.dumps(key).encode() + b": " + value
    return (
        body.replace(b"{", b"{" + more + b", ", 1)
        if chance.random() < 0.5
        else body.rstrip().removesuffix(b"}") + b", " + more + b"}"
    )


def numbers(body: bytes, chance: random.Random) -> bytes:
    """Numbers that are too large, too long, or none."""
    number = chance.choice(
        (b"1e999", b"-1e999", b"NaN", b"-Infinity", b"9" * 5000, b"4e0", b"-0", b"1e-999", b"0x4")
    )
    key = chance.choice((b'"nbformat"', b'"nbformat_minor"', b'"x"'))
    return body.replace(b"{", b"{" + key + b": " + number + b", ", 1)


def nested(body: bytes, chance: random.Random) -> bytes:
    """Lists or objects within each other, closed or not."""
    depth = chance.choice((90, 99, 100, 101, 500, 990, 1100, 20_000))
    opened, closed = chance.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")))
    inner = opened * depth + b"0" + closed * (depth if chance.random() < 0.8 else 0)
    key = chance.choice((b'"x"', b'"cells"', b'"metadata"', b'"nb"'))
    return body.replace(b"{", b"{" + key + b": " + inner + b", ", 1)


# --- damage to the structure --------------------------------------------------------------------


def of_other_types(notebook: dict[str, Any], chance: random.Random) -> object:
    where: dict[str, Any] = chance.choice((notebook, notebook["metadata"], *notebook["cells"][:6]))
    key = chance.choice(sorted(where) or ["x"])
    if chance.random() < 0.2:
        where.pop(key, None)
    else:
        where[key] = copy.deepcopy(chance.choice(OTHER_TYPES))
    return notebook


def of_other_names(notebook: dict[str, Any], chance: random.Random) -> object:
    place: dict[str, Any] = chance.choice((notebook["metadata"], {}))
    for word in WORDS:
        place.setdefault(word, "1")
    place[chance.choice((*WORDS, "lab"))] = chance.choice(NAMES)
    if place is not notebook["metadata"]:
        notebook["metadata"][chance.choice(("gofer", "otter_service"))] = place
    return notebook


def with_script(notebook: dict[str, Any], chance: random.Random) -> object:
    """Text that a page must not run, in places that are kept as they are."""
    name = chance.choice(NAMES)
    for where in (notebook, notebook["metadata"], *notebook["cells"][:3]):
        if chance.random() < 0.5:
            where[name] = chance.choice(NAMES)
    for cell in notebook["cells"][:3]:
        cell["source"] = [f"{SCRIPT}\n", name]
        cell["id"] = name
    return notebook


def in_a_wrong_wrapper(notebook: dict[str, Any], chance: random.Random) -> object:
    return chance.choice(
        (
            {"nb": json.dumps(notebook)},
            {"nb": {"nb": notebook}},
            {"nb": [notebook]},
            {"nb": None},
            {"NB": notebook},
            {"notebook": notebook},
            {"nb": notebook, "cells": []},
            {"nb": notebook, SCRIPT: SCRIPT, "student": MARK, "course": "other"},
            [notebook],
            [[notebook]],
            json.dumps(notebook),
            {"content": notebook, "type": "notebook", "path": "../../" + MARK},
        )
    )


def of_many_cells(notebook: dict[str, Any], chance: random.Random) -> object:
    cell = {"cell_type": "raw", "metadata": {}, "source": SCRIPT}
    notebook["cells"] += [cell] * chance.choice((4900, 5000, 5001, 20_000))
    return notebook


ON_BYTES: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (
    truncated,
    flipped,
    spliced,
    encoded_otherwise,
    repeated_keys,
    numbers,
    nested,
)
ON_STRUCTURE: Final[tuple[Callable[[dict[str, Any], random.Random], object], ...]] = (
    of_other_types,
    of_other_names,
    with_script,
    in_a_wrong_wrapper,
    of_many_cells,
)


def corpus() -> Iterator[tuple[str, bytes]]:
    """Each sample damaged in each of the ways, by a name that says which."""
    for stem, notebook in bases().items():
        for on_structure in ON_STRUCTURE:
            for number in range(3):
                name = f"{stem}: {on_structure.__name__} {number}"
                damaged = on_structure(copy.deepcopy(notebook), random.Random(name))
                yield name, written(damaged)
        for on_bytes in ON_BYTES:
            for number in range(2):
                name = f"{stem}: {on_bytes.__name__} {number}"
                yield name, on_bytes(written(notebook), random.Random(name))
