from __future__ import annotations

import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from shared.config import (
    PROCESSES,
    ConsoleSettings,
    GraderSettings,
    ProcessSettings,
    ServerSettings,
    is_secret,
    read_settings,
    table,
    variable_of,
)
from shared.errors import ConfigError
from shared.model import Limits

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for cls in PROCESSES.values():
        for name, field in cls.model_fields.items():
            monkeypatch.delenv(variable_of(field, name), raising=False)
            monkeypatch.delenv(f"{variable_of(field, name)}_FILE", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.mark.parametrize("cls", PROCESSES.values())
def test_every_process_starts_from_an_empty_environment(cls: type[ProcessSettings]) -> None:
    settings = read_settings(cls)
    assert settings.volume_path == Path("var").absolute()
    assert settings.log_level == "info"


def test_limits_without_any_setting_are_the_models() -> None:
    assert read_settings(GraderSettings).limits == Limits()


def test_no_memory_for_what_waits_ready_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFER_WARM_MEMORY", "0")
    assert read_settings(GraderSettings).warm_memory == 0


def test_limits_are_read_with_their_units(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "GOFER_TIME_LIMIT_S": "30",
        "GOFER_CELL_TIME_LIMIT_S": "5.5",
        "GOFER_MEMORY_LIMIT": "512m",
        "GOFER_CPUS": "0.5",
        "GOFER_PIDS_LIMIT": "64",
        "GOFER_OUTPUT_LIMIT": "1048576",
        "GOFER_DISK_LIMIT": "1.5 GiB",
    }.items():
        monkeypatch.setenv(name, value)
    assert read_settings(ServerSettings).limits == Limits(
        time_s=30,
        cell_time_s=5.5,
        memory_bytes=512 << 20,
        cpus=0.5,
        pids=64,
        output_bytes=1 << 20,
        disk_bytes=3 << 29,
    )


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFER_PORT", "")
    monkeypatch.setenv("GOFER_IDENTITY", "")
    settings = read_settings(ServerSettings)
    assert settings.port == 10101
    assert settings.identity is None


def test_every_bad_variable_gets_one_line_that_names_it_and_not_its_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad = {
        "GOFER_PORT": "hunter2",
        "GOFER_SANDBOX": "hunter2",
        "GOFER_MEMORY_LIMIT": "hunter2",
        "GOFER_CONCURRENCY": "0",
        "POST_GRADE": "hunter2",
        "GOFER_LOG_LEVEL": "hunter2",
        "GOFER_COURSE": "hunter2\u202e",
        "GOFER_TIME_LIMIT_S": "nan",
        "JUPYTERHUB_SERVICE_PREFIX": "/a b/",
        "GOFER_IDENTITY": "hunter2",
        "GOFER_URL": "ftp://hunter2",
        "GOFER_PUBLISH": "9999-12-31T23:59:59-08:00",
    }
    for name, value in bad.items():
        monkeypatch.setenv(name, value)
    named = set()
    for cls in PROCESSES.values():
        with pytest.raises(ConfigError) as caught:
            read_settings(cls)
        lines = str(caught.value).splitlines()
        names = [line.split(":")[0] for line in lines]
        assert len(set(names)) == len(names)
        named |= set(names)
        assert "hunter2" not in str(caught.value)
    assert named == set(bad)


def refusal_of(cls: type[ProcessSettings]) -> str:
    with pytest.raises(ConfigError) as caught:
        read_settings(cls)
    return str(caught.value)


@pytest.mark.parametrize(
    ("variable", "written", "said"),
    [
        ("GOFER_PORT", "many", "it is no whole number; write a whole number from 0 to 65535"),
        ("GOFER_PORT", "-1", "it is too small; write a whole number from 0 to 65535"),
        ("GOFER_PORT", "65536", "it is too large; write a whole number from 0 to 65535"),
        ("GOFER_PORT", "9" * 5000, "it is too large; write a whole number from 0 to 65535"),
        ("GOFER_MAX_CELLS", "0", "it is too small; write a whole number of at least 1"),
        ("GOFER_PIDS_LIMIT", "1.5", "it is no whole number; write a whole number above 0"),
        ("GOFER_CPUS", "0", "it is too small; write a number above 0"),
        ("GOFER_CELL_TIME_LIMIT_S", "soon", "it is no number; write a number above 0"),
        ("GOFER_TIME_LIMIT_S", "inf", "it is no number; write a number above 0"),
        ("GOFER_REPEAT_WINDOW_S", "1e9", "it is too large; write a number from 0 to 31536000"),
        ("GOFER_IDENTITY", "ldap", "there is no such choice; write `hub`, `signed` or `dev`"),
        ("GOFER_PORT", "\udcff", "it holds bytes that are no UTF-8"),
        ("VOLUME_PATH", "~nobody.such/x", "there is no home folder of the user that it names"),
        ("GOFER_STAFF", "[ada, ben]", "write it with commas between, or as a JSON list such as"),
        ("GOFER_STAFF", "[1]", "write it with commas between, or as a JSON list such as"),
        ("GOFER_STAFF", "[" * 100_000, "write it with commas between, or as a JSON list such as"),
        ("GOFER_ALLOWED_ORIGINS", "\udcff", "? is no origin; write each as https://"),
        ("GOFER_MEMORY_LIMIT", "9" * 5000, "write a size as bytes or with k, m or g"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_it_may_be(
    monkeypatch: pytest.MonkeyPatch, variable: str, written: str, said: str
) -> None:
    monkeypatch.setenv(variable, written)
    assert refusal_of(ServerSettings).startswith(f"{variable}: {said}")


def test_a_folder_of_backups_in_nobodys_home_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFER_BACKUPS", "~nobody.such/x")
    assert "GOFER_BACKUPS: there is no home folder" in refusal_of(GraderSettings)


def test_a_switch_is_on_or_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POST_GRADE", "perhaps")
    assert refusal_of(GraderSettings) == "POST_GRADE: write `on` or `off`"


@pytest.mark.parametrize("cls", PROCESSES.values())
def test_no_refusal_speaks_of_inputs(
    monkeypatch: pytest.MonkeyPatch, cls: type[ProcessSettings]
) -> None:
    told = []
    for name, field in cls.model_fields.items():
        variable = variable_of(field, name)
        for written in ("nonsense", "-1", "99999999999", "nan", "[1]", "\udcff", "~nobody.such"):
            monkeypatch.setenv(variable, written)
            with suppress(ConfigError):
                read_settings(cls)
                continue
            told.append(refusal_of(cls))
        monkeypatch.delenv(variable)
    assert len(told) > 30
    assert not [one for one in told if "nput" in one or "\n" in one]


@pytest.mark.parametrize(
    ("written", "prefix"),
    [
        ("/services/gofer_nb/", "/services/gofer_nb/"),
        ("services/x", "/services/x/"),
        ("/", "/"),
    ],
)
def test_the_prefix_begins_and_ends_with_a_slash(
    monkeypatch: pytest.MonkeyPatch, written: str, prefix: str
) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", written)
    assert read_settings(ServerSettings).prefix == prefix


def test_the_servers_url_ends_with_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFER_URL", "https://gofer.example.edu/nb")
    assert read_settings(ConsoleSettings).server_url == "https://gofer.example.edu/nb/"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("gofer.example.edu", False),
    ],
)
def test_loopback_addresses_are_known(address: str, *, expected: bool) -> None:
    assert ServerSettings(address=address).is_loopback is expected


def test_a_secret_comes_from_the_variable_before_any_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("from the file\n")
    monkeypatch.setenv("LTI_CONSUMER_KEY", "from the variable")
    monkeypatch.setenv("LTI_CONSUMER_KEY_FILE", str(tmp_path / "key"))
    key = read_settings(GraderSettings).lti_consumer_key
    assert key is not None
    assert key.get_secret_value() == "from the variable"


def test_a_secret_comes_from_the_file_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("from the file\n")
    monkeypatch.setenv("LTI_CONSUMER_SECRET_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("GOFER_DATABASE_URL_FILE", str(tmp_path / "key"))
    settings = read_settings(GraderSettings)
    assert settings.lti_consumer_secret is not None
    assert settings.lti_consumer_secret.get_secret_value() == "from the file"
    assert settings.database_url == "from the file"


def test_a_secret_comes_from_the_credentials_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "lti_consumer_key").write_text("a credential\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    key = read_settings(GraderSettings).lti_consumer_key
    assert key is not None
    assert key.get_secret_value() == "a credential"


def test_a_secrets_file_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LTI_CONSUMER_KEY_FILE", str(tmp_path / "missing"))
    with pytest.raises(ConfigError, match=r"^LTI_CONSUMER_KEY_FILE: "):
        read_settings(GraderSettings)


def test_the_server_and_the_console_hold_no_lti_secret() -> None:
    for cls in (ServerSettings, ConsoleSettings):
        assert not [name for name in cls.model_fields if name.startswith("lti")]
    held = {name for name, field in ServerSettings.model_fields.items() if is_secret(field)}
    assert held == {"hub_api_token", "identity_secret", "cookie_secret", "database_url"}


def test_effective_settings_hide_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LTI_CONSUMER_SECRET", "hunter2")
    monkeypatch.setenv("GOFER_DATABASE_URL", "postgresql://gofer:hunter2@db/gofer")
    rows = dict(table.effective(read_settings(GraderSettings)))
    assert rows["LTI_CONSUMER_SECRET"] == rows["GOFER_DATABASE_URL"] == "(set, hidden)"
    assert rows["LTI_CONSUMER_KEY"] == "(not set)"
    assert rows["GOFER_MAX_TRIES"] == "5"
    assert "hunter2" not in str(rows)


def test_every_setting_has_a_variable_and_one_sentence() -> None:
    for cls in PROCESSES.values():
        for name, field in cls.model_fields.items():
            assert isinstance(field.validation_alias, str), name
            assert variable_of(field, name).isupper()
            assert field.description, name
            assert field.description.endswith("."), name


def test_the_documentation_lists_what_the_code_reads() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert page == table.documentation(), (
        "write it again: python -m shared.config --table > docs/configuration.md"
    )


def test_readme_has_the_same_table() -> None:
    page = (ROOT / "README.md").read_text("utf-8")
    found = re.search(r"<!-- table of settings.*-->\n(.*?)<!-- end of the table", page, re.DOTALL)
    assert found is not None
    rows = [line for line in table.documentation().splitlines() if line.startswith("|")]
    assert found[1].splitlines() == rows, "copy the table of docs/configuration.md to README.md"


def test_the_module_prints_every_process_and_fails_on_bad_settings() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "shared.config"],
        cwd=ROOT,
        env={"GOFER_PORT": "hunter2", "LTI_CONSUMER_KEY": "hunter3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert [line for line in run.stdout.splitlines() if line.startswith("[")] == [
        "[server]",
        "[grader]",
        "[console]",
    ]
    assert run.stderr.startswith("GOFER_PORT: ")
    assert "hunter" not in run.stdout + run.stderr
