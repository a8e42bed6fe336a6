"""Where settings are read: the environment and the files of secrets beside it.

This is the only module that reads the environment. Each process reads its settings once, in its
composition root, which hands values on; nothing is looked up later.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.config.refusals import refusal
from shared.config.values import AbsolutePath, LogFormat, LogLevel
from shared.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

S = TypeVar("S", bound="ProcessSettings")

_CONTAINER_SECRETS: Final = Path("/run/secrets")


def setting(
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

    volume_path: AbsolutePath = setting(
        "VOLUME_PATH", "./var", "Folder that keeps everything: the spool, notebooks, the gradebook."
    )
    log_level: LogLevel = setting(
        "GOFER_LOG_LEVEL", "info", "How much is logged: `debug`, `info`, `warning` or `error`."
    )
    log_format: LogFormat = setting(
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
        fields = {variable_of(field, name): field for name, field in cls.model_fields.items()}
        lines: dict[str, str] = {}
        for problem in error.errors(include_input=False, include_url=False, include_context=False):
            variable = str(problem["loc"][0]) if problem["loc"] else "settings"
            lines.setdefault(variable, refusal(problem, fields.get(variable)))
        raise ConfigError("\n".join(f"{name}: {text}" for name, text in lines.items())) from None


def child_environment(overrides: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment for a child, some variables set anew."""
    return {**os.environ, **overrides}  # noqa: TID251 - this module is the one reader
