from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from shared.model import SubmissionId

if TYPE_CHECKING:
    from tests.integration.server.conftest import Server

WORDS = {"course": "demo101", "section": "1", "assignment": "lab01"}


def test_a_button_gets_one_friendly_sentence(server: Server, notebook: dict[str, Any]) -> None:
    answer = server.post({"nb": notebook}, Accept="*/*")
    assert answer.status_code == 202
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    submission_id = answer.headers["location"].rsplit("/", 1)[1]
    assert answer.text == (
        f"Your notebook for lab01 was received and will be graded. Receipt: {submission_id[-8:]}\n"
    )
    assert submission_id in server.spool.pending()


def test_a_program_gets_a_receipt_that_tells_what_was_stored(
    server: Server, notebook: dict[str, Any]
) -> None:
    body = json.dumps(notebook, indent=1).encode()
    answer = server.post(body, student="josé", Accept="application/json")
    assert answer.status_code == 202
    receipt = answer.json()
    assert set(receipt) == {
        "id",
        "sha256",
        "received_at",
        "status_url",
        "student",
        "course",
        "section",
        "assignment",
    }
    assert receipt["student"] == "josé"
    assert receipt["sha256"] == hashlib.sha256(body).hexdigest()
    assert receipt["status_url"] == answer.headers["location"]
    entry = server.spool.read(receipt["id"])
    assert entry.notebook() == body
    assert entry.envelope.requested_by == "josé"
    assert entry.envelope.received_at.isoformat() == receipt["received_at"]
    assert entry.envelope.payload.source == "dev"


def test_a_wrapped_notebook_is_stored_without_its_wrapping(
    server: Server, notebook: dict[str, Any]
) -> None:
    receipt = server.post({"nb": notebook}, Accept="application/json").json()
    stored = server.spool.read(receipt["id"]).notebook()
    assert json.loads(stored) == notebook
    assert receipt["sha256"] == hashlib.sha256(stored).hexdigest()


@pytest.mark.parametrize(
    "metadata",
    [
        WORDS,
        {"course": "demo101", "section": 1, "lab": "lab01"},
        {"otter_service": WORDS},
        {"gofer": WORDS},
    ],
)
def test_metadata_may_stand_in_three_places(server: Server, metadata: dict[str, Any]) -> None:
    notebook = {"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": metadata}
    receipt = server.post(notebook, Accept="application/json").json()
    assert {word: receipt[word] for word in WORDS} == WORDS


@pytest.mark.parametrize("student", ["josé", "a@b.edu", "학생", "Ada Lovelace", "x" * 255])
def test_names_are_opaque(server: Server, notebook: dict[str, Any], student: str) -> None:
    receipt = server.post(notebook, student=student, Accept="application/json").json()
    assert receipt["student"] == student
    envelope = server.spool.read(receipt["id"]).envelope
    assert envelope.payload.student == student


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/x-ipynb+json",
        "text/plain;charset=UTF-8",
        "",
    ],
)
def test_what_buttons_and_scripts_call_their_json_is_taken(
    server: Server, notebook: dict[str, Any], kind: str
) -> None:
    assert server.post(notebook, Content_Type=kind).status_code == 202


def test_no_content_type_at_all_is_taken(server: Server, notebook: dict[str, Any]) -> None:
    answer = httpx.post(
        server.url, content=json.dumps(notebook), headers={"X-Gofer-Student": "ada"}
    )
    assert answer.status_code == 202


def test_a_chunked_body_is_taken(server: Server, notebook: dict[str, Any]) -> None:
    content = json.dumps(notebook).encode()
    answer = httpx.post(
        server.url,
        content=(bytes([byte]) for byte in content),
        headers={"X-Gofer-Student": "ada", "Accept": "application/json"},
    )
    assert server.spool.read(answer.json()["id"]).notebook() == content


def test_the_address_without_its_last_slash_is_the_same(
    server: Server, notebook: dict[str, Any]
) -> None:
    answer = httpx.post(
        server.url.rstrip("/"), json={"nb": notebook}, headers={"X-Gofer-Student": "ada"}
    )
    assert answer.status_code == 202


def test_the_owner_sees_the_state_and_nobody_else_does(
    server: Server, notebook: dict[str, Any]
) -> None:
    receipt = server.post(notebook, student="ada", Accept="application/json").json()
    path = receipt["status_url"]
    mine = server.get(path)
    assert mine.status_code == 200
    told = {
        "id": receipt["id"],
        "state": "waiting",
        "sha256": receipt["sha256"],
        "received_at": receipt["received_at"],
        "student": "ada",
        **WORDS,
    }
    assert told.items() <= mine.json().items()
    unknown = server.get("submissions/01900000-0000-7000-8000-000000000000")
    theirs = server.get(path, student="grace")
    assert unknown.status_code == theirs.status_code == 404
    assert unknown.content == theirs.content
    assert server.get(path, student=None).status_code == 401
    submission_id = SubmissionId(receipt["id"])
    server.spool.settle(submission_id)
    assert server.get(path).json()["state"] == "recorded"


def test_the_server_says_that_it_lives_and_that_it_is_ready(server: Server) -> None:
    assert server.get("healthz", student=None).json() == {"status": "ok"}
    ready = server.get("readyz", student=None).json()
    assert ready == {"status": "ready", "grader": "not running"}
    here = server.get("", student=None)
    assert here.status_code == 200
    assert "submitted" in here.text


def test_two_hundred_at_once_all_have_entries(server: Server, notebook: dict[str, Any]) -> None:
    content = json.dumps({"nb": notebook})
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    limits = httpx.Limits(max_connections=None)
    with httpx.Client(timeout=60, limits=limits) as client, ThreadPoolExecutor(200) as threads:
        answers = list(
            threads.map(
                lambda number: client.post(
                    server.url,
                    content=content,
                    headers={**headers, "X-Gofer-Student": f"student{number}"},
                ),
                range(200),
            )
        )
    assert {answer.status_code for answer in answers} == {202}
    receipts = {answer.json()["id"]: answer.json()["student"] for answer in answers}
    assert len(receipts) == 200
    assert receipts.keys() <= set(server.spool.pending())
    for submission_id, student in receipts.items():
        entry = server.spool.read(SubmissionId(submission_id))
        assert entry.envelope.payload.student == student
        assert json.loads(entry.notebook()) == notebook
    assert not list((server.volume / "spool" / "tmp").iterdir())


def test_the_log_tells_each_request_and_no_secret_of_it(
    server: Server, notebook: dict[str, Any]
) -> None:
    notebook["cells"][0]["source"] = "the answer is 42"
    answer = httpx.post(
        f"{server.url}?token=hunter2",
        json=notebook,
        headers={"X-Gofer-Student": "ada", "Authorization": "Bearer hunter3"},
    )
    submission_id = answer.headers["location"].rsplit("/", 1)[1]
    line = server.logged("http.request", submission_id=submission_id)
    assert line["method"] == "POST"
    assert line["path"] == server.prefix
    assert line["status"] == 202
    log = json.dumps(server.lines)
    assert "hunter" not in log
    assert "the answer" not in log
