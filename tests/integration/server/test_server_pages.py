from __future__ import annotations

import gzip
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import httpx
import pytest

from shared.model import AssignmentKey, QuestionSpec, Verdict, new_submission_id
from tests.integration.server.conftest import running_server
from tests.support.told import Term

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.server.conftest import Server

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SCRIPT = "<script>alert(1)</script>"
HOSTILE = [
    SCRIPT,
    '"onload="alert(1)',
    "'><img src=x onerror=alert(1)>",
    "{{ 1 + 1 }}{% raw 1 %}",
    "&lt;b&gt;&#x22;",
    "</title></main><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "שלום עליכם",  # letters that run the other way
    "a" * 255,
]
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
OURS = set(
    re.findall(
        r"\w+",
        """html head meta title link script body a header div img p span bdi form button main h1 h2
        h3 ol ul li b code time template nav article section svg rect table thead tbody tfoot tr
        th td dl dt dd input label""",
    )
)
VOID = {"meta", "link", "img", "input", "br", "rect"}


class Page(HTMLParser):
    """What a browser makes of a page: its elements with their attributes, and its text."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        self.feed(answer.text)
        self.close()
        assert self._open == [], "elements are left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def check_inert(self) -> None:
        """Nothing but our own file is run, and nothing comes from elsewhere."""
        for tag, attributes in self.elements:
            assert tag in OURS
            assert not any(name.startswith("on") for name in attributes)
            assert "style" not in attributes
            for name in ("src", "href", "action"):
                value = attributes.get(name) or "/"
                assert value.startswith(("/services/gofer_nb/", "#")) or value == "/"
        assert [tag for tag, _ in self.elements].count("script") == 1


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Term]]:
    folder = tmp_path_factory.mktemp("pages")
    term = Term(folder / "volume")
    config = folder / "course.toml"
    names = "\n".join(
        f'[courses.demo101.sections.1.assignments.{json.dumps(name)}]\nautograder = "x.zip"'
        for name in ["lab01", *HOSTILE]
    )
    config.write_text(names)
    with running_server(folder, COURSE_CONFIG_PATH=str(config)) as server:
        yield server, term
    term.close()


def page(server: Server, path: str = "", student: str | None = "ada") -> Page:
    return Page(server.get(path, student, **BROWSER))


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_is_taken_for_markup(taught: tuple[Server, Term], name: str) -> None:
    server, term = taught
    key = AssignmentKey("demo101", "1", name)
    questions = (QuestionSpec(name, 2.0, hidden=False), QuestionSpec("x", 1.0, hidden=True))
    graded, failed = term.submitted(name, key), term.submitted(name, key)
    term.graded(graded, (1.0, 0.5), questions)
    term.failed(failed, Verdict.CRASHED, f"It stopped at {name}")
    for path in ("", f"submissions/{graded}", f"submissions/{failed}", "submissions"):
        shown = page(server, path, name)
        shown.check_inert()
        assert name in shown.text
    one = page(server, f"submissions/{graded}", name)
    assert one.words.count(name) >= 3  # reader, assignment, question
    assert f"It stopped at {name}" in page(server, f"submissions/{failed}", name).text


@pytest.mark.parametrize("name", HOSTILE)
def test_grades_without_a_submission_are_shown_as_text(
    taught: tuple[Server, Term], name: str
) -> None:
    server, term = taught
    student = f"given {HOSTILE.index(name)}"
    term.override(student, AssignmentKey("demo101", "1", name), f"We looked: {name}")
    shown = page(server, "", student)
    shown.check_inert()
    assert "Grades without a submission" in shown.text
    assert f"9 of 10 points. They say: We looked: {name}" in shown.text
    (given,) = server.get("submissions", student).json()["grades_without_submission"]
    assert (given["assignment"], given["grade"]) == (name, 9)
    assert given["grade_text"].endswith(name)
    assert "not for the student" not in shown.text


@pytest.mark.parametrize(
    "path",
    [
        f"submissions/{SCRIPT}",
        f"static/{SCRIPT}",
        f"?before={SCRIPT}",
        f"{SCRIPT}?{SCRIPT}",
        "submissions/00000000-0000-7000-8000-000000000000",
    ],
)
@pytest.mark.parametrize("student", [None, "ada", SCRIPT])
def test_nothing_of_a_request_is_taken_for_markup(
    taught: tuple[Server, Term], path: str, student: str | None
) -> None:
    server, _ = taught
    answer = server.get(path, student, Referer=SCRIPT, User_Agent=SCRIPT, **BROWSER)
    assert answer.status_code in {400, 401, 404}
    Page(answer).check_inert()
    assert "alert" not in answer.text.replace("%3C", "<") or student == SCRIPT


def test_a_name_that_cannot_be_used_gets_a_page_that_says_so(taught: tuple[Server, Term]) -> None:
    server, _ = taught
    answer = server.get("", "a\u202eb<script>", **BROWSER)
    assert answer.status_code == 400
    shown = Page(answer)
    shown.check_inert()
    assert "U+202E" in shown.text


def test_a_page_has_landmarks_a_language_and_one_heading(taught: tuple[Server, Term]) -> None:
    server, term = taught
    mine = term.submitted("wanda")
    for path in ("", f"submissions/{mine}", "nowhere"):
        shown = page(server, path, "wanda")
        tags = [tag for tag, _ in shown.elements]
        assert ("html", {"lang": "en"}) in shown.elements
        assert [tags.count(tag) for tag in ("header", "main", "h1", "title")] == [1, 1, 1, 1]
        ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
        assert len(ids) == len(set(ids))


def test_times_are_told_for_people_and_for_programs(taught: tuple[Server, Term]) -> None:
    server, term = taught
    mine = term.submitted("xenia")
    received_at = term.spool.envelope_of(mine).received_at
    shown = page(server, f"submissions/{mine}", "xenia")
    assert ("time", {"datetime": received_at.isoformat(timespec="seconds")}) in shown.elements
    assert f"{received_at:%B %Y, %H:%M} UTC" in shown.text


def test_the_page_of_one_is_its_receipt(taught: tuple[Server, Term]) -> None:
    server, term = taught
    mine = term.submitted("yuri")
    shown = page(server, f"submissions/{mine}", "yuri")
    envelope = term.spool.envelope_of(mine)
    for word in (mine, mine[-8:], envelope.payload.sha256, "lab01", "demo101", "Waiting"):
        assert word in shown.text


def test_an_empty_page_says_how_it_is_filled(taught: tuple[Server, Term]) -> None:
    server, _ = taught
    assert "Press Submit in your notebook" in page(server, "", "nobody yet").text


def test_older_submissions_are_on_pages_of_their_own(taught: tuple[Server, Term]) -> None:
    server, term = taught
    mine = [term.submitted("zoe") for _ in range(35)]
    for submission_id in mine:
        term.graded(submission_id)
    seen: list[str] = []
    path: str | None = ""
    while path is not None:
        shown = page(server, path, "zoe")
        seen += [str(a["data-id"]) for tag, a in shown.elements if tag == "li" and a["data-id"]]
        links = [str(a["href"]) for tag, a in shown.elements if tag == "a"]
        path = next((link for link in links if "before=" in link), None)
    assert seen == mine[::-1]


def test_a_full_page_fits_a_slow_connection(taught: tuple[Server, Term]) -> None:
    server, term = taught
    for _ in range(15):
        term.submitted("wes")
    shown = server.get("", "wes", **BROWSER)
    parts = [str(a.get("href") or a.get("src")) for tag, a in Page(shown).elements if tag != "a"]
    statics = {part for part in parts if "/static/" in part}
    assert len(statics) == 3
    sizes = [
        int(server.get(part, None, Accept_Encoding="gzip").headers["Content-Length"])
        for part in statics
    ]
    assert shown.text.count("<li ") == 16  # and one for the script to copy
    assert len(shown.content) + sum(sizes) < 20_000


# --- what is asked for, and what is given ---------------------------------------------------------


def test_programs_and_old_buttons_get_what_they_always_got(taught: tuple[Server, Term]) -> None:
    server, term = taught
    mine = term.submitted("vera")
    for accept in ("*/*", "application/json", ""):
        answer = server.get(f"submissions/{mine}", "vera", Accept=accept)
        assert answer.headers["Content-Type"] == "application/json"
        assert "default-src 'none'; frame-ancestors" in answer.headers["Content-Security-Policy"]
    assert server.get("", None, Accept="*/*").headers["Content-Type"].startswith("text/plain")


def test_both_are_told_apart_by_what_is_accepted(taught: tuple[Server, Term]) -> None:
    server, term = taught
    mine = term.submitted("uli")
    for path in ("", f"submissions/{mine}", "submissions", "nowhere"):
        assert "Accept" in server.get(path, "uli", **BROWSER).headers["Vary"]


def test_a_head_request_says_what_a_page_has(taught: tuple[Server, Term]) -> None:
    server, _ = taught
    asked = {"X-Gofer-Student": "head", **BROWSER}
    whole, head = httpx.get(server.url, headers=asked), httpx.head(server.url, headers=asked)
    assert head.content == b""
    for name in ("Content-Type", "Content-Length", "Content-Security-Policy"):
        assert head.headers[name] == whole.headers[name]


def test_a_posted_notebook_is_never_answered_with_a_page(server: Server) -> None:
    for content in (b"{", b"[]"):
        answer = server.post(content, **BROWSER)
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


# --- statics --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gofer.css", "text/css; charset=utf-8"),
        ("gofer.js", "text/javascript; charset=utf-8"),
        ("gofer.svg", "image/svg+xml"),
    ],
)
def test_statics_have_their_type_and_are_kept(server: Server, name: str, kind: str) -> None:
    plain = server.get(f"static/{name}", None, Accept_Encoding="identity")
    packed = server.get(f"static/{name}", None, Accept_Encoding="gzip")
    for answer in (plain, packed):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "public, no-cache"
        assert answer.headers["Vary"] == "Accept-Encoding"
    assert plain.content == packed.content  # the client has unpacked it
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(gzip.compress(plain.content, mtime=0))
    assert plain.headers["ETag"] != packed.headers["ETag"]
    again = server.get(
        f"static/{name}", None, Accept_Encoding="identity", If_None_Match=plain.headers["ETag"]
    )
    assert (again.status_code, again.content) == (304, b"")


def test_pages_name_statics_by_their_content_so_that_they_are_kept_for_good(
    server: Server,
) -> None:
    address = next(
        str(a["href"]) for tag, a in page(server).elements if a.get("rel") == "stylesheet"
    )
    assert "immutable" in server.get(address, None).headers["Cache-Control"]
    other = address.partition("?")[0] + "?v=0123"
    assert "immutable" not in server.get(other, None).headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["static/", "static/frame.html", "static/../frame.html", "static/%2e%2e/rows.py"]
)
def test_nothing_else_lies_there(server: Server, path: str) -> None:
    assert server.get(path, None).status_code == 404


def test_others_ids_get_the_same_page_as_none(taught: tuple[Server, Term]) -> None:
    server, term = taught
    theirs = server.get(f"submissions/{term.submitted('tom')}", "mallory", **BROWSER)
    unknown = server.get(f"submissions/{new_submission_id()}", "mallory", **BROWSER)
    assert theirs.status_code == unknown.status_code == 404
    assert theirs.content == unknown.content
