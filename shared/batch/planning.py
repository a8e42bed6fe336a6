"""From what was found to what would be graded: whose each notebook is, and for which assignment.

Reads every notebook once and changes nothing, so a plan can be shown before it is carried out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.batch.assignments import resolver, words_of
from shared.batch.claims import Claim, Manifest, claims_by_manifest, claims_by_name, own_manifest
from shared.batch.finding import Problem
from shared.batch.manifest import refused
from shared.errors import (
    FileRefused,
    MalformedMetadata,
    MissingMetadata,
    NotANotebook,
    UnknownAssignment,
)
from shared.model import Sha256
from shared.notebook_metadata import BOM, assignment_key, metadata_of

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from shared.batch.finding import Finding, Member
    from shared.catalogue import Catalogue
    from shared.model import AssignmentKey


@dataclass(frozen=True, slots=True)
class Directions:
    """What staff say of a batch beside its files.

    Attributes:
        pattern: for file names, with a group `student`.
        manifest: for all of it, in place of a `manifest.csv` inside.
        assignment: for the notebooks that do not say it.
        as_of: when what the manifest gives no time for counts as received; None for now.
    """

    pattern: re.Pattern[str] | None = None
    manifest: Manifest | None = None
    assignment: AssignmentKey | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """One notebook of one student, as it would be delivered.

    Attributes:
        file: as staff know it.
        received_at: when it counts as received; None for the moment of its delivery.
        sha256: of its content.
        member: which file, to read it again.
    """

    file: str
    student: str
    key: AssignmentKey
    received_at: datetime | None
    sha256: Sha256
    member: Member


@dataclass(slots=True)
class Plan:
    """What would be graded, and what cannot be.

    Attributes:
        entries: in the order in which they count as received.
        problems: what could not be taken.
        others: files that are no notebooks.
    """

    entries: list[Planned] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def make_plan(
    findings: Sequence[Finding],
    directions: Directions,
    catalogue: Catalogue,
    *,
    now: datetime,
    on_read: Callable[[int, int], None] = lambda _done, _all: None,
) -> Plan:
    """Say what would be graded as whom.

    Args:
        findings: still open.
        directions: what staff say beside.
        catalogue: which assignments there are.
        now: nothing counts as received after it, aware.
        on_read: told how many notebooks were read, and how many there are.

    Raises:
        BatchRefused: a manifest is wrong, or a file of metadata; nothing is to be taken.
    """
    plan = Plan()
    claims = _claims(findings, directions, catalogue, now, plan.problems)
    for finding in findings:
        plan.problems.extend(finding.problems)
        plan.others.extend(finding.others)
    for done, claim in enumerate(claims, start=1):
        entry = _planned(claim, directions, catalogue)
        if isinstance(entry, Problem):
            plan.problems.append(entry)
        else:
            plan.entries.extend(entry)
        on_read(done, len(claims))
    plan.entries.sort(key=lambda entry: entry.received_at or now)
    return plan


def read_content(member: Member) -> bytes:
    """Return a notebook's bytes as they are stored: without a byte order mark.

    Raises:
        FileRefused: it cannot be read.
    """
    return member.read().removeprefix(BOM)


def digest(content: bytes) -> Sha256:
    """Return the SHA-256 of a notebook's bytes."""
    return Sha256(hashlib.sha256(content).hexdigest())


def _claims(
    findings: Sequence[Finding],
    directions: Directions,
    catalogue: Catalogue,
    now: datetime,
    problems: list[Problem],
) -> list[Claim]:
    resolve = resolver(catalogue)
    errors: list[str] = []
    claims: list[Claim] = []
    if directions.manifest is not None:
        claims = claims_by_manifest(
            directions.manifest, findings, resolve, now, errors=errors, problems=problems
        )
    else:
        for finding in findings:
            manifest = own_manifest(finding)
            if manifest is not None:
                claims += claims_by_manifest(
                    manifest, [finding], resolve, now, errors=errors, problems=problems
                )
            else:
                claims += claims_by_name(
                    finding, directions.pattern, words_of(catalogue), problems=problems
                )
    if errors:
        raise refused(errors)
    return claims


def _planned(claim: Claim, directions: Directions, catalogue: Catalogue) -> list[Planned] | Problem:
    try:
        content = read_content(claim.member)
        metadata = metadata_of(content)
    except (FileRefused, NotANotebook) as refusal:
        return Problem(claim.file, str(refusal))
    sha256 = digest(content)
    planned = []
    for owner in claim.owners:
        key = owner.key
        if key is None:
            try:
                key = assignment_key(metadata)
            except (MissingMetadata, MalformedMetadata):
                key = directions.assignment
        if key is None:
            return Problem(
                claim.file,
                "It does not say which assignment it is for. Say it in a manifest.csv, or with "
                "--assignment.",
            )
        try:
            catalogue.find(key)
        except UnknownAssignment:
            return Problem(claim.file, f"The catalogue has no assignment {key}.")
        received_at = owner.received_at or directions.as_of
        planned.append(Planned(claim.file, owner.student, key, received_at, sha256, claim.member))
    return planned
