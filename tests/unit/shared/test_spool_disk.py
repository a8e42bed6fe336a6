"""What the spool asks of the operating system, in which order, and what it does when refused."""

from __future__ import annotations

import ast
import errno
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import shared.spool
from shared.errors import SpoolFull, SpoolUnavailable
from shared.spool import Place, Spool
from tests.unit.shared.spool_entries import (
    AT_ONCE,
    Delivery,
    delivered,
    is_whole,
    leftovers,
    names_in,
    new_delivery,
    prepared_spool,
    whereabouts,
)
from tests.unit.shared.spool_system_calls import SYSTEM_CALLS, intercepted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from functools import partial

MADE_OF_SYSTEM_CALLS = {"makedirs"}


def test_every_system_call_of_the_spool_is_one_that_the_tests_step_through() -> None:
    used = set()
    for path in Path(shared.spool.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text())
        imported = {
            alias.name
            for node in tree.body  # not below TYPE_CHECKING, which is never run
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert path.name == "disk.py" or not imported & {"os", "shutil", "Path", "tempfile"}
        used |= {
            node.func.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "os"
        }
    assert used - MADE_OF_SYSTEM_CALLS == used & set(SYSTEM_CALLS)


# --- order ----------------------------------------------------------------------------------------


class Recording:
    """The calls that change a disk, with the paths they change, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self._opened: dict[int, str] = {}

    def around(self, name: str, call: partial[Any]) -> Any:
        given = call()
        if name == "open":
            self._opened[given] = self._path(call.args[0], call.keywords.get("dir_fd"))
            if call.args[1] & os.O_CREAT:
                assert call.args[1] & os.O_EXCL
                assert call.args[1] & os.O_NOFOLLOW
                self.calls.append(("create", self._opened[given]))
        elif name in {"write", "fsync"}:
            self.calls.append((name, self._opened[call.args[0]]))
        elif name == "rename":
            self.calls.append(
                (
                    name,
                    self._path(call.args[0], call.keywords.get("src_dir_fd")),
                    self._path(call.args[1], call.keywords.get("dst_dir_fd")),
                )
            )
        elif name in {"mkdir", "unlink", "rmdir"}:
            self.calls.append((name, self._path(call.args[0], call.keywords.get("dir_fd"))))
        return given

    def _path(self, path: Path | str, directory: int | None) -> str:
        return str(path) if directory is None else f"{self._opened[directory]}/{path}"


def recorded(verb: Callable[[], object]) -> list[tuple[str, ...]]:
    recording = Recording()
    with intercepted(recording.around):
        verb()
    return recording.calls


def assert_durable(calls: list[tuple[str, ...]], *, unless: str) -> None:
    """Check that nothing is shown before it is durable, and that at the end all of it is.

    Args:
        calls: of one verb.
        unless: the folder whose names need not be durable.
    """
    unsynced: dict[str, str] = {}  # file or folder → what was done to it last
    for name, *paths in calls:
        if name == "fsync":
            unsynced.pop(paths[0], None)
        elif name == "write":
            unsynced[paths[0]] = name
        else:
            if name == "rename":
                inside = {path for path in unsynced if Path(path).is_relative_to(paths[0])}
                assert not inside, f"{paths[0]} was moved before it was durable"
            for path in paths:
                unsynced[str(Path(path).parent)] = name
    unsynced.pop(unless, None)
    assert not unsynced


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def spool(volume: Path) -> Spool:
    return prepared_spool(volume)


def test_a_delivery_syncs_the_files_then_shows_them_then_syncs_that(
    spool: Spool, volume: Path
) -> None:
    delivery = new_delivery()
    calls = recorded(lambda: spool.deliver(delivery.envelope, delivery.notebook))
    staging = calls[0][1]
    assert Path(staging).parent == volume / "spool" / "tmp"
    entry = str(spool.new_dir / delivery.id)
    assert calls == [
        ("mkdir", staging),
        ("create", f"{staging}/envelope.json"),
        ("write", f"{staging}/envelope.json"),
        ("create", f"{staging}/submission.ipynb"),
        ("write", f"{staging}/submission.ipynb"),
        ("fsync", f"{staging}/submission.ipynb"),
        ("fsync", f"{staging}/envelope.json"),
        ("fsync", staging),
        ("rename", staging, entry),
        ("fsync", str(spool.new_dir)),
    ]
    assert_durable(calls, unless=str(volume / "spool" / "tmp"))


def test_settling_syncs_a_new_archive_folder_and_both_ends_of_the_move(
    spool: Spool, volume: Path
) -> None:
    delivery = delivered(spool)
    calls = recorded(lambda: spool.settle(delivery.id))
    archive = volume / "submissions"
    shard = archive / delivery.id[-2:]
    assert calls == [
        ("mkdir", str(shard)),
        ("fsync", str(archive)),
        ("rename", str(spool.new_dir / delivery.id), str(shard / delivery.id)),
        ("fsync", str(shard)),
        ("fsync", str(spool.new_dir)),
    ]
    assert_durable(calls, unless="")


def test_settling_again_makes_durable_what_a_killed_grader_left(spool: Spool, volume: Path) -> None:
    delivery = delivered(spool)
    spool.settle(delivery.id)
    restarted = Spool(volume)
    synced = [
        path for name, path in recorded(lambda: restarted.settle(delivery.id)) if name == "fsync"
    ]
    archive = volume / "submissions"
    assert synced == [str(archive), str(archive / delivery.id[-2:]), str(spool.new_dir)]


def test_every_other_verb_is_durable_when_it_returns(spool: Spool, volume: Path) -> None:
    delivery = delivered(spool)
    assert_durable(recorded(lambda: spool.begin_try(delivery.id)), unless="")
    assert_durable(recorded(lambda: spool.begin_try(delivery.id)), unless="")
    assert_durable(recorded(lambda: spool.bury(delivery.id, "why")), unless="")
    assert_durable(recorded(lambda: spool.retry(delivery.id)), unless="")
    assert_durable(recorded(lambda: spool.bury(delivery.id, "why")), unless="")


def test_preparing_makes_its_folders_durable(volume: Path) -> None:
    volume.mkdir()
    calls = recorded(Spool(volume).prepare)
    made = {path for name, path, *_ in calls if name == "mkdir" and ".probe-" not in path}
    synced = {path for name, path, *_ in calls if name == "fsync"}
    assert len(made) == 5
    assert {str(Path(path).parent) for path in made} == synced


# --- refusals -------------------------------------------------------------------------------------


def refused_at_each_call(
    verb: Callable[[], object], number: int, *, cleaning_up_works: bool
) -> Iterator[tuple[int, BaseException]]:
    """Do the verb again and again; its n-th call fails with this error number. Stop at success."""
    step = 0
    while True:
        step += 1
        made = 0

        def around(name: str, call: partial[Any], step: int = step) -> Any:
            nonlocal made
            made += 1
            if made == step or (made > step and not cleaning_up_works):
                if name == "close":
                    call()  # as Linux does: the descriptor is gone, the error is reported
                raise OSError(number, os.strerror(number))
            return call()

        try:
            with intercepted(around):
                verb()
        except (OSError, SpoolUnavailable) as error:
            assert made >= step
            yield step, error
        else:
            assert made < step
            return


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, SpoolFull),
        (errno.EDQUOT, SpoolFull),
        (errno.EIO, SpoolUnavailable),
        (errno.EROFS, SpoolUnavailable),
        (errno.EMFILE, SpoolUnavailable),
    ],
)
def test_a_delivery_refused_at_any_call_raises_and_leaves_nothing_behind(
    spool: Spool, volume: Path, number: int, expected: type[SpoolUnavailable]
) -> None:
    delivery = new_delivery()

    def deliver() -> None:
        spool.deliver(delivery.envelope, delivery.notebook)

    steps = 0
    for step, error in refused_at_each_call(deliver, number, cleaning_up_works=True):
        steps = step
        assert type(error) is expected
        assert isinstance(error.__cause__, OSError)
        assert leftovers(volume) == []
        if lying := whereabouts(volume, delivery.id):
            # It was shown and only the last fsync failed: a grader may have it in hand.
            assert is_whole(lying[0], delivery)
            delivery = new_delivery()
    assert steps >= 18
    assert is_whole(spool.new_dir / delivery.id, delivery)


def test_what_a_broken_disk_keeps_from_being_cleaned_up_is_swept_later(
    spool: Spool, volume: Path
) -> None:
    delivery = new_delivery()

    def deliver() -> None:
        spool.deliver(delivery.envelope, delivery.notebook)

    left = 0
    for _, error in refused_at_each_call(deliver, errno.EIO, cleaning_up_works=False):
        assert type(error) is SpoolUnavailable
        left = max(left, len(leftovers(volume)))
        spool.sweep_tmp(AT_ONCE)
        assert leftovers(volume) == []
        if whereabouts(volume, delivery.id):
            delivery = new_delivery()
    assert left == 1


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, SpoolFull), (errno.EIO, SpoolUnavailable)]
)
@pytest.mark.parametrize("verb", ["begin_try", "settle", "bury", "retry"])
def test_a_verb_refused_at_any_call_leaves_the_entry_whole_and_can_be_done_again(
    spool: Spool, volume: Path, verb: str, number: int, expected: type[SpoolUnavailable]
) -> None:
    delivery = delivered(spool)
    spool.begin_try(delivery.id)
    if verb == "retry":
        spool.bury(delivery.id, "why")
    verbs: dict[str, tuple[Callable[[], object], Place]] = {
        "begin_try": (lambda: spool.begin_try(delivery.id), Place.NEW),
        "settle": (lambda: spool.settle(delivery.id), Place.ARCHIVED),
        "bury": (lambda: spool.bury(delivery.id, "why"), Place.FAILED),
        "retry": (lambda: spool.retry(delivery.id), Place.NEW),
    }
    do, target = verbs[verb]
    steps = 0
    for step, error in refused_at_each_call(do, number, cleaning_up_works=False):
        steps = step
        assert type(error) is expected
        assert str(error).startswith("The spool could not ")
        (directory,) = whereabouts(volume, delivery.id)
        assert is_whole(directory, delivery)
    assert steps >= 8
    assert spool.find(delivery.id) is target


def test_a_disk_that_reads_and_writes_only_a_little_at_a_time_is_good_enough(
    spool: Spool, volume: Path
) -> None:
    def around(name: str, call: partial[Any]) -> Any:
        if name == "write":
            descriptor, content = call.args
            return call.func(descriptor, content[:7])
        if name == "read":
            descriptor, size = call.args
            return call.func(descriptor, min(size, 7))
        return call()

    with intercepted(around):
        delivery = delivered(spool)
        assert spool.read(delivery.id).notebook() == delivery.notebook
    assert is_whole(spool.new_dir / delivery.id, delivery)


# --- a really full disk ---------------------------------------------------------------------------


@pytest.fixture
def small_volume(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB, where this user may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_refuses_a_delivery_and_keeps_what_it_has(small_volume: Path) -> None:
    spool = prepared_spool(small_volume)
    stored: list[Delivery] = []

    def deliver_until_refused() -> None:
        while True:
            delivery = new_delivery(os.urandom(30_000))
            spool.deliver(delivery.envelope, delivery.notebook)
            stored.append(delivery)

    with pytest.raises(SpoolFull):
        deliver_until_refused()
    assert len(stored) >= 3
    assert leftovers(small_volume) == []
    assert spool.pending() == [delivery.id for delivery in stored]
    for delivery in stored:
        assert spool.read(delivery.id).notebook() == delivery.notebook


def test_a_volume_on_two_file_systems_is_refused_before_anything_is_accepted(
    small_volume: Path,
) -> None:
    volume = small_volume.parent / "var"
    volume.mkdir()
    (volume / "submissions").symlink_to(small_volume)
    with pytest.raises(SpoolUnavailable, match="one file system"):
        Spool(volume).prepare()
    assert names_in(small_volume) == []
    for folder in ("tmp", "new", "failed"):
        assert names_in(volume / "spool" / folder) == []
