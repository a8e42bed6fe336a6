"""What the pages say is true of the code: links, make targets, settings, commands, examples."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import typer.main
import yaml
from typer.core import TyperGroup
from typer.testing import CliRunner

from gofer_console.cli import app
from gofer_ingest.grader import results, stops
from gofer_ingest.server.grader_state import GraderState
from gofer_ingest.server.metrics import Metrics
from shared import model
from shared.catalogue import Defaults, load_catalogue
from shared.config import PROCESSES, is_secret, variable_of
from shared.model import AttemptsPolicy, Verdict
from shared.queue_snapshot import PassbackOutlook
from shared.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "changes/*.md", "examples/**/*.md")
    for page in ROOT.glob(pattern)
    if page.name != "template.md"
)
FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN: Final = re.compile(r"`([^`\n]+)`")
LINK: Final = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")
OURS: Final = re.compile(
    r"\b((?:GOFER|LTI|JUPYTERHUB|POST|VOLUME|COURSE|DOCKER|EDX)_[A-Z0-9_]*[A-Z0-9])\b(?!\*)"
)

of_each_page: Final = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix()
)


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def code_of(page: Path) -> str:
    """All that stands in a page's code blocks and code spans, one piece a line."""
    text = text_of(page)
    blocks = [match[2] for match in FENCE.finditer(text)]
    return "\n".join([*blocks, *SPAN.findall(FENCE.sub("", text))])


def blocks_of(page: Path, language: str) -> list[str]:
    return [match[2] for match in FENCE.finditer(text_of(page)) if match[1] == language]


def anchors_of(page: Path) -> set[str]:
    """The anchors that a page's headings get, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    words = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in words}


def commands_of(group: TyperGroup, prefix: str = "gofer") -> Iterator[str]:
    for name, command in group.commands.items():
        yield f"{prefix} {name}"
        if isinstance(command, TyperGroup):
            yield from commands_of(command, f"{prefix} {name}")


@of_each_page
def test_relative_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert target.resolve().is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors_of(target), link


@of_each_page
def test_make_targets_exist(page: Path) -> None:
    makefile = text_of(ROOT / "Makefile")
    for target in re.findall(r"\bmake ([a-z][a-z-]*)", code_of(page)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@of_each_page
def test_settings_are_settings_of_the_code(page: Path) -> None:
    known = set()
    for cls in PROCESSES.values():
        for name, field in cls.model_fields.items():
            known.add(variable_of(field, name))
            if is_secret(field):
                known.add(f"{variable_of(field, name)}_FILE")
    known |= {"GOFER_REQUIRE_DOCKER", "GOFER_REQUIRE_BROWSER"}  # for the tests alone
    assert set(OURS.findall(code_of(page))) <= known


@of_each_page
def test_commands_are_commands_of_the_code(page: Path) -> None:
    group = typer.main.get_group(app)
    assert isinstance(group, TyperGroup)
    known = set(commands_of(group))
    groups = {name.rpartition(" ")[0] for name in known}
    code = code_of(page)
    for words in re.findall(r"(?:^|[\s/])gofer ([a-z]+(?: [a-z]+)?)", code, re.MULTILINE):
        first, _, second = words.partition(" ")
        command = f"gofer {first}"
        assert command in known, words
        if command in groups and second:
            assert f"{command} {second}" in known, words


def test_usage_lines_say_each_bracket_and_each_repetition_once() -> None:
    group = typer.main.get_group(app)
    assert isinstance(group, TyperGroup)
    for name in commands_of(group):
        shown = CliRunner().invoke(app, [*name.split()[1:], "--help"]).stdout
        usage = next(line for line in shown.splitlines() if "Usage:" in line)
        assert not re.search(r"\[\[|\.\.\.[\]}]", usage), usage


@of_each_page
def test_modules_that_are_run_are_there(page: Path) -> None:
    for module in re.findall(r"python -m ((?:gofer_|shared)[\w.]*\w)", code_of(page)):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


@of_each_page
def test_course_configs_load(page: Path, tmp_path: Path) -> None:
    blocks = [("toml", block) for block in blocks_of(page, "toml") if "[courses" in block]
    blocks += [("json", block) for block in blocks_of(page, "json") if "subpath_to_zips" in block]
    for language, block in blocks:
        config = tmp_path / f"course.{language}"
        config.write_text(block, "utf-8")
        catalogue = load_catalogue(
            course_config=config, autograders=tmp_path, defaults=Defaults(), course=None
        )
        assert len(catalogue), block


def test_readme_shows_both_shapes_of_a_course_config() -> None:
    readme = ROOT / "README.md"
    assert any("[courses" in block for block in blocks_of(readme, "toml"))
    classic = [json.loads(block) for block in blocks_of(readme, "json")]
    assert any(
        "subpath_to_zips" in section for one in classic for section in one["stat20"].values()
    )


def test_readme_lists_every_command_and_every_make_target() -> None:
    group = typer.main.get_group(app)
    assert isinstance(group, TyperGroup)
    code = code_of(ROOT / "README.md")
    for command in commands_of(group):
        assert command in code
    for target in re.findall(r"^([a-z-]+):.*## ", text_of(ROOT / "Makefile"), re.MULTILINE):
        assert f"make {target}" in code


def test_readme_lists_every_key_of_an_assignment() -> None:
    from shared.catalogue.written import Written  # noqa: PLC0415 - a detail of one test

    code = code_of(ROOT / "README.md")
    for key in Written.model_fields:
        assert re.search(rf"\b{key}\b", code), key
    for policy in AttemptsPolicy:
        assert policy in code


@pytest.mark.parametrize("page", ["operations.md", "glossary.md"])
def test_every_verdict_is_explained(page: str) -> None:
    code = code_of(ROOT / "docs" / page)
    assert [verdict for verdict in Verdict if not re.search(rf"\b{verdict}\b", code)] == []


def test_every_flag_and_no_other_is_explained() -> None:
    names = {**vars(results), **vars(stops), **vars(model)}
    flags = {value for name, value in names.items() if name.startswith("FLAG_")}
    text = text_of(ROOT / "docs" / "operations.md")
    table = re.search(r"^\| flag .*?\n\n", text, re.MULTILINE | re.DOTALL)
    assert table is not None
    assert set(re.findall(r"^\| `(\w+)`", table[0], re.MULTILINE)) == flags


def test_every_metric_and_no_other_is_explained(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.prepare()
    state = GraderState(
        is_running=True,
        paused="engine",
        silent_s=1.0,
        passback=PassbackOutlook(),
        backup_age_s=1.0,
    )
    told = Metrics(spool, lambda: state).text().decode()
    names = {
        f"{name}_total" if kind == "counter" and not name.endswith("_total") else name
        for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", told, re.MULTILINE)
        if not name.endswith("_created")
    }
    text = text_of(ROOT / "docs" / "operations.md")
    table = re.search(r"^\| metric .*?\n\n", text, re.MULTILINE | re.DOTALL)
    assert table is not None
    assert set(re.findall(r"^\| `(\w+)`", table[0], re.MULTILINE)) == names


def test_snippets_for_other_programs_are_well_formed() -> None:
    for page in PAGES:
        for block in blocks_of(page, "yaml"):
            assert isinstance(yaml.safe_load(block), dict), page
        for block in blocks_of(page, "json"):
            json.loads(block)
        for block in blocks_of(page, "toml"):
            tomllib.loads(block)


def units_of(page: Path) -> list[configparser.ConfigParser]:
    units = []
    for block in blocks_of(page, "ini"):
        unit = configparser.ConfigParser(interpolation=None, strict=False)
        unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd minds the case
        unit.read_string(block)
        units.append(unit)
    return units


def test_units_start_what_there_is_and_lay_secrets_where_they_are_looked_for() -> None:
    secrets = {
        variable_of(field, name).lower()
        for cls in PROCESSES.values()
        for name, field in cls.model_fields.items()
        if is_secret(field)
    }
    services = [
        unit["Service"]
        for page in (ROOT / "docs" / "operations.md", ROOT / "docs" / "jupyterhub.md")
        for unit in units_of(page)
    ]
    assert len(services) == 3
    for service in services:
        module = service["ExecStart"].rpartition(" -m ")[2]
        assert (ROOT / module.replace(".", "/") / "__main__.py").is_file(), module
        if "LoadCredential" in service:
            assert service["LoadCredential"].partition(":")[0] in secrets


def test_the_log_lines_that_operations_names_are_written_by_the_code() -> None:
    text = text_of(ROOT / "docs" / "operations.md")
    table = re.search(r"^\| action \| level .*?\n\n", text, re.MULTILINE | re.DOTALL)
    assert table is not None
    first_cells = re.findall(r"^\| (`.*?) \|", table[0], re.MULTILINE)
    named = {action for cell in first_cells for action in re.findall(r"`([a-z_.]+)`", cell)}
    assert named
    code = "".join(
        text_of(source)
        for package in ("gofer_ingest", "shared")
        for source in (ROOT / package).rglob("*.py")
    )
    assert {action for action in named if f'"{action}"' not in code} == set()


def test_every_check_of_the_doctor_is_explained() -> None:
    sources = [ROOT / "gofer_console" / "checks.py", ROOT / "gofer_ingest/grader/examination.py"]
    names = {name for path in sources for name in re.findall(r'name="([^"]+)"', text_of(path))}
    text = text_of(ROOT / "docs" / "operations.md")
    assert {name for name in names if f"\n| {name} |" not in text} == set()


def test_every_cause_of_an_lmss_answer_and_no_other_is_explained() -> None:
    text = text_of(ROOT / "docs" / "passback.md")
    table = re.search(r"^\| cause .*?\n\n", text, re.MULTILINE | re.DOTALL)
    assert table is not None
    explained = set(re.findall(r"^\| `(\w+)`", table[0], re.MULTILINE))
    code = "".join(text_of(source) for source in (ROOT / "shared" / "lti").glob("*.py"))
    assert {cause for cause in explained if f'"{cause}"' not in code} == set()
    given = re.findall(r'(?:refused|try_later)\([^()]*?, "(\w+)"[,)]', code)
    given += re.findall(r'(?:cause=|None, |_s, )"(\w+)"\)', code)
    assert len(given) > 20
    assert set(given) - explained == set()


def test_every_decision_is_listed_and_has_its_four_parts() -> None:
    folder = ROOT / "docs" / "adr"
    listed = set(LINK.findall(text_of(folder / "README.md")))
    pages = {page for page in folder.glob("*.md") if page.name != "README.md"}
    assert {page.name for page in pages} == listed
    for page in pages:
        headings = re.findall(r"^## (.+)$", text_of(page), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "What would change our mind"]


@of_each_page
def test_no_page_names_a_place_of_one_machine(page: Path) -> None:
    assert [place for place in ("/root/", "/work/", "/home/") if place in text_of(page)] == []
