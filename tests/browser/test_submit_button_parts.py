"""The Submit button's modules one by one, in a browser and without Jupyter."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.submit_button import CODE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

ORIGIN = "https://hub.example.edu"
SERVICE = f"{ORIGIN}/services/gofer_nb/"
ID = "019aa0c2-7c1e-7d13-9c3e-5d0f06ffe303"
RECEIPT = {
    "id": ID,
    "sha256": "0" * 64,
    "received_at": "2026-11-24T11:32:42+00:00",
    "status_url": f"/services/gofer_nb/submissions/{ID}",
    "student": "alice",
    "course": "demo101",
    "section": "1",
    "assignment": "lab01",
}
UNDER_A_HUB = {"hubPrefix": "/hub/", "hubHost": ""}


class Modules:
    """The button's modules on a page of the Hub's origin, with words as they are written."""

    def __init__(self, page: Page, origin: str = ORIGIN) -> None:
        self.page = page
        page.route(f"{origin}/page", lambda route: route.fulfill(content_type="text/html", body=""))
        page.route(f"{origin}/code/*", self._serve)
        page.goto(f"{origin}/page")

    def _serve(self, route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        route.fulfill(content_type="text/javascript", body=(CODE / name).read_text("utf-8"))

    def run(self, expression: str, *arguments: Any) -> Any:
        """Evaluate an expression in which every module, `words` and the arguments `a` are known."""
        names = [path.stem for path in CODE.glob("*.js") if path.name != "remoteEntry.js"]
        imports = "\n".join(f'const {name} = await import("/code/{name}.js");' for name in names)
        say = (
            "const fill = (text, values) => values.reduce("
            "(made, value, at) => made.replaceAll(`%${at + 1}`, value), text);"
            "const all = words.wordsOf({__: (text, ...values) => fill(text, values), "
            "_n: (one, many, n, ...values) => fill(n === 1 ? one : many, values)});"
        )
        return self.page.evaluate(
            f"async (a) => {{ {imports} {say} return await ({expression}); }}", list(arguments)
        )

    def refusal(self, status: int, body: dict[str, Any] | None, wait_s: int | None = None) -> Any:
        answer = {"status": status, "json": body, "retryAfterS": wait_s}
        return self.run(
            "refusals.refusalOf(a[0], a[1], true, all, (s) => `${s} seconds from now`)",
            answer,
            SERVICE,
        )


@pytest.fixture(scope="module")
def modules(chromium: Browser) -> Iterator[Modules]:
    context = chromium.new_context(locale="en-GB", timezone_id="UTC")
    yield Modules(context.new_page())
    context.close()


# --- where notebooks go ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "options", "address"),
    [
        ("", UNDER_A_HUB, SERVICE),
        ("", {"hubPrefix": "/base/hub/"}, f"{ORIGIN}/base/services/gofer_nb/"),
        (
            "",
            {"hubPrefix": "/hub/", "hubHost": "https://main.example.edu"},
            "https://main.example.edu/services/gofer_nb/",
        ),
        ("", {**UNDER_A_HUB, "goferUrl": "https://g.example/x"}, "https://g.example/x/"),
        ("", {**UNDER_A_HUB, "goferUrl": "/services/other/"}, f"{ORIGIN}/services/other/"),
        ("https://mine/", {**UNDER_A_HUB, "goferUrl": "https://g.example/"}, "https://mine/"),
        (" https://mine/a?b#c ", {}, "https://mine/a/"),
        ("", {}, None),
        ("javascript:alert(1)", UNDER_A_HUB, None),
        ("https://", UNDER_A_HUB, None),
    ],
)
def test_the_nearest_setting_says_where_notebooks_go(
    modules: Modules, setting: str, options: dict[str, str], address: str | None
) -> None:
    found = modules.run(
        "service.serviceUrl(a[0], (name) => a[1][name] ?? '', location.href)", setting, options
    )
    assert found == address


def test_the_token_is_sent_under_a_hub_alone(modules: Modules) -> None:
    ask = "service.headersFor((name) => a[0][name] ?? '', 'secret')"
    assert modules.run(ask, UNDER_A_HUB) == {
        "Accept": "application/json",
        "Authorization": "token secret",
    }
    assert modules.run(ask, {}) == {"Accept": "application/json"}


@pytest.mark.parametrize(
    ("told", "address"),
    [
        (f"/services/gofer_nb/submissions/{ID}", f"{SERVICE}submissions/{ID}"),
        (f"/internal/submissions/{ID}", f"{SERVICE}submissions/{ID}"),
        (f"https://elsewhere.example/submissions/{ID}", f"{SERVICE}submissions/{ID}"),
        ("", f"{SERVICE}submissions/{ID}"),
    ],
)
def test_the_state_is_asked_for_at_the_service_and_nowhere_else(
    modules: Modules, told: str, address: str
) -> None:
    receipt = {**RECEIPT, "status_url": told}
    assert modules.run("service.statusUrl(a[0], a[1])", receipt, SERVICE) == address


# --- the application's packages -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("versions", "chosen"),
    [
        ({"4.0.13": {}, "4.6.6": {}, "4.10.0": {}}, "4.10.0"),
        ({"4.6.6": {"loaded": 1}, "4.10.0": {}}, "4.6.6"),
        ({"4.6.6": {}, "5.0.0-beta.1": {}}, "5.0.0-beta.1"),
        ({}, None),
    ],
)
def test_of_a_shared_package_the_one_in_use_is_taken_else_the_newest(
    modules: Modules, versions: dict[str, Any], chosen: str | None
) -> None:
    assert modules.run("shared.chooseVersion(a[0]) ?? null", versions) == chosen


def test_a_package_the_application_does_not_share_is_named(modules: Modules) -> None:
    said = modules.run("shared.takeShared({}).catch((error) => error.message)")
    assert "@jupyterlab/apputils" in said


# --- what is told ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 404, 413, 415, 422, 500, 503, 507])
def test_the_services_own_sentence_is_told(modules: Modules, status: int) -> None:
    refusal = modules.refusal(status, {"message": "In plain words."})
    assert refusal["title"] == "Not submitted"
    assert refusal["sentences"] == ["In plain words.", "Your notebook is saved here."]
    assert refusal["canTryAgain"] == (status >= 500)


@pytest.mark.parametrize(
    ("status", "body"),
    [(0, None), (401, None), (401, {"message": "Sign in."}), (403, {"message": "Not you."})],
)
def test_a_sign_in_that_does_not_reach_is_told_with_the_way_to_mend_it(
    modules: Modules, status: int, body: dict[str, str] | None
) -> None:
    refusal = modules.refusal(status, body)
    assert refusal["isSignIn"]
    assert any("stop your server, log out, log in again" in one for one in refusal["sentences"])


def test_too_many_submissions_are_told_with_the_time_to_come_back(modules: Modules) -> None:
    refusal = modules.refusal(429, {"message": "Wait a little."}, 754)
    assert refusal["sentences"][:2] == [
        "Wait a little.",
        "You can submit again at 754 seconds from now.",
    ]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, f"There is no submission service at {SERVICE}."),
        (404, f"There is no submission service at {SERVICE}."),
        (413, "Clear the outputs"),
        (502, "is not running just now"),
        (503, "is not running just now"),
        (200, "makes no sense (200)"),
        (500, "makes no sense (500)"),
    ],
)
def test_an_answer_of_someone_in_between_gets_a_sentence_of_ours(
    modules: Modules, status: int, words: str
) -> None:
    refusal = modules.refusal(status, None)
    assert words in refusal["sentences"][0]


def test_an_endless_message_is_cut(modules: Modules) -> None:
    assert len(modules.refusal(400, {"message": "x" * 100_000})["sentences"][0]) == 1000


# --- sending --------------------------------------------------------------------------------------


def send(modules: Modules, *answers: dict[str, Any] | None) -> tuple[Any, list[Any]]:
    """Send a notebook to a service that gives these answers in turn; None breaks the connection."""
    received: list[Any] = []

    def answer(route: Route) -> None:
        received.append((route.request.method, route.request.headers, route.request.post_data))
        given = answers[min(len(received), len(answers)) - 1]
        if given is None:
            route.abort()
        else:
            route.fulfill(**given)

    modules.page.route(SERVICE, answer)
    service = {"url": SERVICE, "headers": {"Authorization": "token t"}, "hasHub": True}
    outcome = modules.run(
        "sending.sendNotebook('{}', a[0], all).catch((error) => error.refusal)", service
    )
    return outcome, received


def json_answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"status": status, "content_type": "application/json", "body": json.dumps(body)}


def test_a_notebook_goes_as_it_is_with_the_token_and_asks_for_json(modules: Modules) -> None:
    receipt, received = send(modules, json_answer(202, RECEIPT))
    assert receipt == RECEIPT
    ((method, headers, body),) = received
    assert (method, body) == ("POST", "{}")
    assert headers["content-type"] == "application/json"
    assert headers["authorization"] == "token t"
    assert "referer" not in headers


def test_a_lost_answer_is_asked_for_again(modules: Modules) -> None:
    away = {"status": 503, "content_type": "text/html", "body": "Service Unavailable"}
    receipt, received = send(modules, None, away, json_answer(202, RECEIPT))
    assert receipt == RECEIPT
    assert len(received) == 3


def test_a_service_that_never_answers_is_given_up_and_nothing_is_claimed(modules: Modules) -> None:
    refusal, received = send(modules, None)
    assert len(received) == 3
    assert refusal["title"] == "No receipt"
    assert refusal["canTryAgain"]


@pytest.mark.parametrize("status", [400, 403, 429, 503])
def test_a_refusal_is_not_sent_again(modules: Modules, status: int) -> None:
    _, received = send(modules, json_answer(status, {"message": "No."}))
    assert len(received) == 1


class Front(BaseHTTPRequestHandler):
    """A front that sends everyone to a page for signing in."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(302)
        self.send_header("Location", "/login")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<h1>Sign in</h1>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_page_for_signing_in_is_no_receipt(chromium: Browser) -> None:
    front = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    threading.Thread(target=front.serve_forever, daemon=True).start()
    page = chromium.new_page()
    try:
        origin = f"http://127.0.0.1:{front.server_port}"
        service = {"url": f"{origin}/services/gofer_nb/", "headers": {}, "hasHub": False}
        refusal = Modules(page, origin).run(
            "sending.sendNotebook('{}', a[0], all).catch((error) => error.refusal)", service
        )
    finally:
        page.close()
        front.shutdown()
        front.server_close()
    assert refusal["isSignIn"]
    assert refusal["sentences"][0].startswith("Sign in again")


def test_an_answer_without_a_receipt_is_no_receipt(modules: Modules) -> None:
    refusal, _ = send(modules, json_answer(202, {"id": "../../hub/api"}))
    assert refusal["title"] == "No receipt"


# --- showing --------------------------------------------------------------------------------------


def test_whatever_the_service_says_is_shown_as_text(modules: Modules) -> None:
    hostile = "<img src=x onerror=\"document.title='owned'\">"
    receipt = {**RECEIPT, "student": hostile, "assignment": hostile, "received_at": hostile}
    shown = modules.run(
        """(() => {
            const body = receipt.receiptBody(a[0], a[1], all, () => {});
            body.show({text: a[2], tone: "info", isFinal: false});
            document.body.append(body.node, receipt.refusalBody([a[2]], {text: a[2], url: a[1]}));
            return [document.images.length, document.body.textContent];
        })()""",
        receipt,
        f"{SERVICE}submissions/{ID}",
        hostile,
    )
    assert shown[0] == 0
    assert shown[1].count(hostile) == 6
    assert modules.page.title() == ""


@pytest.mark.parametrize(
    ("state", "tone", "is_final"),
    [
        ({"state": "waiting", "is_open": True}, "info", False),
        ({"state": "running", "is_open": True}, "info", False),
        ({"state": "recorded", "is_open": True}, "info", False),
        ({"state": "recorded", "is_open": False}, "info", True),
        ({"state": "set_aside", "is_open": False}, "warning", True),
        (
            {"state": "recorded", "is_open": False, "verdict": "graded", "score": 8.5},
            "success",
            True,
        ),
        (
            {"state": "recorded", "is_open": False, "verdict": "crashed", "score": None},
            "warning",
            True,
        ),
    ],
)
def test_the_services_sentence_says_what_became_of_a_submission(
    modules: Modules, state: dict[str, Any], tone: str, *, is_final: bool
) -> None:
    told = {**state, "message": "In plain words.", "label": "Short"}
    assert modules.run("progress.progressOf(a[0], all)", told) == {
        "text": "In plain words.",
        "label": "Short",
        "tone": tone,
        "isFinal": is_final,
    }


@pytest.mark.parametrize(
    ("state", "text"), [("waiting", "Waiting to be graded."), ("recorded", "Graded. Look")]
)
def test_a_service_that_tells_little_is_understood_as_well(
    modules: Modules, state: str, text: str
) -> None:
    progress = modules.run("progress.progressOf(a[0], all)", {"state": state})
    assert progress["text"].startswith(text)
    assert progress["isFinal"] == (state == "recorded")
