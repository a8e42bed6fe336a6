"""The environment, typed: one settings class per process, each naming only what it needs.

This is the only module that reads the environment. It is read once per process, in the process's
composition root, which hands values on; nothing is looked up later. `python -m shared.config`
prints the effective settings with the secrets hidden, and `--table` the table in
`docs/configuration.md`.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from shared.batch.naming import compiled_pattern
from shared.catalogue import Defaults
from shared.errors import ConfigError
from shared.model import Limits, PublishRule, RateLimit, opaque_name
from shared.sizes import size_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

S = TypeVar("S", bound="ProcessSettings")

_CONTAINER_SECRETS: Final = Path("/run/secrets")
_PREFIX: Final = re.compile(r"/(?:[A-Za-z0-9._~@%+-]+/)*")
_ORIGIN: Final = re.compile(
    r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?|https?://\[[0-9a-f:]+\](?::[0-9]{1,5})?"
)
_LOCAL_URL: Final = "http://127.0.0.1:10101/services/gofer_nb/"


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _prefix(text: str) -> str:
    prefix = f"/{text.strip('/')}/".replace("//", "/")
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("write it as a path such as /services/gofer_nb/")
    return prefix


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise ValueError(f"write it as a URL such as {_LOCAL_URL}")
    return f"{text.rstrip('/')}/"


def _listed(text: object) -> object:
    """Read words written with commas or on lines of their own; a JSON list is taken as well."""
    if not isinstance(text, str):
        return text
    if text.lstrip().startswith("["):
        return json.loads(text)
    return tuple(word for word in map(str.strip, re.split(r"[,\n]", text)) if word)


def _origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):
        raise ValueError(
            f"{text} is no origin; write each as https://hub.example.edu, without a path"
        )
    return text


def _batch_pattern(text: str) -> str:
    return compiled_pattern(text).pattern


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Size = Annotated[int, BeforeValidator(size_bytes)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
Names = Annotated[
    tuple[Annotated[str, AfterValidator(opaque_name)], ...], NoDecode, BeforeValidator(_listed)
]
Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_listed)
]
Rate = Annotated[RateLimit, NoDecode, BeforeValidator(RateLimit.parse)]
Publish = Annotated[PublishRule, NoDecode, BeforeValidator(PublishRule.parse)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
LogFormat = Annotated[Literal["auto", "text", "json"], BeforeValidator(_lower)]


def _setting(
    variable: str, default: Any, meaning: str, *, shown: str = "", secret: bool = False
) -> Any:
    """Declare one setting: its variable, its default, and one sentence for the table.

    Args:
        variable: name in the environment.
        default: a value, or a function that makes it.
        meaning: one sentence.
        shown: what the table says of the default where its value would say little.
        secret: it may also come from a file, and is never printed.
    """
    made: dict[str, Any] = {"default_factory" if callable(default) else "default": default}
    return Field(
        validation_alias=variable,
        description=meaning,
        json_schema_extra={"shown": shown, "secret": secret},
        **made,
    )


def _processors() -> int:
    return len(os.sched_getaffinity(0))


class _SecretFiles(PydanticBaseSettingsSource):
    """Secrets from `NAME_FILE`, from systemd's credentials, or from a container's secrets."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return a secret's text from the first place that has it, or None."""
        variable = variable_of(field, field_name)
        if not is_secret(field):
            return None, variable, False
        named = os.environ.get(f"{variable}_FILE")  # noqa: TID251 - this module is the one reader
        if named:
            try:
                return Path(named).read_text("utf-8").strip(), variable, False
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{variable}_FILE: the file it names cannot be read") from error
        folders = [_CONTAINER_SECRETS]
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")  # noqa: TID251 - as above
        if credentials:
            folders.insert(0, Path(credentials))
        for folder in folders:
            try:
                return (folder / variable.lower()).read_text("utf-8").strip(), variable, False
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{variable}: the secret's file cannot be read") from error
        return None, variable, False

    def __call__(self) -> dict[str, Any]:
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            value, variable, _ = self.get_field_value(field, name)
            if value:
                found[variable] = value
        return found


class ProcessSettings(BaseSettings):
    """What every process needs."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        case_sensitive=True,
        env_ignore_empty=True,
        populate_by_name=True,
        validate_default=True,
        hide_input_in_errors=True,  # a validation error would otherwise print its neighbours
    )

    volume_path: AbsolutePath = _setting(
        "VOLUME_PATH", "./var", "Folder that keeps everything: the spool, notebooks, the gradebook."
    )
    log_level: LogLevel = _setting(
        "GOFER_LOG_LEVEL", "info", "How much is logged: `debug`, `info`, `warning` or `error`."
    )
    log_format: LogFormat = _setting(
        "GOFER_LOG_FORMAT",
        "auto",
        "How it is logged: `text`, `json`, or `auto` for text on a terminal and JSON elsewhere.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Look in the environment itself first, then in the files of secrets."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _SecretFiles(settings_cls)


class _AddressSettings(BaseSettings):
    address: str = _setting(
        "GOFER_ADDRESS", "127.0.0.1", "Address the server listens on; a loopback one for trying."
    )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server's address."""
        if self.address == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            return False


class _CatalogueSettings(BaseSettings):
    course_config_path: AbsolutePath | None = _setting(
        "COURSE_CONFIG_PATH",
        None,
        "Course config file, TOML or the classic JSON; without it the autograders' folders tell.",
    )
    autograders: AbsolutePath = _setting(
        "GOFER_AUTOGRADERS", "./autograders", "Folder under which the autograder zips lie."
    )
    course: Annotated[str, AfterValidator(opaque_name)] | None = _setting(
        "GOFER_COURSE",
        None,
        "Course that `{lab|hw|project}/…` directly under the autograders' folder belongs to.",
    )
    time_limit_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = _setting(
        "GOFER_TIME_LIMIT_S",
        Limits().time_s,
        "Seconds a notebook may run where its assignment sets no limit.",
    )
    cell_time_limit_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = _setting(
        "GOFER_CELL_TIME_LIMIT_S",
        None,
        "Seconds one cell, and one test, may run where the assignment sets no limit.",
        shown="a quarter of the time limit",
    )
    memory_limit: Size = _setting(
        "GOFER_MEMORY_LIMIT", "1g", "Memory, swap included, a notebook may use, such as `512m`."
    )
    cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] = _setting(
        "GOFER_CPUS", Limits().cpus, "Processors a notebook may use; fractions are fine."
    )
    pids_limit: Annotated[int, Field(gt=0)] = _setting(
        "GOFER_PIDS_LIMIT", Limits().pids, "Processes and threads a notebook may have at one time."
    )
    output_limit: Size = _setting(
        "GOFER_OUTPUT_LIMIT", "8m", "What a notebook's cells may print before the rest is dropped."
    )
    disk_limit: Size = _setting(
        "GOFER_DISK_LIMIT", "256m", "What a notebook may write to its temporary disk."
    )

    rate: Rate = _setting(
        "GOFER_RATE",
        "30/1h",
        "How often a student may submit one assignment: `30/1h`, or `off`.",
    )
    publish: Publish = _setting(
        "GOFER_PUBLISH",
        "immediately",
        "When students see their scores where the course config does not say: `immediately`, "
        "`manual`, or a time such as `2026-12-01T18:00:00+01:00`.",
    )

    @property
    def limits(self) -> Limits:
        """What a run may use where its assignment sets nothing else."""
        return Limits(
            time_s=self.time_limit_s,
            cell_time_s=self.cell_time_limit_s,
            memory_bytes=self.memory_limit,
            cpus=self.cpus,
            pids=self.pids_limit,
            output_bytes=self.output_limit,
            disk_bytes=self.disk_limit,
        )

    @property
    def defaults(self) -> Defaults:
        """What an assignment has where nothing is written for it."""
        return Defaults(limits=self.limits, rate=self.rate, publish=self.publish)


class _GradebookSettings(BaseSettings):
    database_url: str | None = _setting(
        "GOFER_DATABASE_URL",
        None,
        "Database that holds the gradebook.",
        shown="`gradebook.db` in `VOLUME_PATH`",
        secret=True,
    )


class _GradingSettings(_GradebookSettings):
    """What grading and looking after it both need."""

    sandbox: Literal["docker", "process"] = _setting(
        "GOFER_SANDBOX",
        "docker",
        "Where notebooks run: `docker`, or `process` for trying Gofer with trusted notebooks.",
    )
    grader_image: str = _setting(
        "GOFER_GRADER_IMAGE", "gofer-grader", "Image notebooks run in; its `python3` has otter."
    )
    docker_host: str | None = _setting(
        "DOCKER_HOST", None, "Docker engine to use.", shown="the local socket"
    )
    batch_pattern: Annotated[str, AfterValidator(_batch_pattern)] | None = _setting(
        "GOFER_BATCH_PATTERN",
        None,
        "Regular expression for the file names of a batch, with a group `(?P<student>…)`.",
    )
    wheelhouse: AbsolutePath | None = _setting(
        "GOFER_WHEELHOUSE", None, "Folder of wheels for what autograder zips ask to be installed."
    )


class _HubSettings(BaseSettings):
    """What JupyterHub tells a service of its; a managed one gets all of it by itself."""

    hub_api_url: Annotated[str, AfterValidator(_url)] | None = _setting(
        "JUPYTERHUB_API_URL", None, "Where the Hub's API answers this service."
    )
    hub_api_token: SecretStr | None = _setting(
        "JUPYTERHUB_API_TOKEN", None, "Token of this service at the Hub.", secret=True
    )
    hub_service_name: str | None = _setting(
        "JUPYTERHUB_SERVICE_NAME", None, "Name of this service at the Hub."
    )
    hub_service_url: Annotated[str, AfterValidator(_url)] | None = _setting(
        "JUPYTERHUB_SERVICE_URL",
        None,
        "Where the Hub's proxy reaches this service: it listens there, unless `GOFER_PORT` is set.",
    )
    hub_access_scopes: Words = _setting(
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES",
        (),
        "Hub scopes of which a person needs one to be let in.",
        shown="those of the service's name",
    )
    hub_client_id: str | None = _setting(
        "JUPYTERHUB_CLIENT_ID",
        None,
        "OAuth client that this service is at the Hub.",
        shown="`service-` and the service's name",
    )
    hub_callback_url: str | None = _setting(
        "JUPYTERHUB_OAUTH_CALLBACK_URL",
        None,
        "Where the Hub sends browsers back after signing in.",
        shown="`oauth_callback` under the prefix",
    )
    hub_base_url: Annotated[str, AfterValidator(_prefix)] = _setting(
        "JUPYTERHUB_BASE_URL", "/", "Path under which the Hub's proxy answers."
    )
    hub_host: str = _setting(
        "JUPYTERHUB_HOST", "", "Scheme and host of the Hub, where it is not this service's own."
    )


class ServerSettings(
    _HubSettings, _GradebookSettings, _CatalogueSettings, _AddressSettings, ProcessSettings
):
    """What the server needs."""

    port: Annotated[int, Field(ge=0, le=65535)] = _setting(
        "GOFER_PORT", 10101, "Port the server listens on; 0 takes any free one and logs it."
    )
    prefix: Annotated[str, AfterValidator(_prefix)] = _setting(
        "JUPYTERHUB_SERVICE_PREFIX", "/services/gofer_nb/", "Path under which the server answers."
    )
    processes: Annotated[int, Field(ge=1, le=64)] = _setting(
        "GOFER_SERVER_PROCESSES", 1, "How many server processes share the address."
    )
    identity: Literal["hub", "signed", "dev"] | None = _setting(
        "GOFER_IDENTITY",
        None,
        "How students are known: by `hub`, JupyterHub; `signed`, tokens of a trusted front; or "
        "`dev`, which believes the header `X-Gofer-Student`, on loopback only.",
        shown="`hub` where `JUPYTERHUB_API_URL` is set",
    )
    identity_secret: SecretStr | None = _setting(
        "GOFER_IDENTITY_SECRET",
        None,
        "Key of the tokens of `GOFER_IDENTITY=signed`; 32 bytes or more.",
        secret=True,
    )
    cookie_secret: SecretStr | None = _setting(
        "GOFER_COOKIE_SECRET",
        None,
        "Key that signs the sign-in cookies; 32 bytes or more.",
        shown="made once and kept in the volume",
        secret=True,
    )
    identity_cache_s: Annotated[int, Field(ge=1, le=3600)] = _setting(
        "GOFER_IDENTITY_CACHE_S",
        30,
        "Seconds for which what JupyterHub said of a token is believed without asking again.",
    )
    staff: Names = _setting(
        "GOFER_STAFF", (), "Names of staff, with commas between; they may look at any submission."
    )
    staff_groups: Words = _setting(
        "GOFER_STAFF_GROUPS", (), "Hub groups whose members are staff, with commas between."
    )
    allowed_origins: Origins = _setting(
        "GOFER_ALLOWED_ORIGINS",
        (),
        "Origins whose pages may submit from elsewhere, with commas between.",
    )
    max_body_bytes: Size = _setting(
        "GOFER_MAX_BODY_BYTES", "10m", "Largest submission taken, such as `10m`."
    )
    max_cells: Annotated[int, Field(ge=1)] = _setting(
        "GOFER_MAX_CELLS", 5000, "Most cells a notebook may have."
    )
    max_depth: Annotated[int, Field(ge=10, le=200)] = _setting(
        "GOFER_MAX_DEPTH", 100, "How deeply lists and objects in a notebook may be nested."
    )
    max_waiting: Annotated[int, Field(ge=1)] = _setting(
        "GOFER_MAX_WAITING", 50_000, "Most submissions that may wait for grading."
    )
    min_free_disk: Size = _setting(
        "GOFER_MIN_FREE_DISK", "1g", "Space that submissions leave free on the volume's disk."
    )
    repeat_window_s: Annotated[float, Field(ge=0, le=31_536_000, allow_inf_nan=False)] = _setting(
        "GOFER_REPEAT_WINDOW_S",
        600.0,
        "Seconds in which the same notebook sent again gets the same receipt.",
    )
    head_timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = _setting(
        "GOFER_HEAD_TIMEOUT_S",
        75.0,
        "Seconds a connection may take to send a request's head, or be idle.",
    )
    body_timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = _setting(
        "GOFER_BODY_TIMEOUT_S",
        300.0,
        "Seconds a submission may take to arrive, and an answer to be read.",
    )

    @model_validator(mode="after")
    def _defaults_of_a_hub(self) -> Self:
        """Take what the Hub says where nothing else was set."""
        derived: dict[str, Any] = {}
        if self.identity is None and self.hub_api_url is not None:
            derived["identity"] = "hub"
        if self.hub_service_url is not None and not {"port", "address"} & self.model_fields_set:
            parts = urlsplit(self.hub_service_url)
            derived["address"] = parts.hostname or "127.0.0.1"
            derived["port"] = parts.port or 80
        for name, value in derived.items():
            object.__setattr__(self, name, value)  # frozen for everyone else
        return self


class GraderSettings(_GradingSettings, _CatalogueSettings, _AddressSettings, ProcessSettings):
    """What the grader needs; it alone holds the LTI secrets."""

    concurrency: Annotated[int, Field(ge=1)] = _setting(
        "GOFER_CONCURRENCY",
        _processors,
        "How many notebooks are graded at one time.",
        shown="one per processor",
    )
    max_tries: Annotated[int, Field(ge=1)] = _setting(
        "GOFER_MAX_TRIES", 5, "How often a run that our machinery failed is started over."
    )
    sweep_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = _setting(
        "GOFER_SWEEP_S", 10.0, "Seconds between two looks through the spool; a bell rings before."
    )
    drain_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = _setting(
        "GOFER_DRAIN_S", 300.0, "Seconds that runs in hand may take to finish at a stop."
    )
    lti_consumer_key: SecretStr | None = _setting(
        "LTI_CONSUMER_KEY",
        None,
        "Key that the LMS gave for sending grades by LTI 1.1.",
        secret=True,
    )
    lti_consumer_secret: SecretStr | None = _setting(
        "LTI_CONSUMER_SECRET", None, "Secret that belongs to that key.", secret=True
    )
    post_grade: bool = _setting("POST_GRADE", False, "Whether grades are sent to the LMS.")  # noqa: FBT003 - a default, named by its place


class ConsoleSettings(_GradingSettings, _CatalogueSettings, _AddressSettings, ProcessSettings):
    """What the console and the command line need."""

    server_url: Annotated[str, AfterValidator(_url)] = _setting(
        "GOFER_URL", _LOCAL_URL, "URL at which the command line reaches the server."
    )
    demo_exit: bool = _setting(
        "GOFER_DEMO_EXIT",
        False,  # noqa: FBT003 - a default, named by its place
        "Whether the demo ends with its results, on a terminal too, and says by its exit code "
        "whether they are as expected.",
    )


PROCESSES: Final[dict[str, type[ProcessSettings]]] = {
    "server": ServerSettings,
    "grader": GraderSettings,
    "console": ConsoleSettings,
}


def variable_of(field: FieldInfo, name: str) -> str:
    """Return the environment variable that a settings field is read from."""
    return field.validation_alias if isinstance(field.validation_alias, str) else name


def is_secret(field: FieldInfo) -> bool:
    """Whether a settings field may come from a file and is never printed."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("secret"))


def read_settings(cls: type[S]) -> S:
    """Read a process's settings from the environment.

    Raises:
        ConfigError: some variables cannot be used; one line for each names it, never its value.
    """
    try:
        return cls()
    except ValidationError as error:
        lines: dict[str, str] = {}
        for problem in error.errors(include_input=False, include_url=False, include_context=False):
            variable = str(problem["loc"][0]) if problem["loc"] else "settings"
            lines.setdefault(variable, problem["msg"].removeprefix("Value error, "))
        raise ConfigError("\n".join(f"{name}: {text}" for name, text in lines.items())) from None


def child_environment(overrides: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment for a child, some variables set anew."""
    return {**os.environ, **overrides}  # noqa: TID251 - this module is the one reader


def main(arguments: list[str]) -> int:
    """Print the effective settings, or with `--table` the table of the documentation."""
    from shared import config_table  # noqa: PLC0415 - it imports this module

    return config_table.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
