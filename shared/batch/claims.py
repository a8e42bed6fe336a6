"""Whose each notebook of a finding is: by a manifest, or by names. Nothing else is asked of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from shared.batch.finding import GRADESCOPE_NAME, MANIFEST_NAME, Problem, composed
from shared.batch.gradescope import submitters
from shared.batch.manifest import read_manifest
from shared.batch.naming import Unnamed, folder_around, name_all
from shared.errors import BatchRefused, FileRefused

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from shared.batch.finding import Finding, Member
    from shared.batch.naming import Directory
    from shared.model import AssignmentKey

_TOP = PurePosixPath()


@dataclass(frozen=True, slots=True)
class Owner:
    """One whose notebook it is.

    Attributes:
        key: for which assignment; None leaves that to the notebook.
        received_at: when it counts as received; None where nobody says.
    """

    student: str
    key: AssignmentKey | None = None
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A notebook, and those whose it is.

    Attributes:
        file: as staff know it.
    """

    file: str
    member: Member
    owners: tuple[Owner, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest, not read yet.

    Attributes:
        name: for messages.
        content: its bytes.
        folder: where it lies in the finding; its files are named from there.
    """

    name: str
    content: bytes
    folder: PurePosixPath = _TOP


def own_manifest(finding: Finding) -> Manifest | None:
    """Return the manifest that lies in what was given, if there is one.

    It lies at the top, or in a folder around everything that is called as the zip is. One further
    inside may be a student's, and says nothing.

    Raises:
        BatchRefused: it cannot be read.
    """
    file = _side_file(finding, MANIFEST_NAME)
    if file is None:
        return None
    name = finding.shown(file.path)
    return Manifest(name, _read(file, name), file.path.parent)


def claims_by_manifest(
    manifest: Manifest,
    findings: Sequence[Finding],
    resolve: Callable[[str], AssignmentKey],
    now: datetime,
    *,
    errors: list[str],
    problems: list[Problem],
) -> list[Claim]:
    """Return whose the notebooks are that a manifest lists.

    Args:
        manifest: what names them, by the path below what was given, or with its name before it.
        findings: where they lie.
        resolve: as `read_manifest` wants it.
        now: likewise.
        errors: takes what is wrong in the manifest.
        problems: takes the notebooks that it does not list.

    Raises:
        BatchRefused: it cannot be read.
    """
    rows = read_manifest(manifest.content, name=manifest.name, resolve=resolve, now=now)
    notebooks = [(finding, member) for finding in findings for member in finding.notebooks]
    by_name: defaultdict[str, list[int]] = defaultdict(list)
    for number, (finding, member) in enumerate(notebooks):
        for name in _names(finding, member, manifest.folder):
            by_name[name].append(number)
    owners: defaultdict[int, list[Owner]] = defaultdict(list)
    for row in rows:
        where = f"{manifest.name}, line {row.line}, column file"
        match by_name.get(row.file, []):
            case [number]:
                owners[number].append(Owner(row.student, row.key, row.received_at))
            case []:
                errors.append(f"{where}: there is no notebook {row.file}")
            case several:
                shown = " and ".join(_shown(*notebooks[number]) for number in several)
                errors.append(f"{where}: {row.file} may be {shown}")
    for number, (finding, member) in enumerate(notebooks):
        if number not in owners:
            problems.append(Problem(_shown(finding, member), f"{manifest.name} does not list it."))
    return [
        Claim(_shown(*notebooks[number]), notebooks[number][1], tuple(found))
        for number, found in owners.items()
    ]


def claims_by_name(
    finding: Finding,
    pattern: re.Pattern[str] | None,
    reserved: Collection[str],
    *,
    problems: list[Problem],
) -> list[Claim]:
    """Return whose the notebooks are by the names of files and folders.

    Args:
        finding: where they lie.
        pattern: staff's own.
        reserved: words that are no students.
        problems: takes the notebooks of which nobody can tell.

    Raises:
        BatchRefused: Gradescope's metadata cannot be read.
    """
    named = name_all(
        [member.path for member in finding.notebooks],
        container=finding.name,
        pattern=pattern,
        gradescope=_gradescope(finding),
        reserved=reserved,
    )
    claims = []
    for member, answer in zip(finding.notebooks, named, strict=True):
        file = finding.shown(member.path)
        if isinstance(answer, Unnamed):
            problems.append(Problem(file, str(answer)))
        else:
            claims.append(Claim(file, member, tuple(map(Owner, answer.students))))
    return claims


def _gradescope(finding: Finding) -> Directory:
    file = _side_file(finding, GRADESCOPE_NAME)
    if file is None:
        return {}
    name = finding.shown(file.path)
    try:
        return {file.path.parent: submitters(_read(file, name))}
    except FileRefused as refusal:
        raise BatchRefused(f"{name}: {refusal} Nothing of this batch was taken.") from refusal


def _side_file(finding: Finding, name: str) -> Member | None:
    """Return the file of this name where only staff can have put it."""
    around = folder_around([notebook.path for notebook in finding.notebooks], finding.name)
    for folder in (_TOP, around):
        for file in finding.side_files:
            if file.path.parent == folder and file.path.name.lower() == name:
                return file
    return None


def _read(file: Member, name: str) -> bytes:
    try:
        return file.read()
    except FileRefused as refusal:
        raise BatchRefused(f"{name}: {refusal} Nothing of this batch was taken.") from refusal


def _names(finding: Finding, member: Member, folder: PurePosixPath) -> Iterator[str]:
    names = {str(member.path), finding.shown(member.path)}
    if member.path.is_relative_to(folder):
        names.add(str(member.path.relative_to(folder)))
    yield from map(composed, names)


def _shown(finding: Finding, member: Member) -> str:
    return finding.shown(member.path)
