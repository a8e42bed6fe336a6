from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from shared.model import AssignmentKey, new_submission_id
from tests.integration.server.conftest import a_notebook, running_server
from tests.support.told import FLAG, LOG, STAFF_TEXT, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

    from shared.model import SubmissionId
    from tests.integration.server.conftest import Server

COURSE = """
[courses.demo101.sections.1.assignments]
lab01 = {autograder = "lab01.zip"}
hw02 = {autograder = "hw02.zip", publish = "manual"}
project1 = {autograder = "project1.zip", publish = "2999-12-01T18:00:00+01:00"}
"""


@contextmanager
def course(folder: Path, **environment: str) -> Iterator[tuple[Server, Term]]:
    """A server whose course publishes one assignment now, one by hand and one later."""
    config = folder / "course.toml"
    config.write_text(COURSE)
    term = Term(folder / "volume")
    with running_server(folder, COURSE_CONFIG_PATH=str(config), **environment) as server:
        yield server, term
    term.close()


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Term]]:
    """One server for the tests of this module; each has students of its own."""
    with course(tmp_path_factory.mktemp("taught"), GOFER_STAFF="tess") as both:
        yield both


def sent(server: Server, student: str, assignment: str = "lab01") -> SubmissionId:
    """Submit over HTTP; return the receipt's id."""
    words = {"course": "demo101", "section": "1", "assignment": assignment}
    notebook = a_notebook(**words)
    notebook["cells"][0]["source"] = str(new_submission_id())  # a repeat gets the same receipt
    answer = server.post(notebook, student=student, Accept="application/json")
    assert answer.status_code == 202, answer.text
    receipt: SubmissionId = answer.json()["id"]
    return receipt


def told(server: Server, submission_id: str, student: str) -> dict[str, Any]:
    answer = server.get(f"submissions/{submission_id}", student, Accept="application/json")
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def test_a_submission_is_told_from_its_receipt_to_its_score(taught: tuple[Server, Term]) -> None:
    server, term = taught
    mine = sent(server, "ada")
    term.announced(typical_s=30.0)
    server.wait_until(lambda: told(server, mine, "ada")["position"] is not None)
    waiting = told(server, mine, "ada")
    assert waiting["state"] == "waiting"
    assert waiting["short_id"] == mine[-8:]
    assert waiting["expected_wait_s"] == waiting["position"] / 2 * 30.0
    assert waiting["attempt"] == 1
    term.announced(mine)
    server.wait_until(lambda: told(server, mine, "ada")["state"] == "running")
    term.graded(mine)
    graded = told(server, mine, "ada")
    assert graded["state"] == "recorded"
    assert graded["published"]
    assert graded["verdict"] == "graded"
    assert (graded["score"], graded["points_possible"]) == (7.5, 10.0)
    assert graded["message"] == "Graded: 7.5 of 10 points."
    assert [row["question"] for row in graded["questions"]] == ["q1", "q3"]
    assert graded["hidden_questions"] == {"score": 1.5, "points_possible": 4.0}


@pytest.mark.parametrize("assignment", ["hw02", "project1"])
@pytest.mark.parametrize("accept", ["application/json", "text/html", "text/plain"])
def test_nothing_is_told_before_it_is_published(
    taught: tuple[Server, Term], assignment: str, accept: str
) -> None:
    server, term = taught
    graded, failed = sent(server, "pia", assignment), sent(server, "pia", assignment)
    term.graded(graded)
    term.failed(failed)
    texts = [
        server.get(f"submissions/{one}", student, Accept=accept).text
        for one in (graded, failed)
        for student in ("pia", "tess")
    ]
    texts += [server.get(path, "pia", Accept=accept).text for path in ("", "submissions")]
    for text in texts:
        assert re.search(r"\b7\.5", text) is None  # a time may have it: 12:30:17.512
        for secret in ("timed_out", "did not finish", "q1", "Took too long"):
            assert secret not in text
    same = {
        field: (told(server, graded, "pia")[field], told(server, failed, "pia")[field])
        for field in ("state", "label", "message", "published", "verdict", "student_text")
    }
    assert all(one == other for one, other in same.values()), same
    assert "Grading is done." in str(same["message"])


def test_a_date_of_publishing_is_told(taught: tuple[Server, Term]) -> None:
    server, term = taught
    mine = sent(server, "dana", "project1")
    term.graded(mine)
    content = told(server, mine, "dana")
    assert content["publishes_at"] == "2999-12-01T17:00:00+00:00"
    assert "1 December 2999, 17:00 UTC" in content["message"]
    page = server.get(f"submissions/{mine}", "dana", Accept="text/html").text
    assert '<time datetime="2999-12-01T17:00:00+00:00">' in page


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("submissions/{}", "application/json"),
        ("submissions/{}", "text/html"),
        ("submissions", "application/json"),
        ("", "text/html"),
    ],
)
def test_a_held_submission_says_that_teachers_look_at_it_first(
    taught: tuple[Server, Term], path: str, accept: str
) -> None:
    server, term = taught
    student = f"held-{accept}-{path.strip('{}')}"
    mine = sent(server, student)
    term.graded(mine, flag="tampered")
    text = server.get(path.format(mine), student, Accept=accept).text
    assert "Your teachers look at this submission before it counts" in text
    for secret in ("7.5", "tampered", "q1", STAFF_TEXT):
        assert secret not in text


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
@pytest.mark.parametrize("student", ["kim", "tess"])
def test_what_is_for_staff_and_what_was_printed_never_comes_back(
    taught: tuple[Server, Term], accept: str, student: str
) -> None:
    server, term = taught
    graded, failed = sent(server, "kim"), sent(server, "kim")
    term.graded(graded)
    term.failed(failed)
    for path in (f"submissions/{graded}", f"submissions/{failed}", "submissions", ""):
        text = server.get(path, student, Accept=accept).text
        for secret in (STAFF_TEXT, LOG, FLAG, "q2_secret", "q4_secret"):
            assert secret not in text


@pytest.mark.parametrize("accept", ["application/json", "text/html", "text/plain"])
def test_others_submissions_look_like_none(taught: tuple[Server, Term], accept: str) -> None:
    server, term = taught
    waiting, graded, buried = (sent(server, "lea") for _ in range(3))
    term.graded(graded)
    term.spool.bury(buried, "x")
    answers = [
        server.get(f"submissions/{one}", "mallory", Accept=accept)
        for one in (waiting, graded, buried, new_submission_id())
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({frozenset(answer.headers.items()) - _date(answer) for answer in answers}) == 1


def _date(answer: httpx.Response) -> set[tuple[str, str]]:
    return {item for item in answer.headers.items() if item[0] == "date"}


def test_staff_may_look_at_any(taught: tuple[Server, Term]) -> None:
    server, term = taught
    mine = sent(server, "noa")
    term.graded(mine)
    assert told(server, mine, "tess") == told(server, mine, "noa")
    page = server.get(f"submissions/{mine}", "tess", Accept="text/html").text
    assert "Submitted by <bdi>noa</bdi>" in page
    assert "Submitted by" not in server.get(f"submissions/{mine}", "noa", Accept="text/html").text
    assert server.get("submissions", "tess").json()["submissions"] == []


def test_the_list_is_told_page_by_page_newest_first(taught: tuple[Server, Term]) -> None:
    server, term = taught
    mine = [sent(server, "otto", ("lab01", "hw02")[number % 2]) for number in range(7)]
    for submission_id in mine[::3]:
        term.graded(submission_id)
    term.spool.bury(mine[1], "x")
    seen: list[str] = []
    path = "submissions?limit=3"
    while path:
        page = server.get(path, "otto").json()
        assert page["is_complete"]
        seen += [one["id"] for one in page["submissions"]]
        path = page["older_url"]
    assert seen == mine[::-1]
    states = {
        one["id"]: one["state"] for one in server.get("submissions", "otto").json()["submissions"]
    }
    assert states[mine[0]] == "recorded"
    assert states[mine[1]] == "set_aside"
    assert states[mine[2]] in {"waiting", "running"}


@pytest.mark.parametrize(
    "query", ["before=x", "before=../..", "limit=0", "limit=101", "limit=-1", "limit=%C3%28"]
)
def test_a_question_that_cannot_be_understood_is_refused(
    taught: tuple[Server, Term], query: str
) -> None:
    server, _ = taught
    answer = server.get(f"submissions?{query}", "ada")
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_query"


def test_a_text_answer_is_one_friendly_sentence(taught: tuple[Server, Term]) -> None:
    server, _ = taught
    mine = sent(server, "rae")
    answer = server.get(f"submissions/{mine}", "rae", Accept="text/plain")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.count("\n") == 1


def test_nobody_is_told_anything_without_a_name(taught: tuple[Server, Term]) -> None:
    server, _ = taught
    mine = sent(server, "uma")
    for path in (f"submissions/{mine}", "submissions"):
        answer = server.get(path, None)
        assert answer.status_code == 401
        assert answer.json()["code"] == "not_signed_in"


def test_it_tells_what_it_can_with_everything_else_down(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    server = start()
    mine = sent(server, "ada")
    content = told(server, mine, "ada")
    assert content["state"] == "waiting"
    assert "paused" in content["message"]
    assert "safe" in content["message"]
    (server.volume / "gradebook.db").write_bytes(b"no database" * 100)
    assert told(server, mine, "ada") == {**content, "attempt": None}
    server.logged("gradebook.unreadable")
    page = server.get("submissions", "ada").json()
    assert not page["is_complete"]
    assert [one["id"] for one in page["submissions"]] == [mine]
    assert "cannot be shown at the moment" in server.get("", "ada", Accept="text/html").text
    server.spool.settle(mine)
    content = told(server, mine, "ada")
    assert (content["state"], content["is_open"], content["score"]) == ("recorded", True, None)
    assert sent(server, "ada")  # and notebooks are still taken


def test_a_gradebook_that_comes_later_is_found(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    server = start()
    mine = sent(server, "ada")
    assert told(server, mine, "ada")["state"] == "waiting"
    term = Term(server.volume)
    term.graded(mine)
    assert told(server, mine, "ada")["score"] == 7.5
    term.close()


def test_keys_that_are_in_the_gradebook_alone_are_not_published(
    taught: tuple[Server, Term],
) -> None:
    server, term = taught
    mine = term.submitted("vic", AssignmentKey("old course", "1", "lab01"))
    term.graded(mine)
    content = told(server, mine, "vic")
    assert (content["state"], content["published"], content["score"]) == ("recorded", False, None)
