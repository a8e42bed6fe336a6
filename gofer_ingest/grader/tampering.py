"""What an answer shows of tampering with its tests, and how staff are told. Pure.

It is the harness's word, but what the probe found comes from the notebook's own kernel: a notebook
can keep quiet about itself, and speak of itself alone.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from gofer_ingest.grader.untrusted import Untrusted
from shared.model import FLAG_TAMPERED

FINDINGS_MAX: Final = 10


class Tampering(Untrusted):
    """What became of the canary, and what the probe found.

    Attributes:
        canary: `failed`, as it must; `passed`, which no honest notebook can; `missing`, although
            the other tests have results; `not_run`, the run ended before; `left_out`, the zip takes
            none.
        probe: `answered`; `silent`, although its turn had come; `not_run`.
        findings: in plain words for staff.
    """

    canary: Literal["failed", "passed", "missing", "not_run", "left_out"]
    probe: Literal["answered", "silent", "not_run"]
    findings: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=FINDINGS_MAX)]


def flags_of(found: Tampering) -> set[str]:
    """Return the flags of a run that has results."""
    return {FLAG_TAMPERED} if staff_sentences(found) else set()


def staff_sentences(found: Tampering) -> str:
    """Say what there is against a run; nothing where there is nothing."""
    sentences = []
    if found.canary == "passed":
        sentences.append("A test that nobody can pass was reported as passed.")
    if found.canary == "missing":
        sentences.append("The result of a test that nobody can pass was taken away.")
    if found.probe == "silent":
        sentences.append("The probe at the end of the run was kept from answering.")
    return " ".join([*sentences, *found.findings])


def log_line(found: Tampering) -> str:
    """Say in the log that there was no canary; nothing where there was one."""
    if found.canary != "left_out":
        return ""
    return "\nNo canary was laid: the zip has plugins, or shows all public tests.\n"
