"""What a notebook's source names that no exercise needs. Pure, and before anything is run.

Every notebook has `import otter`, `grader = otter.Notebook(...)`, `grader.check("q1")` and the
like; those say nothing. The inside of otter, the files of the tests and of the results, and ways to
reach into a running interpreter are worth a look. It is a hint for people and no proof: whoever
wants to hide a name can.

Source is read as tokens and not as a syntax tree, since a tree that is deep enough can take the
interpreter down (the documentation of `ast.parse` says so), and these sources are a stranger's.
"""

from __future__ import annotations

import io
import json
import re
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

TOKENS_MAX_CHARACTERS: Final = 200_000
"""Of a cell; a longer one, which nobody wrote by hand, is looked through as plain text."""
ALL_TOKENS_MAX_CHARACTERS: Final = 1_000_000
"""Of all cells of a notebook; what comes after so much is looked through as plain text, too. To
tokenize a million characters takes two seconds."""
_ERRORS_MAX: Final = 1000
"""Of all cells: what is no Python, which takes longer, is tokenized only so often."""
_CELLS_MAX: Final = 10
_WORDS_MAX: Final = 5
_WORD_MAX_CHARACTERS: Final = 60

_NAMES: Final = frozenset(
    {
        "Checker",
        "GradingResults",
        "OKTestFile",
        "ExceptionTestFile",
        "TestCaseResult",
        "check_if_not_already_checked",
        "create_test_file",
        "run_doctest",
        "OutputChecker",
        "DocTestRunner",
        "DocTestParser",
        "KeptResults",
        "test_case_results",
        "update_score",
        "_test_files",
        "_track_results",
        "__builtins__",
        "get_objects",
        "get_referrers",
        "_getframe",
        "currentframe",
        "settrace",
        "setprofile",
        "ctypes",
    }
)
_OF_OTTER: Final = frozenset({"Notebook", "export_notebook", "__version__", "ipynb"})
"""What students have of the package `otter`; `otter.ipynb` is a file."""
_TEXTS: Final = re.compile(
    r"""
      /autograder\b
    | \bresults\.pkl\b | \.pkl\.kept\b | \bresults\.json\b
    | \btests/[\w*?{}.-]*\.py\b | \btests/\*
    | \botter\.(?:execute|test_files|check|run|nbmeta_config|utils)\b
    | /proc/(?=self|\d|\{|\*|$)
    """,
    re.VERBOSE,
)
_TESTS_FOLDER: Final = re.compile(r"(?:\./|\.\./)*tests/?")
_OPENERS: Final = frozenset(
    {"listdir", "scandir", "walk", "glob", "iglob", "rglob", "Path", "chdir", "open"}
)
_IN_TEXT: Final = re.compile(
    rf"\b(?:{'|'.join(sorted(_NAMES))})\b|{_TEXTS.pattern}", re.VERBOSE | re.ASCII
)
_SHELL_LINE: Final = re.compile(r"^[^\S\n]*[!%].*$", re.MULTILINE)
_WIDE_GAP: Final = re.compile(r"[ \t\f]{120}")
"""Before what is no Python, `tokenize` begins anew at each character of a gap."""
_QUOTED: Final = re.compile(r"""(?s)[A-Za-z]*('''|\"\"\"|'|")(.*)\1""")
_STRINGS: Final = frozenset({"STRING", "FSTRING_MIDDLE"})
_SPACE: Final = frozenset({"NL", "NEWLINE", "INDENT", "DEDENT", "COMMENT"})


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What one cell names.

    Attributes:
        cell: its number in the notebook, from 1, text cells counted.
        words: what it names; parts of its source, printable ASCII.
    """

    cell: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


@dataclass(slots=True)
class _Patience:
    """What may still be tokenized of a notebook."""

    characters: int = ALL_TOKENS_MAX_CHARACTERS
    errors: int = _ERRORS_MAX


def suspicions(notebook: bytes) -> tuple[Suspicion, ...]:
    """Return the cells that name what no exercise needs, in order.

    Args:
        notebook: a valid one, as JSON.
    """
    found = []
    patience = _Patience()
    for number, cell in enumerate(json.loads(notebook)["cells"], start=1):
        if cell["cell_type"] == "code":
            words = tuple(dict.fromkeys(_shown(word) for word in _words(_source(cell), patience)))
            if words:
                found.append(Suspicion(number, words))
    return tuple(found)


def staff_sentences(found: Sequence[Suspicion]) -> str:
    """Say what there is to look at; nothing where there is nothing."""
    sentences = []
    for suspicion in found[:_CELLS_MAX]:
        words = [*suspicion.words[:_WORDS_MAX]]
        if len(suspicion.words) > _WORDS_MAX:
            words.append(f"{len(suspicion.words) - _WORDS_MAX} more")
        sentences.append(f"Cell {suspicion.cell} names {', '.join(words)}.")
    if len(found) > _CELLS_MAX:
        sentences.append(f"So do {len(found) - _CELLS_MAX} more cells.")
    return " ".join(sentences)


def _source(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _shown(word: str) -> str:
    return ascii(word)[1:-1][:_WORD_MAX_CHARACTERS]


def _words(source: str, patience: _Patience) -> Iterator[str]:
    is_python = not source.lstrip().startswith("%%") and _WIDE_GAP.search(source) is None
    if not is_python or len(source) > min(patience.characters, TOKENS_MAX_CHARACTERS):
        yield from _in_text(source)
        return
    patience.characters -= len(source)
    for line in _SHELL_LINE.findall(source):
        yield from _in_text(line)
    tokens, rest = _tokens(_SHELL_LINE.sub("", source), patience)
    yield from _in_tokens(tokens)
    yield from _in_text(rest)


def _in_text(text: str) -> Iterator[str]:
    for match in _IN_TEXT.finditer(text):
        yield match[0]


def _tokens(source: str, patience: _Patience) -> tuple[list[_Token], str]:
    """Return the tokens up to where it is no Python any more, and the text from there."""
    tokens: list[_Token] = []
    line = 1
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            kind = tokenize.tok_name[token.type]
            line = token.end[0]
            if kind not in _SPACE:
                tokens.append(_Token(kind, token.string))
            if kind == "ERRORTOKEN":
                patience.errors -= 1
                if patience.errors < 0:
                    return tokens, _from_line(source, line)
    except (tokenize.TokenError, SyntaxError, ValueError):
        return tokens, _from_line(source, line)
    return tokens, ""


def _from_line(source: str, line: int) -> str:
    return "\n".join(source.splitlines()[line - 1 :])


def _in_tokens(tokens: Sequence[_Token]) -> Iterator[str]:
    texts = ["", "", "", *(token.text for token in tokens), "", ""]
    knows_mock = False
    in_notebook = 0  # how deep inside the brackets of Notebook(...)
    for at, token in enumerate(tokens, start=3):
        before, after = texts[at - 3 : at], texts[at + 1 : at + 4]
        if in_notebook or (token.text == "(" and before[-1] == "Notebook"):
            in_notebook += {"(": 1, ")": -1}.get(token.text, 0)
        if token.kind == "NAME":
            knows_mock |= token.text == "mock"
            if knows_mock and token.text == "ANY":
                yield "mock.ANY"
            yield from _by_name(token.text, before, after)
            if token.text == "__eq__" and _equals_all(texts[at + 1 : at + 60]):
                yield "__eq__ that is always true"
        elif token.kind in _STRINGS and not in_notebook:
            yield from _by_string(token.text, before, after)


def _by_name(name: str, before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    if name in _NAMES:
        yield name
    elif name == "otter" and after[0] == "." and after[1] not in _OF_OTTER:
        yield f"otter.{after[1]}"
    elif before == ["from", "otter", "import"] and name not in _OF_OTTER:
        yield f"otter.{name}"
    elif name == "__main__" and before[-1] == "import":
        yield "__main__"
    elif name in {"check", "check_all"} and before[-1] == "." and after[0] == "=":
        if before[-2] != "self":
            yield f"{before[-2]}.{name} ="
    elif name == "builtins" and after[0] == "." and after[2] == "=":
        yield f"builtins.{after[1]} ="


def _by_string(literal: str, before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    quoted = _QUOTED.fullmatch(literal)
    text = quoted[2] if quoted else literal
    for match in _TEXTS.finditer(text):
        yield match[0]
    is_opened = before[-1] == "(" and before[-2] in _OPENERS
    if is_opened and _TESTS_FOLDER.fullmatch(text):
        yield text
    if text == "__main__" and before[-1] == "[" and after[0] == "]":
        yield "__main__"


def _equals_all(texts: Iterable[str]) -> bool:
    """Whether what follows `__eq__` is a function that returns True and does nothing else."""
    joined = " ".join(texts)
    return (
        re.match(
            r"\( [^()]* \) (?:-> \w+ )?: (?:(?:'[^']*'|\"+[^\"]*\"+) )?return True(?! [.(\[]|"
            r" (?:and|or|if|==|is|in)\b)",
            joined,
        )
        is not None
        or re.match(r"= lambda [^:]*: True(?! (?:and|or|if|==|is|in)\b)", joined) is not None
    )
