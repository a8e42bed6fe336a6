"""Notebooks that want points: by the results, by the answer's channel, or by the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.docker.hostile.case import (
    CRASHED,
    EARNED,
    GRADED,
    HELD,
    HIDDEN_WORD,
    SUSPICIOUS,
    TAMPERED,
    Hostile,
)

if TYPE_CHECKING:
    from shared.gradebook.queries import RecordedRun

_FIND_RESULTS: Final = """
import glob, tempfile
[results] = glob.glob(tempfile.gettempdir() + "/*.pkl")
gained = []
"""

_FORGED_RESULTS: Final = """
import copy, pickle
from otter.execute import Checker
from otter.test_files import GradingResults
for path in sorted(glob.glob("tests/*.py")):
    Checker.check_if_not_already_checked(path)
tests = copy.deepcopy(list(Checker.get_results()))
for test in tests:
    for case in test.test_case_results:
        case.passed = True
forged = GradingResults(tests)
"""

_WRITE_AND_LEAVE: Final = """
for path in (results, results + ".kept"):
    with open(path, "wb") as file:
        pickle.dump(forged, file)
os._exit(0)
"""

_EXCHANGE: Final = """
forged = pickle.dumps(forged)
os.remove(results)
os.mkfifo(results)
if os.fork() == 0:
    os.setsid()
    with open(results, "rb") as file:
        file.read()
    with open(results, "wb") as file:
        file.write(forged)
    os._exit(0)
"""

_REALLY_WRITTEN: Final = """
import pickle
REAL = pickle.dumps
def dump(content, file, *arguments, **options):
    for _ in range(TIMES):
        file.write(data)
TIMES = 1
pickle.dump = dump
"""

_PICKLE_THAT_RUNS: Final = """
class Payload:
    def __reduce__(self):
        return (os.system, ("touch /tmp/was-here; cat /proc/self/environ >&2",))
data = REAL(Payload())
"""

_HUGE_JSON: Final = "data, TIMES = b'[1, 2]' + b' ' * ((1 << 20) - 6), 200"
_DEEP_JSON: Final = "data = b'[' * (4 << 20) + b']' * (4 << 20)"
_DEEP_PICKLE: Final = "data = b'\\x80\\x04' + b'(' * (1 << 20) + b't' * (1 << 20) + b'.'"

_SCORES: Final = """
import otter.test_files
from otter.test_files import GradingResults
real_init = GradingResults.__init__
def generous(self, tests, *arguments, **options):
    for test in tests:
        test._score = SCORE
    real_init(self, tests, *arguments, **options)
GradingResults.__init__ = generous
"""

_UNKNOWN_QUESTIONS: Final = r"""
from otter.test_files import GradingResults
real_init = GradingResults.__init__
def generous(self, tests, *arguments, **options):
    real_init(self, tests, *arguments, **options)
    for name in ("bonus", "q" * 500, "../../etc/passwd", "'; drop table grades; --"):
        self.results[name] = next(iter(self.results.values()))
GradingResults.__init__ = generous
gained = []
"""

_UNSPEAKABLE_QUESTIONS: Final = r"""
from otter.test_files import GradingResults
real_init = GradingResults.__init__
def generous(self, tests, *arguments, **options):
    real_init(self, tests, *arguments, **options)
    for name in ("\x1b[2J\x00", "q" * 2_000_000, "\ud800"):
        self.results[name] = next(iter(self.results.values()))
GradingResults.__init__ = generous
gained = []
"""

_LINKS: Final = """
for path in (results, results + ".kept", results + ".part"):
    with contextlib.suppress(OSError):
        os.remove(path)
    os.symlink(TARGET, path)
folder = os.path.abspath("../results")
for name in ("results.pkl", "results.json"):
    os.symlink(TARGET, os.path.join(folder, name))
"""

_LINK_TO_THE_ANSWER: Final = """
# the runner itself is to write what the notebook chose into its own answer
for name in ("results.pkl", "results.json"):
    os.symlink("/proc/self/fd/3", os.path.join(os.path.abspath("../results"), name))
"""

_PIPES: Final = """
os.remove(results)
os.mkfifo(results)
for name in ("results.pkl", "results.json"):
    os.mkfifo(os.path.join(os.path.abspath("../results"), name))
"""

_READ_HIDDEN_TESTS: Final = """
sources = [open(path).read() for path in glob.glob("tests/*.py")]
print(*sources)
os.write(2, "".join(sources).encode())
raise ValueError(*sources)
"""
_USE_HIDDEN_TESTS: Final = """
import re
[answer] = {int(found) for source in sources for found in re.findall(r"answer == (\\d+)", source)}
"""

_PATCHED_CHECKER: Final = """
from otter.test_files.ok_test import OKTestFile
def run(self, environment):
    self.test_case_results = []
    real_run(self, environment)
    for case in self.test_case_results:
        case.passed = True
real_run, OKTestFile.run = OKTestFile.run, run
gained = []
"""

_PATCHED_RESULTS: Final = """
from otter.test_files import GradingResults
from otter.test_files.abstract_test import TestFile
real_init = GradingResults.__init__
def generous(self, tests, *arguments, **options):
    for test in tests:
        test._score = test.possible
    real_init(self, tests, *arguments, **options)
GradingResults.__init__ = generous
gained = []
"""

_ALWAYS_EQUAL: Final = """
class Anything:
    def __eq__(self, other): return True
    def __hash__(self): return 42
answer, gained = Anything(), []
"""

_FRAMES: Final = """
import json
gained = []
answer = {"kind": "results", "error": "", "log": "", "otter_version": "7", "stops": [],
          "questions": [{"name": "earned", "score": 10.0, "possible": 10.0},
                        {"name": "held", "score": 1.0, "possible": 1.0}],
          "output_truncated": False, "grading_s": 0.1,
          "memory": {"peak_bytes": 1, "oom_kills": 0}}
payload = json.dumps(answer).encode()
frame = b"GOFR" + b"A" + b"0" * 32 + len(payload).to_bytes(8, "big") + payload
for pid in ["self", *filter(str.isdigit, os.listdir("/proc"))]:
    for number in range(32):
        with contextlib.suppress(OSError):
            descriptor = os.open(f"/proc/{pid}/fd/{number}", os.O_WRONLY | os.O_NONBLOCK)
            os.write(descriptor, frame)
            os.close(descriptor)
            if pid == "1":
                gained.append(number)
os.write(2, frame)
answer = None
"""

_PLANTED_MODULES: Final = """
import sys
gained = []
planted = "import os; os.system('touch /tmp/was-here')\\nraise SystemExit(0)\\n"
home = os.path.expanduser("~")
version = f"python{sys.version_info.major}.{sys.version_info.minor}"
for folder in (".", "..", "../..", "../source", home, f"{home}/.local/lib/{version}/site-packages",
               "../../work", os.environ.get("TMPDIR", "/tmp"), "/tmp"):
    with contextlib.suppress(OSError):
        os.makedirs(folder, exist_ok=True)
        for name in ("dill", "pandas", "json", "sitecustomize", "usercustomize", "nbconvert",
                     "tabulate", "encodings", "kept_results", "gofer_harness"):
            with open(os.path.join(folder, f"{name}.py"), "w") as file:
                file.write(planted)
with open(f"{home}/.pythonrc.py", "w") as file:
    file.write(planted)
"""

_LOG_SERVERS: Final = """
import pickle, socket, struct
ports = set()
for line in open("/proc/net/tcp").read().splitlines()[1:]:
    fields = line.split()
    if fields[3] == "0A":
        ports.add(int(fields[1].split(":")[1], 16))
gained = [] if ports else ["no log server was found, so nothing was tried"]
"""

_LOG_RECORD: Final = """
class Payload:
    def __reduce__(self):
        return (os.system, ("touch /tmp/was-here",))
data = pickle.dumps(Payload())
for port in ports:
    with contextlib.suppress(OSError):
        with socket.create_connection(("127.0.0.1", port), timeout=1) as there:
            there.sendall(struct.pack(">L", len(data)) + data)
"""

_ENDLESS_LOG_RECORD: Final = """
for port in ports:
    if os.fork() == 0:
        os.setsid()
        with contextlib.suppress(OSError):
            there = socket.create_connection(("127.0.0.1", port), timeout=1)
            there.sendall(struct.pack(">L", 2**32 - 1))
            while True:
                there.sendall(b"x" * 4096)
        os._exit(0)
"""

_WAS_HERE: Final = "gained = [] if not os.path.exists('/tmp/was-here') else ['code was run']"


def _refused_by_the_allow_list(run: RecordedRun) -> None:
    assert "no place in a result" in run.staff_text


def _says_nothing_of_hidden_tests(run: RecordedRun) -> None:
    assert HIDDEN_WORD not in run.student_text
    assert HIDDEN_WORD not in run.staff_text


FORGING: Final = {
    # --- by the files that are read back
    "results of its own and away": Hostile(
        (_FIND_RESULTS, _FORGED_RESULTS, _WRITE_AND_LEAVE),
        points=EARNED + HELD,
        is_cheating=True,
        flags=TAMPERED | {"kernel_died"},
    ),
    "results exchanged after the kernel's end": Hostile(
        (_FIND_RESULTS, _FORGED_RESULTS, _EXCHANGE),
        points=EARNED + HELD,
        is_cheating=True,
        flags=TAMPERED,
    ),
    "results that are a pickle which runs code": Hostile(
        (_REALLY_WRITTEN, _PICKLE_THAT_RUNS),
        verdicts=CRASHED,
        flags=SUSPICIOUS,
        look=_refused_by_the_allow_list,
    ),
    "results of 200 MB of JSON": Hostile((_REALLY_WRITTEN, _HUGE_JSON), verdicts=CRASHED),
    "results of deeply nested JSON": Hostile((_REALLY_WRITTEN, _DEEP_JSON), verdicts=CRASHED),
    "results of a deeply nested pickle": Hostile((_REALLY_WRITTEN, _DEEP_PICKLE), verdicts=CRASHED),
    **{
        f"a score of {score}": Hostile(
            (f"SCORE = float('{score}')", _SCORES),
            verdicts=CRASHED,
            flags=TAMPERED | {"implausible_score"},
        )
        for score in ("nan", "1e308", "-1")
    },
    "questions that do not exist": Hostile(
        (_UNKNOWN_QUESTIONS,), flags=TAMPERED | {"questions_unknown"}
    ),
    "questions with impossible names": Hostile(
        (_UNSPEAKABLE_QUESTIONS,), verdicts=CRASHED, flags=SUSPICIOUS
    ),
    **{
        f"links to {target} where results are read": Hostile(
            (_FIND_RESULTS, f"TARGET = {target!r}", _LINKS), verdicts=CRASHED, flags=SUSPICIOUS
        )
        for target in ("/dev/zero", "/proc/self/environ")
    },
    "a link to the answer's channel": Hostile(
        (_FIND_RESULTS, _LINK_TO_THE_ANSWER), flags=SUSPICIOUS
    ),
    "pipes where results are read": Hostile(
        (_FIND_RESULTS, _PIPES),
        assignment="brief",
        flags=SUSPICIOUS | {"cell_timeout"},
        flags_may=frozenset({"kernel_died"}),  # it gives way late where there is much else to do
    ),
    # --- by the channel of the answer
    "an answer written to every descriptor": Hostile(
        (_FRAMES,), verdicts=GRADED | CRASHED, flags=SUSPICIOUS
    ),
    "modules planted for the runner": Hostile((_PLANTED_MODULES, _WAS_HERE)),
    "a log record that runs code": Hostile((_LOG_SERVERS, _LOG_RECORD, _WAS_HERE)),
    "a log record without end": Hostile((_LOG_SERVERS, _ENDLESS_LOG_RECORD)),
    # --- by the tests themselves: these run in the notebook's own process, so they believe it
    "hidden tests printed and obeyed": Hostile(
        ("import glob\ngained = []", _READ_HIDDEN_TESTS, _USE_HIDDEN_TESTS),
        points=EARNED + HELD,
        is_cheating=True,
        flags=SUSPICIOUS,
        look=_says_nothing_of_hidden_tests,
    ),
    "otter's checker replaced": Hostile(
        (_PATCHED_CHECKER,), points=EARNED + HELD, is_cheating=True, flags=TAMPERED
    ),
    "otter's results replaced": Hostile(
        (_PATCHED_RESULTS,), points=EARNED + HELD, is_cheating=True, flags=TAMPERED
    ),
    "an object that equals everything": Hostile(
        (_ALWAYS_EQUAL,), points=EARNED + HELD, is_cheating=True, flags=TAMPERED
    ),
}
