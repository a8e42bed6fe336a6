from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Any

import pytest
from otter.test_files import GradingResults
from otter.test_files.abstract_test import TestCase as Case
from otter.test_files.abstract_test import TestCaseResult as CaseResult
from otter.test_files.ok_test import OKTestFile

from gofer_ingest.grader.harness import kept_results, probe
from gofer_ingest.grader.harness.canary import Canary
from gofer_ingest.grader.harness.evidence import REPORT_SUFFIX, Evidence, differences
from gofer_ingest.grader.harness.plan import Place
from gofer_ingest.grader.harness.stops import How, Watch
from gofer_ingest.grader.tampering import Tampering

if TYPE_CHECKING:
    from pathlib import Path

CANARY = Canary("q9")


def checked(name: str, *, passed: bool, points: float = 1.0) -> Any:
    case = Case(name, "", True, points, None, None)  # noqa: FBT003 - otter's own order
    made = OKTestFile(name, f"./tests/{name}.py", [case], all_or_nothing=False)
    made.test_case_results = [CaseResult(case, "", passed)]
    return made


def watch(*stops: tuple[Place, How]) -> Watch:
    return Watch(cell_time_s=1.0, ends_at=math.inf, stops=list(stops))


def observed(*files: Any, has_all: bool = True, of: Watch | None = None) -> Evidence:
    evidence = Evidence(CANARY, has_all=has_all)
    evidence.take_scores(GradingResults(list(files)), tests=1, watch=of or watch())
    return evidence


Q1 = checked("q1", passed=True)


def told(evidence: Evidence) -> dict[str, Any]:
    """What the answer says, and the host understands."""
    answer = evidence.as_json()
    Tampering.model_validate(answer)
    return answer


@pytest.mark.parametrize(("passed", "state"), [(False, "failed"), (True, "passed")])
def test_the_canarys_end_is_told(*, passed: bool, state: str) -> None:
    assert told(observed(Q1, checked("q9", passed=passed, points=0)))["canary"] == state


def test_a_canary_without_a_result_is_missed_where_otter_wrote_the_results() -> None:
    assert told(observed(Q1))["canary"] == "missing"


def test_a_canary_is_missed_among_kept_results_that_are_whole() -> None:
    assert told(observed(Q1, has_all=False))["canary"] == "missing"


@pytest.mark.parametrize("how", How)
def test_a_canary_is_not_missed_where_something_was_stopped(how: How) -> None:
    evidence = observed(Q1, has_all=False, of=watch((Place(3), how)))
    assert told(evidence)["canary"] == "not_run"


def test_a_canary_is_not_missed_where_others_are_missing_too() -> None:
    assert told(observed(has_all=False))["canary"] == "not_run"


def test_a_run_without_results_says_nothing_of_its_canary() -> None:
    evidence = Evidence(CANARY, has_all=True)
    evidence.take_scores(GradingResults.without_results(ValueError()), tests=1, watch=watch())
    assert told(evidence)["canary"] == "not_run"


def test_a_zip_that_takes_none_says_so() -> None:
    assert told(Evidence(None))["canary"] == "left_out"


@pytest.mark.parametrize("has_plugins", [False, True])
def test_a_score_that_no_test_gave_is_a_finding_where_no_plugin_may_give_it(
    *, has_plugins: bool
) -> None:
    given = checked("q1", passed=False)
    given.update_score(1.0)
    evidence = Evidence(None, has_plugins=has_plugins)
    evidence.take_scores(GradingResults([given]), tests=1, watch=watch())
    assert bool(told(evidence)["findings"]) is not has_plugins


# --- the probe's report ---------------------------------------------------------------------------


def reported(folder: Path, **changes: Any) -> Evidence:
    """What is made of a report that differs by `changes` from an honest kernel's."""
    evidence = Evidence(None, was_probed=True)
    evidence.make_room(str(folder / "results.pkl"))
    source = evidence.probe_source(str(folder / "results.pkl"), 30.0)
    report = {
        "nonce": next(word for word in source.split("'") if len(word) == 32 and word.isalnum()),
        "always_equal": [],
        "fingerprints": probe.fingerprints(),
        "collector": probe.collector_text(kept_results.KeptResults),
        **changes,
    }
    (folder / f"results.pkl{REPORT_SUFFIX}").write_text(json.dumps(report))
    evidence.take_report(folder / "results.pkl")
    return evidence


def test_an_honest_report_holds_nothing_against_anyone(tmp_path: Path) -> None:
    assert told(reported(tmp_path)) == {"canary": "left_out", "probe": "answered", "findings": []}
    assert list(tmp_path.iterdir()) == []


def test_what_is_reported_is_told(tmp_path: Path) -> None:
    changes = {**probe.fingerprints(), "doctest.exec": "function"}
    evidence = reported(
        tmp_path, always_equal=["answer"], fingerprints=changes, collector="another"
    )
    assert told(evidence)["findings"] == [
        "The value of 'answer' equals whatever it is compared with.",
        "Changed by the end of the run: 'doctest.exec'.",
        'Changed by the end of the run: "the list of otter\'s results".',
    ]


@pytest.mark.parametrize(
    "changes", [{"nonce": "0" * 32}, {"fingerprints": []}, {"always_equal": None}]
)
def test_a_report_that_is_not_the_probes_is_silence(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    assert told(reported(tmp_path, **changes))["probe"] == "silent"


def test_a_pipe_in_the_reports_place_is_silence(tmp_path: Path) -> None:
    evidence = Evidence(None, was_probed=True)
    evidence.make_room(str(tmp_path / "results.pkl"))
    report = tmp_path / f"results.pkl{REPORT_SUFFIX}"
    report.unlink()
    os.mkfifo(report)
    evidence.take_report(tmp_path / "results.pkl")
    assert told(evidence)["probe"] == "silent"


def test_a_probe_whose_turn_never_came_is_not_silent(tmp_path: Path) -> None:
    evidence = Evidence(None)
    evidence.take_report(tmp_path / "results.pkl")
    assert told(evidence)["probe"] == "not_run"


def test_many_and_long_findings_fit_an_answer() -> None:
    evidence = Evidence(None, findings=["x" * 500] * 500)
    assert len(told(evidence)["findings"]) == 10


def test_what_only_one_process_has_loaded_is_no_difference() -> None:
    expected = {"a.f": "function 1", "a.m": "module m True", "builtins.int": "class"}
    found = {"a.f": "function 1", "builtins.int": "class", "a.n": "module n True"}
    assert differences(expected, {**found, "builtins.get_ipython": "method"}) == []
    assert differences(expected, {**found, "a.f": "function 2"}) == ["a.f"]
    assert differences(expected, {"builtins.int": "class"}) == ["a.f"]
    assert differences(expected, {**found, "a.exec": "function 3"}) == ["a.exec"]
