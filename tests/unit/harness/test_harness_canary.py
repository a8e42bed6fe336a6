from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from otter.nbmeta_config import NBMetadataConfig
from otter.test_files import GradingResults, create_test_file

from gofer_ingest.grader.harness.canary import Canary, has_failed, lay_canary, take_out
from tests.support.zips import ok_test

if TYPE_CHECKING:
    from pathlib import Path

ASSERTING = "OK_FORMAT = False\nfrom otter.test_files import test_case\nname = 'q1'\npoints = 2\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An unpacked zip of three tests."""
    (tmp_path / "tests").mkdir()
    for name in ("q1", "q2", "q3"):
        (tmp_path / "tests" / f"{name}.py").write_text(ok_test(name, "total == 5", points=2.0))
    return tmp_path


def laid(source: Path) -> Canary:
    canary = lay_canary(source)
    assert canary is not None
    return canary


def checked(source: Path, canary: Canary, names: dict[str, Any] | None = None) -> Any:
    test_file = create_test_file(str(source / canary.path), NBMetadataConfig())
    test_file.run({} if names is None else names)
    return test_file


@pytest.mark.parametrize("text", [None, ASSERTING])
def test_it_fails_and_is_worth_nothing_whatever_the_format(source: Path, text: str | None) -> None:
    if text is not None:
        for path in (source / "tests").iterdir():
            path.write_text(text)
    canary = laid(source)
    result = checked(source, canary)
    assert result.name == canary.name
    assert (result.score, result.possible) == (0, 0)
    assert has_failed(result)


def test_no_name_of_the_notebooks_makes_it_pass(source: Path) -> None:
    canary = laid(source)
    names = dict.fromkeys(dir(__builtins__), lambda *_: True)
    assert has_failed(checked(source, canary, names))


def test_its_name_is_like_the_others_and_none_of_them(source: Path) -> None:
    before = {path.stem for path in (source / "tests").iterdir()}
    canary = laid(source)
    assert canary.name not in before
    assert canary.name[0] == "q"
    assert canary.name[1:].isdecimal()
    assert {path.stem for path in (source / "tests").iterdir()} == {*before, canary.name}


def test_its_name_is_another_in_every_run(tmp_path: Path) -> None:
    names = set()
    for number in range(20):
        folder = tmp_path / str(number)
        (folder / "tests").mkdir(parents=True)
        (folder / "tests" / "q1.py").write_text(ok_test("q1", "True"))
        names.add(laid(folder).name)
    assert len(names) > 3


@pytest.mark.parametrize("stem", ["introduction", "part 1", "q01", "q2_a", "frage_ü"])
def test_odd_names_get_one_too(tmp_path: Path, stem: str) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / f"{stem}.py").write_text(ok_test(stem, "True"))
    canary = laid(tmp_path)
    assert canary.name != stem
    assert has_failed(checked(tmp_path, canary))


def test_a_name_that_a_test_has_inside_its_file_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    inside = " ".join(f"q{number}" for number in range(1, 29))
    (tmp_path / "tests" / "q1.py").write_text(f"# {inside}\n{ok_test('q1', 'True')}")
    assert laid(tmp_path).name == "q29"


@pytest.mark.parametrize("config", [{"show_all_public": True}, {"plugins": ["some.Plugin"]}])
def test_it_is_left_out_where_otter_would_change_for_it(
    source: Path, config: dict[str, Any]
) -> None:
    (source / "otter_config.json").write_text(json.dumps(config))
    assert lay_canary(source) is None
    assert len(list((source / "tests").iterdir())) == 3


@pytest.mark.parametrize("content", ["{}", '{"plugins": []}', "no json", "[]"])
def test_a_config_that_asks_for_nothing_of_it_gets_one(source: Path, content: str) -> None:
    (source / "otter_config.json").write_text(content)
    assert lay_canary(source) is not None


def test_a_zip_without_tests_gets_none(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    assert lay_canary(tmp_path) is None


def test_totals_are_the_same_with_and_without_it(source: Path) -> None:
    canary = laid(source)
    names = {"total": 5}
    files = [checked(source, Canary(name), names) for name in ("q1", "q2", canary.name)]
    scores = GradingResults(files)
    before = (scores.total, scores.possible)
    taken = take_out(scores.results, canary)
    assert has_failed(taken)
    assert (scores.total, scores.possible) == before == (4.0, 4.0)
    assert list(scores.results) == ["q1", "q2"]


@pytest.mark.parametrize("odd", [None, 5, "failed", object()])
def test_a_result_that_is_none_of_otters_has_not_failed(odd: object) -> None:
    assert not has_failed(odd)


def test_a_result_of_no_cases_has_not_failed(source: Path) -> None:
    result = checked(source, laid(source))
    result.test_case_results = []
    assert not has_failed(result)
