"""The distribution `gofer-submit`: what is in it, and that its parts fit together."""

from __future__ import annotations

import json
import re
import tomllib
import zipfile
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.submit_button import CODE, SOURCE, build_wheel

if TYPE_CHECKING:
    from pathlib import Path

DATA: Final = "gofer_submit-{version}.data/data/"
LABEXTENSION: Final = DATA + "share/jupyter/labextensions/gofer-submit/"

SCRIPTS: Final = sorted(CODE.glob("*.js"))
of_each_script: Final = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)


def read_json(path: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SOURCE / path).read_text("utf-8"))
    return content


def pyproject() -> dict[str, Any]:
    return tomllib.loads((SOURCE / "pyproject.toml").read_text("utf-8"))


def script(name: str) -> str:
    return (CODE / name).read_text("utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_puts_every_file_where_jupyter_looks(wheel: Path) -> None:
    version = pyproject()["project"]["version"]
    wanted = {
        "gofer_submit/__init__.py",
        DATA.format(version=version) + "etc/jupyter/jupyter_server_config.d/gofer-submit.json",
    }
    for source in (SOURCE / "labextension").rglob("*"):
        if source.is_file():
            place = source.relative_to(SOURCE / "labextension").as_posix()
            wanted.add(LABEXTENSION.format(version=version) + place)
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == wanted


def test_the_wheel_needs_nothing_beside_the_jupyter_it_sits_in(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    assert metadata["Name"] == "gofer-submit"
    assert metadata.get_all("Requires-Dist") is None


def test_both_manifests_say_the_same_version_and_name() -> None:
    package, project = read_json("labextension/package.json"), pyproject()["project"]
    assert (package["name"], package["version"]) == (project["name"], project["version"])
    assert read_json("labextension/install.json")["packageName"] == project["name"]


def test_the_manifest_names_what_the_front_door_offers() -> None:
    build = read_json("labextension/package.json")["jupyterlab"]["_build"]
    assert (SOURCE / "labextension" / build["load"]).is_file()
    entry = script("remoteEntry.js")
    assert f'"{read_json("labextension/package.json")["name"]}"' in entry
    offered = set(re.findall(r'^    "(\./\w+)": async', entry, re.MULTILINE))
    assert offered == {build["extension"], build["style"]}


def test_no_file_lies_in_a_folder_that_browsers_keep_for_a_year() -> None:
    assert not list(SOURCE.rglob("static"))


def test_every_shared_package_that_is_used_is_named_for_jupyter_to_check() -> None:
    used = re.search(r"PACKAGES = \{(.*?)\}", script("shared.js"), re.DOTALL)
    assert used is not None
    named = read_json("labextension/package.json")["dependencies"]
    assert set(re.findall(r'"(.+?)"', used[1])) == set(named)


def test_the_schema_is_found_under_the_plugins_id_and_places_its_button_and_command() -> None:
    package = read_json("labextension/package.json")
    plugin, command, item = (
        re.search(rf'const {name} = "(.+?)"', script("plugin.js"))
        for name in ("PLUGIN", "COMMAND", "TOOLBAR_ITEM")
    )
    assert plugin is not None
    assert command is not None
    assert item is not None
    name, _, schema_name = plugin[1].partition(":")
    assert name == package["name"]
    schema = read_json(f"labextension/schemas/{name}/{schema_name}.json")
    assert [one["name"] for one in schema["jupyter.lab.toolbars"]["Notebook"]] == [item[1]]
    (menu,) = schema["jupyter.lab.menus"]["main"]
    assert [one["command"] for one in menu["items"]] == [command[1]]
    for setting in schema["properties"]:
        assert f'get("{setting}")' in script("plugin.js")


@of_each_script
def test_scripts_import_only_what_lies_beside_them(script: Path) -> None:
    code = script.read_text("utf-8")
    for name in re.findall(r'(?:from|import\(new URL\()\s*"(.+?)"', code):
        assert (CODE / name).is_file(), name


@of_each_script
def test_scripts_name_no_address_outside(script: Path) -> None:
    addresses = re.findall(r"https?://[\w.]+", script.read_text("utf-8"))
    assert set(addresses) <= {"http://www.w3.org"}  # a namespace, never fetched


@of_each_script
def test_scripts_never_turn_text_into_markup_or_code(script: Path) -> None:
    code = script.read_text("utf-8")
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "srcdoc",
    ):
        assert way not in code
    assert "dangerouslySetInnerHTML" not in code
    assert not re.search(r"new Function\b|DOMParser|createContextualFragment", code)


def test_every_sentence_is_in_one_place_and_is_used() -> None:
    defined = set(re.findall(r"^    (\w+): ", script("words.js"), re.MULTILINE))
    others = "".join(path.read_text("utf-8") for path in SCRIPTS if path.name != "words.js")
    assert set(re.findall(r"\bwords\.(?!js\b)(\w+)", others)) == defined
