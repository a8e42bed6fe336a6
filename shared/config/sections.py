"""Groups of settings that several processes share."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from shared.catalogue import Defaults
from shared.config.environment import setting
from shared.config.values import AbsolutePath, BatchPattern, FolderOrOff, Name, Publish, Rate, Size
from shared.model import Limits


class AddressSettings(BaseSettings):
    """Where the server listens."""

    address: str = setting(
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


class BackupSettings(BaseSettings):
    """Where the gradebook is backed up."""

    backups: FolderOrOff | None = setting(
        "GOFER_BACKUPS",
        None,
        "Folder of the gradebook's daily backups, best on another disk; `off` makes none.",
        shown="`backups` in `VOLUME_PATH`",
    )

    def backup_folder(self, volume: Path) -> Path | None:
        """Return the folder; None where no backups are made.

        Args:
            volume: `VOLUME_PATH`.
        """
        if self.backups is None:
            return volume / "backups"
        if self.backups.strip().lower() == "off":
            return None
        return Path(self.backups).expanduser().absolute()


class CatalogueSettings(BaseSettings):
    """Where courses are described, and what an assignment has that sets nothing."""

    course_config_path: AbsolutePath | None = setting(
        "COURSE_CONFIG_PATH",
        None,
        "Course config file, TOML or the classic JSON; without it the autograders' folders tell.",
    )
    autograders: AbsolutePath = setting(
        "GOFER_AUTOGRADERS", "./autograders", "Folder under which the autograder zips lie."
    )
    course: Name | None = setting(
        "GOFER_COURSE",
        None,
        "Course that `{lab|hw|project}/…` directly under the autograders' folder belongs to.",
    )
    time_limit_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = setting(
        "GOFER_TIME_LIMIT_S",
        Limits().time_s,
        "Seconds a notebook may run where its assignment sets no limit.",
    )
    cell_time_limit_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = setting(
        "GOFER_CELL_TIME_LIMIT_S",
        None,
        "Seconds one cell, and one test, may run where the assignment sets no limit.",
        shown="a quarter of the time limit",
    )
    memory_limit: Size = setting(
        "GOFER_MEMORY_LIMIT", "1g", "Memory, swap included, a notebook may use, such as `512m`."
    )
    cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] = setting(
        "GOFER_CPUS", Limits().cpus, "Processors a notebook may use; fractions are fine."
    )
    pids_limit: Annotated[int, Field(gt=0)] = setting(
        "GOFER_PIDS_LIMIT", Limits().pids, "Processes and threads a notebook may have at one time."
    )
    output_limit: Size = setting(
        "GOFER_OUTPUT_LIMIT", "8m", "What a notebook's cells may print before the rest is dropped."
    )
    disk_limit: Size = setting(
        "GOFER_DISK_LIMIT", "256m", "What a notebook may write to its temporary disk."
    )

    rate: Rate = setting(
        "GOFER_RATE",
        "30/1h",
        "How often a student may submit one assignment: `30/1h`, or `off`.",
    )
    publish: Publish = setting(
        "GOFER_PUBLISH",
        "immediately",
        "When students see their scores where the course config does not say: `immediately`, "
        "`manual`, or a time such as `2026-12-01T18:00:00+01:00`.",
    )

    edx_url: str | None = setting(
        "EDX_URL",
        None,
        "The edX that the classic course config's grades go to: a host, or an address with a "
        "scheme.",
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
        return Defaults(
            limits=self.limits, rate=self.rate, publish=self.publish, edx_url=self.edx_url
        )


class GradebookSettings(BaseSettings):
    """Where the gradebook is."""

    database_url: str | None = setting(
        "GOFER_DATABASE_URL",
        None,
        "Database that holds the gradebook: `postgresql://USER:PASSWORD@HOST/NAME`.",
        shown="`gradebook.db` in `VOLUME_PATH`",
        secret=True,
    )


class GradingSettings(GradebookSettings):
    """What grading and looking after it both need."""

    sandbox: Literal["docker", "process"] = setting(
        "GOFER_SANDBOX",
        "docker",
        "Where notebooks run: `docker`, or `process` for trying Gofer with trusted notebooks.",
    )
    grader_image: str = setting(
        "GOFER_GRADER_IMAGE", "gofer-grader", "Image notebooks run in; its `python3` has otter."
    )
    docker_host: str | None = setting(
        "DOCKER_HOST", None, "Docker engine to use.", shown="the local socket"
    )
    docker_runtime: str | None = setting(
        "GOFER_DOCKER_RUNTIME",
        None,
        "What the engine is to run containers with, such as `runsc` (gVisor).",
        shown="the engine's own default",
    )
    shared_start: bool = setting(
        "GOFER_SHARED_START",
        False,  # noqa: FBT003 - a default, named by its place
        "Whether containers serve one run after another, each alone in it: `on` or `off`.",
    )
    batch_pattern: BatchPattern | None = setting(
        "GOFER_BATCH_PATTERN",
        None,
        "Regular expression for the file names of a batch, with a group `(?P<student>…)`.",
    )
    wheelhouse: AbsolutePath | None = setting(
        "GOFER_WHEELHOUSE", None, "Folder of wheels for what autograder zips ask to be installed."
    )
