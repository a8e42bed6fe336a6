"""What the grader needs."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import Field, SecretStr

from shared.config.environment import ProcessSettings, setting
from shared.config.sections import (
    AddressSettings,
    BackupSettings,
    CatalogueSettings,
    GradingSettings,
)
from shared.config.values import SizeOrNone  # noqa: TC001 - pydantic looks it up


def _processors() -> int:
    return len(os.sched_getaffinity(0))


class GraderSettings(
    GradingSettings, CatalogueSettings, AddressSettings, BackupSettings, ProcessSettings
):
    """What the grader needs; it alone holds the LTI secrets."""

    concurrency: Annotated[int, Field(ge=1)] = setting(
        "GOFER_CONCURRENCY",
        _processors,
        "How many notebooks are graded at one time.",
        shown="one per processor",
    )
    max_tries: Annotated[int, Field(ge=1)] = setting(
        "GOFER_MAX_TRIES", 5, "How often a run that our machinery failed is started over."
    )
    sweep_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = setting(
        "GOFER_SWEEP_S", 10.0, "Seconds between two looks through the spool; a bell rings before."
    )
    drain_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = setting(
        "GOFER_DRAIN_S", 300.0, "Seconds that runs in hand may take to finish at a stop."
    )
    warm_memory: SizeOrNone = setting(
        "GOFER_WARM_MEMORY",
        "1g",
        "Memory that sandboxes which are ready ahead may take together while they wait; "
        "0 makes none ahead.",
    )
    backups_kept: Annotated[int, Field(ge=1)] = setting(
        "GOFER_BACKUPS_KEPT", 7, "How many of the daily backups stay, the newest."
    )
    lti_consumer_key: SecretStr | None = setting(
        "LTI_CONSUMER_KEY",
        None,
        "Key that the LMS gave for sending grades by LTI 1.1.",
        secret=True,
    )
    lti_consumer_secret: SecretStr | None = setting(
        "LTI_CONSUMER_SECRET", None, "Secret that belongs to that key.", secret=True
    )
    post_grade: bool = setting("POST_GRADE", False, "Whether grades are sent to the LMS.")  # noqa: FBT003 - a default, named by its place
