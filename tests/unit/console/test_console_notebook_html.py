"""An untrusted notebook as a page: what is in it is seen, and nothing of it runs or loads."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from gofer_console.notebook_html import limits
from gofer_console.notebook_html.cleaning import cleaned
from gofer_console.notebook_html.rendering import rendered
from tests.support.hostile_notebook import PNG, hostile_notebook, markdowns, probes

if TYPE_CHECKING:
    from collections.abc import Iterable

ELSEWHERE = "http://elsewhere.example/"
RUNNING = frozenset(
    [
        "script",
        "iframe",
        "object",
        "embed",
        "form",
        "input",
        "button",
        "svg",
        "image",
        "use",
        "meta",
        "base",
        "link",
        "video",
        "audio",
        "a",
        "template",
        "textarea",
        "style",
        "title",
        "noscript",
        "portal",
        "frame",
        "frameset",
        "applet",
        "annotation-xml",
    ]
)
OURS = frozenset({"style", "title", "meta"})


class Tags(HTMLParser):
    """Every tag of a page with its attributes, as a lenient reader finds them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def body_of(page: str) -> str:
    assert page.count("<main>") == 1
    return page[page.index("<main>") :]


def assert_harmless(html: str) -> None:
    for tag, attributes in Tags(html).found:
        assert tag not in RUNNING, tag
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in {"href", "srcset", "action", "formaction", "background", "id"}
            if name == "src":
                assert (value or "").startswith(
                    ("data:image/png;", "data:image/jpeg;", "data:image/gif;")
                )
            if name == "style":
                assert "url" not in (value or "")
                assert "position" not in (value or "")


def notebook(*cells: dict[str, Any], **more: Any) -> bytes:
    written = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more}
    return json.dumps(written).encode()


def markdown(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source, **more}


def code(*outputs: dict[str, Any], source: str = "x = 1") -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": 7,
        "metadata": {},
        "source": source,
        "outputs": list(outputs),
    }


def displayed(**data: Any) -> dict[str, Any]:
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {
            name.replace("__", "/").replace("_xml", "+xml"): text for name, text in data.items()
        },
    }


def shown(*cells: dict[str, Any]) -> str:
    return body_of(rendered(notebook(*cells)))


def test_everything_hostile_at_once_is_harmless() -> None:
    page = rendered(hostile_notebook(ELSEWHERE))
    assert_harmless(body_of(page))
    assert [tag for tag, _ in Tags(page).found if tag in RUNNING] == ["meta", "title", "style"]
    assert page.endswith("</main></body></html>")


@pytest.mark.parametrize("probe", probes(ELSEWHERE))
def test_hostile_html_is_harmless(probe: str) -> None:
    assert_harmless(cleaned(probe))
    assert_harmless(shown(code(displayed(text__html=probe))))


@pytest.mark.parametrize("source", list(markdowns(ELSEWHERE)))
def test_hostile_markdown_is_harmless(source: str) -> None:
    assert_harmless(shown(markdown(source)))


def test_a_cell_that_leaves_tags_open_or_closes_ours_does_not_reach_into_the_next() -> None:
    page = shown(markdown("<div><b><table><tr><td>"), markdown("</div></section></main>second"))
    assert page.count("<section") == page.count("</section>") == 2
    assert '<section aria-label="Cell 2">' in page


def test_a_notebook_is_seen_as_it_is() -> None:
    page = shown(
        markdown("# Title\n\nSome *text*.\n\n| a | b |\n|---|---|\n| 1 | 2 |"),
        code(
            {"output_type": "stream", "name": "stdout", "text": ["one\n", "\x1b[31mtwo\x1b[0m"]},
            displayed(text__html="<table><tr><th>h</th></tr></table>", text__plain="plain"),
            displayed(image__png=PNG, text__plain="<Figure>"),
            {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["line 1", "E: v"]},
            source="def f():\n    return 1",
        ),
        {"cell_type": "raw", "metadata": {}, "source": "raw <b>"},
    )
    assert "<h1>Title</h1>" in page
    assert "<em>text</em>" in page
    assert "<td>2</td>" in page
    assert "[7]" in page
    assert '<span class="k">def</span>' in page
    assert '<span class="ansi-red-fg">two</span>' in page
    assert "<th>h</th>" in page
    assert f'src="data:image/png;base64,{PNG}"' in page
    assert "E: v" in page
    assert "raw &lt;b&gt;" in page
    assert "plain" not in page
    assert "Figure" not in page


def test_formulas_are_drawn_where_the_markdown_has_them_and_not_in_code() -> None:
    page = shown(
        markdown("So $x^2$ and\n\n$$\\frac{a}{b}$$\n\n\\begin{align}a&=b\\end{align}"),
        markdown("`$y$`\n\n```\n$z$\n```"),
        code(displayed(text__latex="$\\displaystyle \\alpha$")),
    )
    assert page.count("<math") == 4
    assert "<mfrac>" in page
    assert '<math display="block">' in page
    assert "$y$" in page
    assert "$z$" in page


@pytest.mark.parametrize("tex", ["\\frac{", "{{{", "^", "\\left(", "x" * 5000, "\\begin{align}"])
def test_a_formula_that_cannot_be_drawn_is_shown_as_it_was_written(tex: str) -> None:
    page = shown(markdown(f"before ${tex}$ after"))
    assert tex[:20] in page or "<math" in page
    assert "before" in page
    assert "after" in page


def test_links_lead_nowhere_and_say_where_they_would() -> None:
    page = shown(markdown("[our site](https://example.edu/a) and https://example.org/b"))
    assert "<a" not in page
    assert "our site" in page
    assert "(https://example.edu/a)" in page
    assert "https://example.org/b" in page


def test_attached_images_are_shown() -> None:
    cell = markdown("![plot](attachment:p.png)", attachments={"p.png": {"image/png": PNG}})
    assert f'<img src="data:image/png;base64,{PNG}" alt="plot">' in shown(cell)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (displayed(image__svg_xml="<svg/>"), "A drawing (SVG) is not shown"),
        (displayed(application__javascript="1"), "What a script would draw is not shown"),
        (displayed(text__html="<script>1</script>"), "Parts of this output are not shown"),
        (displayed(image__png="!!"), "An image is damaged"),
        (displayed(image__png=PNG[4:]), "An image is damaged"),
        (
            {"output_type": "display_data", "data": {"application/vnd.plotly.v1+json": {}}},
            "An interactive output is not shown",
        ),
        (
            {
                "output_type": "display_data",
                "data": {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Slider()"},
            },
            "An interactive widget is not shown",
        ),
    ],
)
def test_what_is_not_shown_is_named(output: dict[str, Any], said: str) -> None:
    page = shown(code(output))
    assert said in page
    assert "<img" not in page


def test_a_picture_stands_in_for_what_only_a_script_would_draw() -> None:
    page = shown(code(displayed(text__html="<script>1</script>", image__png=PNG)))
    assert "data:image/png" in page


def damaged() -> Iterable[bytes]:
    whole = notebook(markdown("# A"), code(displayed(text__html="<b>b</b>")))
    yield from (whole[: len(whole) // 2], b"", b"\x00\xff\xfe", b"null", b"[]", b'"cells"', b"{}")
    yield b"[" * 100_000
    yield b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    yield b'{"cells": {}}'
    yield b'{"cells": [NaN, 1e999, ' + b"9" * 5000 + b"]}"
    yield notebook(None, 1, "x", [], {}, {"cell_type": None}, {"cell_type": []})  # type: ignore[arg-type]
    yield notebook({"cell_type": "code", "source": {"a": 1}, "outputs": "x", "execution_count": -1})
    yield notebook({"cell_type": "code", "source": [1, None, "x"], "outputs": [1, [], {}, None]})
    weird: tuple[Any, ...] = (
        None,
        1,
        "x",
        [],
        [1],
        {"text/html": {"a": []}},
        {"image/png": [1]},
        {"": ""},
    )
    for written in weird:
        yield notebook(code({"output_type": "display_data", "data": written}))
        yield notebook(code({"output_type": "error", "traceback": written}))
        yield notebook(code({"output_type": "stream", "text": written}))
        yield notebook(markdown("![x](attachment:a)", attachments={"a": written}))
        yield notebook(markdown("x", attachments=written))
        yield notebook(markdown("x"), metadata={"language_info": written})
    yield notebook(markdown("\ud800 lone \x00 nul")).replace(b"\\u0000", b"\\u0000")


@pytest.mark.parametrize("data", list(damaged()), ids=range(len(list(damaged()))))
def test_a_damaged_notebook_is_still_a_page(data: bytes) -> None:
    page = rendered(data)
    page.encode()
    assert page.endswith("</main></body></html>")
    assert_harmless(body_of(page))


def test_a_notebook_that_was_cut_off_says_so_and_shows_its_text() -> None:
    whole = notebook(markdown("the answer is forty-two"))
    page = rendered(whole[:-30])
    assert "damaged or was cut off" in page
    assert "the answer is forty-two" in page


def test_a_thousand_cells_are_shown_and_the_rest_is_counted() -> None:
    cells = [code(source=f"x = {number}") for number in range(limits.CELLS + 5)]
    page = shown(*cells)
    assert page.count("<section") == limits.CELLS
    assert "5 more cells are not shown" in page


def test_an_output_of_ten_megabytes_is_cut_in_its_middle() -> None:
    text = "begin" + "y" * 10_000_000 + "the end"
    page = shown(code({"output_type": "stream", "name": "stdout", "text": text}))
    assert len(page) < 2 * limits.OUTPUT_CHARACTERS
    assert "begin" in page
    assert "the end" in page
    assert "characters of this output are not shown" in page


def test_a_table_of_ten_megabytes_is_shown_as_cut_text() -> None:
    page = shown(code(displayed(text__html="<table>" + "<tr><td>1</td></tr>" * 500_000)))
    assert len(page) < 5 * limits.OUTPUT_CHARACTERS
    assert "&lt;td&gt;" in page


def test_many_large_outputs_are_shown_until_there_is_enough() -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "y" * limits.OUTPUT_CHARACTERS}
    ] * (limits.OUTPUTS + 50)
    page = shown(code(*outputs))
    assert len(page) < 2 * limits.TEXT_CHARACTERS
    assert "This notebook has more than is shown here" in page


def test_many_small_outputs_are_counted() -> None:
    outputs = [{"output_type": "stream", "name": "stdout", "text": "y"}] * (limits.OUTPUTS + 50)
    assert "50 more outputs of this cell are not shown" in shown(code(*outputs))


def test_the_pages_own_style_is_the_only_one() -> None:
    page = rendered(notebook(markdown("<style>body { display: none }</style>text")))
    assert page.count("<style>") == 1
    assert "display: none" not in page
    assert "background: #fff" in page
