"""A notebook's bytes as cells to show, whatever is wrong with them. Pure, and takes only JSON.

`nbformat` refuses what it finds invalid; staff want to see just those notebooks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from gofer_console.notebook_html import limits
from gofer_console.notebook_html.outputs import Output, image_url, output_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LANGUAGES: Final = {"python": "ipython3", "r": "r", "julia": "julia"}
_LEFT_OUT: Final = "This notebook has more than is shown here. Download it to see the rest."


class NotReadable(ValueError):
    """These bytes are no notebook; the text says why, in words of ours."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Attributes:
        source: of the student's, cut where it is very long.
        count: the number in its brackets; None where it was not run.
        images: those attached to it, by their names, as `data:` URLs.
        note: what of it is not shown; empty where all is.
    """

    kind: Literal["code", "markdown", "raw"]
    source: str
    count: int | None
    outputs: tuple[Output, ...]
    images: Mapping[str, str]
    note: str


@dataclass(frozen=True, slots=True)
class Notebook:
    """What is shown of a notebook.

    Attributes:
        lexer: for the code, by its name in Pygments.
        note: what of it is not shown; empty where all is.
    """

    cells: tuple[Cell, ...]
    lexer: str
    note: str


class _Room:
    """How much more may be shown."""

    def __init__(self) -> None:
        self._text = limits.TEXT_CHARACTERS
        self._images = limits.IMAGE_CHARACTERS

    def takes(self, *, text: int = 0, images: int = 0) -> bool:
        if text > self._text or images > self._images:
            return False
        self._text -= text
        self._images -= images
        return True


def read_notebook(data: bytes) -> Notebook:
    """Read a notebook.

    Raises:
        NotReadable: it is not JSON, or nothing like a notebook.
    """
    if len(data) > limits.INPUT_BYTES:
        raise NotReadable(f"It has {len(data) / 1e6:,.0f} MB, which is too much to show.")
    try:
        written = json.loads(data)
    except (ValueError, RecursionError):
        raise NotReadable("It is not JSON, so it is damaged or was cut off.") from None
    cells = written.get("cells") if isinstance(written, dict) else None
    if not isinstance(cells, list):
        raise NotReadable("It has no cells.")
    room = _Room()
    shown = tuple(_cell(cell, room) for cell in cells[: limits.CELLS] if isinstance(cell, dict))
    beyond = len(cells) - limits.CELLS
    is_cut = beyond > 0
    note = f"{beyond:,} more cells are not shown here. Download it to see them." if is_cut else ""
    return Notebook(shown, _lexer(written), note)


def _lexer(written: Mapping[str, Any]) -> str:
    name: Any = written.get("metadata")
    for part in ("language_info", "name"):
        name = name.get(part) if isinstance(name, dict) else None
    return _LANGUAGES.get(name.lower() if isinstance(name, str) else "", "ipython3")


def _cell(written: Mapping[str, Any], room: _Room) -> Cell:
    source, beyond = limits.cut(text_of(written.get("source")), limits.SOURCE_CHARACTERS)
    note = f"{beyond:,} characters of this cell are not shown here." if beyond else ""
    if not room.takes(text=len(source)):
        source, note = "", _LEFT_OUT
    kind = written.get("cell_type")
    known: Literal["code", "markdown", "raw"] = (
        "code" if kind == "code" else "markdown" if kind == "markdown" else "raw"
    )
    outputs: tuple[Output, ...] = ()
    if known == "code" and isinstance(written.get("outputs"), list):
        outputs = tuple(_outputs(written["outputs"], room))
    count = written.get("execution_count")
    return Cell(
        kind=known,
        source=source,
        count=count if isinstance(count, int) and 0 <= count < 10**9 else None,
        outputs=outputs,
        images=_attached(written.get("attachments"), room) if known == "markdown" else {},
        note=note,
    )


def _outputs(written: list[Any], room: _Room) -> Iterator[Output]:
    for one in written[: limits.OUTPUTS]:
        output = output_of(one)
        if output is None:
            continue
        size = len(output.content)
        is_image = output.kind == "image"
        if not room.takes(text=0 if is_image else size, images=size if is_image else 0):
            yield Output("nothing", note=_LEFT_OUT)
            return
        yield output
    beyond = len(written) - limits.OUTPUTS
    if beyond > 0:
        yield Output("nothing", note=f"{beyond:,} more outputs of this cell are not shown here.")


def _attached(written: Any, room: _Room) -> dict[str, str]:
    found = {}
    for name, forms in written.items() if isinstance(written, dict) else ():
        for mime, content in forms.items() if isinstance(forms, dict) else ():
            url = image_url(mime, content)
            if url is not None and room.takes(images=len(url)):
                found[name] = url
    return found
