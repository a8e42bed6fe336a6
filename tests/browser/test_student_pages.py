from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from shared.model import AssignmentKey, QuestionSpec, Verdict, utc_now
from tests.browser.accessibility import faint_texts, faults, has_sideways_scroll
from tests.browser.conftest import DESKTOP, PHONE, Watch
from tests.integration.server.conftest import running_server
from tests.support.told import HW02, LAB01, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.browser.conftest import OpenPage
    from tests.integration.server.conftest import Server

    Visit = Callable[..., Page]

LOOKS = [
    pytest.param(viewport, scheme, id=f"{name}-{scheme}")
    for name, viewport in (("phone", PHONE), ("desktop", DESKTOP))
    for scheme in ("light", "dark")
]
HOSTILE = '<img src=x onerror="document.title=1">'
LONG = "x" * 255


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Term]]:
    """A server whose grader is played; each test has a student of its own."""
    folder = tmp_path_factory.mktemp("pages")
    config = folder / "course.toml"
    config.write_text(
        "\n".join(
            f'[courses.demo101.sections.1.assignments.{json.dumps(name)}]\nautograder = "x.zip"'
            for name in ("lab01", "hw02", HOSTILE, LONG)
        )
        + '\npublish = "2999-12-01T18:00:00+01:00"\n'
    )
    term = Term(folder / "volume")
    with running_server(folder, COURSE_CONFIG_PATH=str(config), GOFER_STAFF="tess") as server:
        yield server, term
    term.close()


@pytest.fixture
def term(taught: tuple[Server, Term]) -> Term:
    taught[1].announced()
    return taught[1]


@pytest.fixture
def visit(taught: tuple[Server, Term], open_page: OpenPage) -> Iterator[Visit]:
    """Visit the server as somebody. Afterwards no page may have done what none should do."""
    server, _ = taught
    origin = server.url.removesuffix(server.prefix)
    watches: list[Watch] = []

    def visited(student: str, path: str = "", **options: Any) -> Page:
        headers = {"X-Gofer-Student": student}
        page = open_page(**{"extra_http_headers": headers, **options})
        watches.append(Watch(page))
        page.goto(server.url + path)
        if options.get("java_script_enabled", True):
            page.evaluate("window.isTheSame = true")
        return page

    yield visited
    for watch in watches:
        assert watch.errors == []
        assert watch.elsewhere(origin) == []


def is_the_same(page: Page) -> bool:
    """Whether the page was not loaded anew."""
    return bool(page.evaluate("window.isTheSame === true"))


# --- live -----------------------------------------------------------------------------------------


def test_the_list_follows_a_submission_to_its_score_without_a_reload(
    term: Term, visit: Visit
) -> None:
    mine = term.submitted("ada")
    page = visit("ada")
    row = page.locator("li.row")
    expect(row.locator("[data-part=label]")).to_have_text("Waiting")
    expect(row.locator("[data-part=message]")).to_contain_text("in line")
    term.announced(mine)
    expect(row.locator("[data-part=label]")).to_have_text("Being graded")
    term.graded(mine)
    expect(row.locator("[data-part=label]")).to_have_text("Graded")
    expect(row.locator("[data-part=score]")).to_have_text("7.5 of 10")
    expect(page.get_by_role("status")).to_have_text("lab01: Graded: 7.5 of 10 points.")
    assert is_the_same(page)


def test_the_page_of_one_follows_it_to_its_questions_without_a_reload(
    term: Term, visit: Visit
) -> None:
    mine = term.submitted("ben")
    page = visit("ben", f"submissions/{mine}")
    expect(page.get_by_role("heading", name="Questions")).to_be_hidden()
    term.graded(mine)
    table = page.get_by_role("table")
    expect(table).to_be_visible()
    rows = [" ".join(row.split()) for row in table.locator("tr").all_inner_texts()]
    assert rows[-3:] == ["q1 2 of 2", "q3 4 of 4", "Questions with hidden tests 1.5 of 4"]
    expect(page.locator(".result .score")).to_have_text("7.5 of 10 points")
    expect(page.get_by_text("Your notebook was graded.")).to_be_visible()
    expect(page).to_have_title("Graded: lab01 · Gofer")
    assert is_the_same(page)
    live = page.locator("article").inner_text()
    page.reload()
    assert page.locator("article").inner_text() == live


def test_one_that_failed_is_told_live_as_well(term: Term, visit: Visit) -> None:
    mine, other = term.submitted("cleo"), term.submitted("cleo", HW02)
    page = visit("cleo")
    term.failed(mine, Verdict.OUT_OF_MEMORY, "Your notebook used more memory than it has.")
    row = page.locator(f"[data-id='{mine}']")
    expect(row.locator("[data-part=label]")).to_have_text("Out of memory")
    expect(row.locator("[data-part=score]")).to_be_hidden()
    expect(page.get_by_role("status")).to_contain_text("more memory than it has")
    term.spool.bury(other, "x")
    expect(page.get_by_role("status")).to_contain_text("our failure, not yours")


def test_one_that_is_sent_meanwhile_appears_at_the_top(term: Term, visit: Visit) -> None:
    term.submitted("dan")
    page = visit("dan")
    newer = term.submitted("dan", HW02)
    first = page.locator("li.row").first
    expect(first).to_have_attribute("data-id", newer)
    expect(first.locator("[data-part=attempt]")).to_have_text("attempt 1")
    first.get_by_role("link", name="hw02").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("hw02")


def test_what_comes_live_is_text_and_never_markup(term: Term, visit: Visit) -> None:
    waiting = term.submitted("eva", AssignmentKey("demo101", "1", HOSTILE))
    page = visit("eva", f"submissions/{waiting}")
    asked = page.evaluate("document.title")
    questions = (QuestionSpec(HOSTILE, 2.0, hidden=False),)
    term.graded(waiting, (1.0,), questions)
    expect(page.locator("tbody th")).to_have_text(HOSTILE)
    assert asked != "1"
    page.goto(page.url.rpartition("submissions/")[0])
    term.submitted("eva")
    page.reload()
    term.submitted("eva", AssignmentKey("demo101", "1", HOSTILE))
    expect(page.locator("li.row")).to_have_count(3)
    expect(page.locator("li.row h2").first).to_have_text(HOSTILE)
    assert page.locator("main img").count() == 0


# --- how often it asks ----------------------------------------------------------------------------


STEP_MS = 500
TIMES_OF_POLLS = """
  window.startedAt = Date.now();
  window.askedAt = [];
  window.answeredAt = [];
  const ask = window.fetch;
  window.fetch = async (...all) => {
    window.askedAt.push(Date.now());
    const answer = await ask(...all);
    window.answeredAt.push(Date.now());
    return answer;
  };
"""


def polls(page: Page) -> list[str]:
    """Collect what the page asks for from now on."""
    asked: list[str] = []
    page.on(
        "request",
        lambda request: asked.append(request.url) if request.resource_type == "fetch" else None,
    )
    return asked


def pass_by(page: Page, seconds: int) -> None:
    """Let a page's clock run."""
    for _ in range(seconds * 1000 // STEP_MS):
        page.clock.run_for(STEP_MS)


def until_next(page: Page, asked: list[str]) -> None:
    """Let a page's clock run until it asks again."""
    before = len(asked)
    for _ in range(200):
        page.clock.run_for(STEP_MS)
        if len(asked) > before:
            return
    raise AssertionError("it does not ask any more")


def waits_before(page: Page, asked: list[str], number: int) -> list[float]:
    """Let a page's clock run until it asked so often.

    Returns:
        Seconds of that clock that it let pass before each, from the page's start and from then on
        since the answer before. The clock runs on while the server thinks: that is no waiting.
    """
    while len(asked) < number:
        until_next(page, asked)
    waits: list[float] = page.evaluate(
        """(number) => window.askedAt.slice(0, number).map(
          (at, which) => (at - (which ? window.answeredAt[which - 1] : window.startedAt)) / 1000
        )""",
        number,
    )
    return waits


def show(page: Page, *, is_hidden: bool) -> None:
    """Bring the page's tab to the front, or hide it."""
    page.evaluate(
        """(isHidden) => {
          Object.defineProperty(document, 'hidden', { configurable: true, get: () => isHidden });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        is_hidden,
    )


@pytest.fixture
def visit_slowly(visit: Visit) -> Visit:
    """Visit with a clock that the test lets run."""

    def visited(student: str) -> Page:
        page = visit(student)
        page.clock.install()
        page.add_init_script(TIMES_OF_POLLS)
        page.reload()
        return page

    return visited


def test_it_asks_less_and_less_often_while_nothing_happens(term: Term, visit_slowly: Visit) -> None:
    term.submitted("finn")
    page = visit_slowly("finn")
    asked = polls(page)
    waits = waits_before(page, asked, 12)
    assert waits[0] < 5
    assert all(10 < wait < 25 for wait in waits[-3:]), waits
    assert len(set(asked)) == 1


def test_it_asks_nothing_where_nothing_is_open(term: Term, visit_slowly: Visit) -> None:
    term.graded(term.submitted("gil"))
    page = visit_slowly("gil")
    asked = polls(page)
    pass_by(page, 60)
    assert asked == []


def test_it_stops_asking_once_the_last_one_is_graded(term: Term, visit_slowly: Visit) -> None:
    mine = term.submitted("hal")
    page = visit_slowly("hal")
    asked = polls(page)
    term.graded(mine)
    until_next(page, asked)
    expect(page.locator("li.row [data-part=label]")).to_have_text("Graded")
    asked.clear()
    pass_by(page, 60)
    assert asked == []


def test_a_tab_that_nobody_looks_at_asks_nothing(term: Term, visit_slowly: Visit) -> None:
    mine = term.submitted("ida")
    page = visit_slowly("ida")
    show(page, is_hidden=True)
    asked = polls(page)
    pass_by(page, 60)
    assert asked == []
    term.graded(mine)
    show(page, is_hidden=False)
    expect(page.locator("li.row [data-part=label]")).to_have_text("Graded")
    assert len(asked) == 1


def test_it_goes_on_after_a_while_without_the_server(
    term: Term, taught: tuple[Server, Term], open_page: OpenPage
) -> None:
    mine = term.submitted("jo")
    page = open_page(extra_http_headers={"X-Gofer-Student": "jo"})
    page.goto(taught[0].url)
    page.route("**/submissions?*", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        pass
    page.unroute("**/submissions?*")
    term.graded(mine)
    expect(page.locator("li.row [data-part=label]")).to_have_text("Graded")


def test_whoever_is_signed_out_meanwhile_is_told_to_reload(
    term: Term, taught: tuple[Server, Term], open_page: OpenPage
) -> None:
    term.submitted("kai")
    page = open_page()
    page.goto(taught[0].url)
    page.get_by_label("Your name").fill("kai")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("li.row")).to_have_count(1)
    page.context.clear_cookies()
    expect(page.get_by_text("Reload it to go on.")).to_be_visible()


# --- the way in -----------------------------------------------------------------------------------


def test_somebody_tries_gofer_with_a_browser_and_the_keyboard_alone(
    term: Term, taught: tuple[Server, Term], open_page: OpenPage
) -> None:
    term.graded(term.submitted("lou"))
    page = open_page()
    page.goto(taught[0].url)
    assert faults(page) == []
    assert faint_texts(page) == []
    page.get_by_label("Your name").focus()
    page.keyboard.type("lou")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your submissions")).to_be_visible()
    for _ in range(4):  # past skip link, brand and sign out
        page.keyboard.press("Tab")
    focused = page.locator(":focus")
    expect(focused).to_have_text("lab01")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="lab01")).to_be_visible()
    page.get_by_role("button", name="Sign out").press("Enter")
    expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()


def test_focus_can_be_seen_and_the_first_stop_skips_to_the_content(
    term: Term, visit: Visit
) -> None:
    term.submitted("mia")
    page = visit("mia")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    box = skip.bounding_box()
    assert box is not None
    assert box["width"] > 50
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("li.row a")).to_be_focused()
    outline = page.locator("li.row a").evaluate(
        "(link) => getComputedStyle(link, '::after').outlineStyle"
    )
    assert outline == "solid"


# --- how it looks ---------------------------------------------------------------------------------


def every_page(term: Term, student: str) -> list[str]:
    """Bring one submission into each state; return the paths of all pages."""
    running = term.submitted(student)
    waiting, graded, failed, buried, later = (
        term.submitted(student, key)
        for key in (HW02, LAB01, LAB01, LAB01, AssignmentKey("demo101", "1", LONG))
    )
    term.graded(graded)
    term.failed(failed)
    term.graded(later)
    term.spool.bury(buried, "x")
    term.announced(running)
    ids = (running, waiting, graded, failed, buried, later)
    return ["", *(f"submissions/{one}" for one in ids), "nowhere"]


@pytest.fixture
def no_watch(open_page: OpenPage, taught: tuple[Server, Term]) -> Visit:
    """Visit pages among which are errors, which browsers say in red."""

    def visited(student: str, path: str = "", **options: Any) -> Page:
        page = open_page(extra_http_headers={"X-Gofer-Student": student}, **options)
        page.goto(taught[0].url + path)
        return page

    return visited


@pytest.mark.parametrize(("viewport", "scheme"), LOOKS)
def test_every_page_can_be_read_by_everyone(
    term: Term, no_watch: Visit, viewport: dict[str, int], scheme: str
) -> None:
    student = "nia" + "x" * 100
    paths = every_page(term, student)
    page = no_watch(student, viewport=viewport, color_scheme=scheme)
    looks = set()
    for path in paths:
        page.goto(page.url.partition("gofer_nb/")[0] + "gofer_nb/" + path)
        assert faults(page) == [], path
        assert faint_texts(page) == [], path
        assert not has_sideways_scroll(page), path
        looks |= set(
            page.locator("[data-look]").evaluate_all("(all) => all.map((one) => one.dataset.look)")
        )
    assert looks == {"running", "waiting", "graded", "no_score", "set_aside", "recorded"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_as_dark_as_the_reader_wants_it(term: Term, visit: Visit, scheme: str) -> None:
    page = visit("ole", color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    red = int(ground.removeprefix("rgb(").partition(",")[0])
    assert (red < 60) is (scheme == "dark")


def test_a_very_narrow_window_is_wide_enough(term: Term, visit: Visit) -> None:
    mine = term.submitted("pam", AssignmentKey("demo101", "1", LONG))
    for path in ("", f"submissions/{mine}"):
        page = visit("pam", path, viewport={"width": 320, "height": 600})
        assert not has_sideways_scroll(page)


def test_nothing_moves_for_whoever_does_not_want_it(term: Term, visit: Visit) -> None:
    mine = term.submitted("quin")
    moving = "(chip) => getComputedStyle(chip, '::before').animationName"
    for wish, name in (("reduce", "none"), ("no-preference", "pulse")):
        term.announced(mine)  # anew: what the grader said is believed for some seconds only
        page = visit("quin", reduced_motion=wish)
        assert page.locator(".chip").evaluate(moving) == name


def test_times_are_those_of_the_readers_zone(term: Term, visit: Visit) -> None:
    mine = term.submitted("ria", hours_ago=3)
    page = visit("ria", f"submissions/{mine}", timezone_id="Asia/Tokyo", locale="de-DE")
    time = page.locator("time").first
    expect(time).to_contain_text("3 hours ago")
    expect(time).to_contain_text("GMT+9")
    japan = term.spool.envelope_of(mine).received_at.astimezone(ZoneInfo("Asia/Tokyo"))
    expect(time).to_contain_text(f"{japan:%H:%M}")
    later = term.submitted("ria", AssignmentKey("demo101", "1", LONG))
    term.graded(later)
    page = visit("ria", f"submissions/{later}", timezone_id="Asia/Tokyo")
    expect(page.get_by_text("In your time zone:")).to_contain_text("2 Dec 2999, 02:00")
    years = page.get_by_text("In your time zone:").inner_text().partition("(in ")[2]
    assert abs(int(years.split()[0]) - (2999 - utc_now().year)) <= 1


def test_without_scripts_the_page_says_all_and_how_to_see_more(term: Term, visit: Visit) -> None:
    mine = term.submitted("sam")
    for path in ("", f"submissions/{mine}"):
        page = visit("sam", path, java_script_enabled=False)
        expect(page.locator("[data-part=label]").first).to_have_text("Waiting")
        expect(page.get_by_text("Reload this page")).to_be_visible()
        expect(page.locator("time").first).to_contain_text("UTC")
    term.graded(mine)
    page.reload()
    expect(page.locator(".result .score")).to_have_text("7.5 of 10 points")
    expect(page.get_by_text("Reload this page")).to_have_count(0)


def test_staff_see_whose_it_is(term: Term, visit: Visit) -> None:
    mine = term.submitted("tom")
    page = visit("tess", f"submissions/{mine}")
    expect(page.get_by_text("Submitted by tom.")).to_be_visible()
