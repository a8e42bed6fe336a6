"""How a setting's text becomes a value: the types that the settings classes name."""

from __future__ import annotations

import json
import re
import zoneinfo
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from shared.batch.naming import compiled_pattern
from shared.model import PublishRule, RateLimit, opaque_name
from shared.sizes import size_bytes

LOCAL_URL: Final = "http://127.0.0.1:10101/services/gofer_nb/"

_PREFIX: Final = re.compile(r"/(?:[A-Za-z0-9._~@%+-]+/)*")
_ORIGIN: Final = re.compile(
    r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?|https?://\[[0-9a-f:]+\](?::[0-9]{1,5})?"
)


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("there is no home folder of the user that it names after ~") from None


def _folder_or_off(text: str) -> str:
    if text.strip().lower() != "off":
        _absolute(Path(text))
    return text


def _prefix(text: str) -> str:
    prefix = f"/{text.strip('/')}/".replace("//", "/")
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("write it as a path such as /services/gofer_nb/")
    return prefix


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise ValueError(f"write it as a URL such as {LOCAL_URL}")
    return f"{text.rstrip('/')}/"


def _listed(text: object) -> object:
    """Read words written with commas or on lines of their own; a JSON list is taken as well."""
    if not isinstance(text, str):
        return text
    if text.lstrip().startswith("["):
        return _json_list(text)
    return tuple(word for word in map(str.strip, re.split(r"[,\n]", text)) if word)


def _json_list(text: str) -> object:
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
        raise ValueError('write it with commas between, or as a JSON list such as ["one", "two"]')
    return listed


def _origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):
        shown = text.encode("utf-8", "replace").decode()  # it may hold bytes that are no text
        raise ValueError(
            f"{shown} is no origin; write each as https://hub.example.edu, without a path"
        )
    return text


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError("there is no such time zone; write one as Europe/Berlin or UTC") from None
    return name


def _batch_pattern(text: str) -> str:
    return compiled_pattern(text).pattern


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
FolderOrOff = Annotated[str, AfterValidator(_folder_or_off)]
Size = Annotated[int, BeforeValidator(size_bytes)]
SizeOrNone = Annotated[int, BeforeValidator(partial(size_bytes, least=0))]
"""One where 0 means none at all."""
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
Prefix = Annotated[str, AfterValidator(_prefix)]
Url = Annotated[str, AfterValidator(_url)]
Name = Annotated[str, AfterValidator(opaque_name)]
BatchPattern = Annotated[str, AfterValidator(_batch_pattern)]
ZoneName = Annotated[str, AfterValidator(_zone)]
