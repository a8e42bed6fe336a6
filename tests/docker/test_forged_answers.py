"""A notebook that tries to write its own grade, by every way out of it that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model import Verdict
from tests.support.grading import grade
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from gofer_ingest.grader.sandbox import Sandbox

UNEARNED = autograder_zip({"q1": ok_test("q1", "answer == 42", points=10.0)})

WRITE_TO_EVERY_DESCRIPTOR = """
import json, os
answer = {"kind": "results", "questions": [{"name": "q1", "score": 10.0, "possible": 10.0}],
          "error": "", "log": "", "otter_version": "7", "output_truncated": False, "stops": [],
          "grading_s": 0.1, "memory": {"peak_bytes": 1, "oom_kills": 0}}
payload = json.dumps(answer).encode()
opened = []
for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
    for fd in range(30):
        for nonce in (b"0" * 32,):
            frame = b"GOFR" + b"A" + nonce + len(payload).to_bytes(8, "big") + payload
            try:
                handle = os.open(f"/proc/{pid}/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK)
                os.write(handle, frame)
                opened.append((pid, fd))
            except OSError:
                pass
for fd in (1, 2):
    os.write(fd, b"GOFR" + b"A" + b"0" * 32 + len(payload).to_bytes(8, "big") + payload)
"""

READ_THE_HARNESS = """
import os
found = []
for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
    if int(pid) == os.getpid():
        continue
    try:
        arguments = open(f"/proc/{pid}/cmdline").read()
    except OSError:
        continue
    if "harness" not in arguments:
        continue
    for secret in ("mem", "environ", "maps", "fd/0", "fd/1", "fd/3"):
        try:
            with open(f"/proc/{pid}/{secret}", "rb") as handle:
                handle.read(1)
            found.append((pid, secret))
        except OSError:
            pass
"""

RESULTS_THAT_RUN_CODE = """
import os, pickle, pathlib

class Payload:
    def __reduce__(self):
        return (exec, ("import pathlib; pathlib.Path('/tmp/was-here').write_text('x')",))

def dump_payload(results, file, *args, **kwargs):
    file.write(REAL(Payload()))

REAL = pickle.dumps
pickle.dump = dump_payload
"""

RESULTS_OF_ANOTHER_CLASS = """
import pickle
real = pickle.dumps

class GradingResults:
    total = 10
    results = {}

GradingResults.__module__ = "otter.test_files"

def dump_payload(results, file, *args, **kwargs):
    file.write(real({"q1": 10}))

pickle.dump = dump_payload
"""

SCORES_BEYOND_THE_QUESTION = """
import otter.test_files
from otter.test_files.abstract_test import TestFile
real_init = otter.test_files.GradingResults.__init__

def generous(self, test_files, *args, **kwargs):
    for test_file in test_files:
        test_file._score = 1000.0
    real_init(self, test_files, *args, **kwargs)

otter.test_files.GradingResults.__init__ = generous
"""

LOG_RECORD_THAT_RUNS_CODE = """
import os, pickle, pathlib, socket, struct

class Payload:
    def __reduce__(self):
        return (exec, ("import pathlib; pathlib.Path('/tmp/was-here').write_text('x')",))

def listening():
    for line in open("/proc/net/tcp").read().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":
            yield int(fields[1].split(":")[1], 16)

data = pickle.dumps(Payload())
for port in set(listening()):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(struct.pack(">L", len(data)) + data)
    except OSError:
        pass
import time
for _ in range(30):
    if pathlib.Path("/tmp/was-here").exists():
        break
    time.sleep(0.1)
ran = pathlib.Path("/tmp/was-here").exists()
"""


def test_frames_written_to_every_descriptor_in_reach_are_no_answer(sandbox: Sandbox) -> None:
    result = grade(sandbox, UNEARNED, notebook(WRITE_TO_EVERY_DESCRIPTOR, "answer = 0"))
    assert result.score is None or result.score.points == 0.0


def test_the_harness_can_neither_be_read_nor_opened(sandbox: Sandbox) -> None:
    zipped = autograder_zip({"q1": ok_test("q1", "found == []")})
    result = grade(sandbox, zipped, notebook(READ_THE_HARNESS))
    assert result.verdict is Verdict.GRADED, result.staff_text
    assert result.score is not None
    assert result.score.points == 1.0


def test_a_results_file_that_would_run_code_is_refused(sandbox: Sandbox) -> None:
    result = grade(sandbox, UNEARNED, notebook("answer = 0", RESULTS_THAT_RUN_CODE))
    assert result.verdict is Verdict.CRASHED
    assert result.score is None
    assert "no place in a result" in result.staff_text


def test_a_results_file_of_something_else_is_refused(sandbox: Sandbox) -> None:
    result = grade(sandbox, UNEARNED, notebook("answer = 0", RESULTS_OF_ANOTHER_CLASS))
    assert result.verdict is Verdict.CRASHED
    assert result.score is None


def test_a_score_beyond_what_the_zip_gives_is_not_taken(sandbox: Sandbox) -> None:
    result = grade(sandbox, UNEARNED, notebook("answer = 0", SCORES_BEYOND_THE_QUESTION))
    assert result.verdict is Verdict.CRASHED
    assert result.score is None
    assert "implausible_score" in result.flags


def test_a_log_record_that_would_run_code_in_the_runner_is_refused(sandbox: Sandbox) -> None:
    zipped = autograder_zip({"q1": ok_test("q1", "ran is False")})
    result = grade(sandbox, zipped, notebook(LOG_RECORD_THAT_RUNS_CODE))
    assert result.verdict is Verdict.GRADED, result.staff_text
    assert result.score is not None
    assert result.score.points == 1.0
