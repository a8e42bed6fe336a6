"""What a course config file may write of an assignment, and how levels of it are combined."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, StrictStr

from shared.catalogue.entries import Assignment, Defaults
from shared.catalogue.passback import Passback, WrittenPassback, edx_passback
from shared.catalogue.written_policy import WrittenPolicy
from shared.errors import ConfigError
from shared.model import AssignmentKey, Limits, PublishRule, RateLimit
from shared.sizes import size_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydantic import ValidationError


def _id_text(written: object) -> object:
    return str(written) if isinstance(written, int) and not isinstance(written, bool) else written


def _parsed(parse: Callable[[Any], object]) -> Callable[[object], object]:
    """Return a validator for what is written as a text, or as a time of TOML's own."""

    def validator(written: object) -> object:
        return parse(written) if isinstance(written, str | datetime) else written

    return validator


Text = Annotated[StrictStr, Field(min_length=1)]
LmsId = Annotated[Text, BeforeValidator(_id_text)]
"""What the LMS calls an assignment; may be written as a number."""
_Size = Annotated[int, BeforeValidator(size_bytes)]
_Amount = Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)]


Rate = Annotated[RateLimit, BeforeValidator(_parsed(RateLimit.parse))]
Publish = Annotated[PublishRule, BeforeValidator(_parsed(PublishRule.parse))]


class Written(WrittenPolicy):
    """The keys of an assignment; a section or a course may write them too, as defaults."""

    autograder: Text | None = None
    solution: Text | None = None
    image: Text | None = None
    time_limit_s: _Amount | None = None
    cell_time_limit_s: _Amount | None = None
    memory: _Size | None = None
    cpus: _Amount | None = None
    pids: Annotated[int, Field(gt=0, strict=True)] | None = None
    output: _Size | None = None
    disk: _Size | None = None
    lms_id: LmsId | None = None
    rate: Rate | None = None
    publish: Publish | None = None
    passback: WrittenPassback | None = None

    def over(self, *outer: Written) -> Written:
        """Return this with what it leaves out taken from outer levels, the nearest first."""
        found: dict[str, Any] = {}
        for level in (self, *outer):
            for name in Written.model_fields:
                if found.get(name) is None:
                    found[name] = getattr(level, name)
                elif name == "passback":
                    found[name] = found[name].over(level.passback)
        return Written.model_construct(**found)

    def limits(self, defaults: Limits) -> Limits:
        """Return the limits that are written, and the defaults for those that are not."""
        written = {
            "time_s": self.time_limit_s,
            "cell_time_s": self.cell_time_limit_s,
            "memory_bytes": self.memory,
            "cpus": self.cpus,
            "pids": self.pids,
            "output_bytes": self.output,
            "disk_bytes": self.disk,
        }
        given: dict[str, Any] = {name: value for name, value in written.items() if value}
        return replace(defaults, **given)


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment as a course config file writes it, with its paths resolved.

    Attributes:
        source: the course config file.
        course_id: as edX calls the course, where the classic form says so.
    """

    key: AssignmentKey
    autograder_zip: Path
    solution: Path | None
    written: Written
    source: Path
    course_id: str | None = None

    def assignment(self, defaults: Defaults) -> Assignment:
        """Return the catalogue's entry.

        Raises:
            ConfigError: its passback does not fit; the line names the file and the key.
        """
        return Assignment(
            key=self.key,
            autograder_zip=self.autograder_zip,
            solution=self.solution,
            image=self.written.image,
            limits=self.written.limits(defaults.limits),
            lms_id=self.written.lms_id,
            rate=self.written.rate or defaults.rate,
            publish=self.written.publish or defaults.publish,
            policy=self.written.policy(),
            time_zone=self.written.timezone,
            passback=self._passback(defaults),
        )

    def _passback(self, defaults: Defaults) -> Passback | None:
        written, lms_id = self.written.passback, self.written.lms_id
        if written is None:
            return edx_passback(self.course_id, lms_id, defaults.edx_url)
        try:
            return written.passback(
                self.key, edx_url=defaults.edx_url, lms_id=lms_id, beside=self.source.parent
            )
        except ValueError as error:
            raise ConfigError(f"{self.source}: {self.key}: {error}") from None


def config_error(path: Path, error: ValidationError, *under: str) -> ConfigError:
    """Return one line that names the file, the first bad key and what is wrong with it.

    Args:
        path: the course config file.
        error: what validating it found.
        under: the keys above the part that was validated.
    """
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    first = problems[0]
    key = ".".join([*under, *(str(part) for part in first["loc"])]) or "the whole file"
    if first["type"] == "extra_forbidden":
        text = "there is no such key"
    elif first["type"] == "missing":
        text = "this key is missing"
    elif first["type"] in {"model_type", "dict_type"}:
        text = "this has to be a table of keys"
    else:
        text = first["msg"].removeprefix("Value error, ")
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return ConfigError(f"{path}: {key}: {text}{more}")
