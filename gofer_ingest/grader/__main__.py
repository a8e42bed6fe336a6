"""The grader's composition root: `python -m gofer_ingest.grader [run|image|doctor]`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import queue
import re
import signal
import sys
import threading
from collections import Counter
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gofer_ingest.grader.announcer import Announcer
from gofer_ingest.grader.autograders import Autograders
from gofer_ingest.grader.backups import Backups
from gofer_ingest.grader.drop import SETTLE_S, Drop, watching
from gofer_ingest.grader.drop_folder import DropFolder
from gofer_ingest.grader.drop_intake import Intake
from gofer_ingest.grader.examination import examine
from gofer_ingest.grader.images import Target, build_image
from gofer_ingest.grader.outdated import telling_outdated
from gofer_ingest.grader.passback.credentials import Credentials
from gofer_ingest.grader.passback.examination import examine_passback
from gofer_ingest.grader.passback.loop import PassbackLoop
from gofer_ingest.grader.passback.setting_up import make_lanes, posting
from gofer_ingest.grader.pool import WarmPool
from gofer_ingest.grader.process_lock import LOOK_EVERY_S, grader_lock
from gofer_ingest.grader.reaper import reap, reaping
from gofer_ingest.grader.runs import Tools
from gofer_ingest.grader.sandbox_choice import make_sandbox, refuse_secrets_beside_processes
from gofer_ingest.grader.watcher import bell
from gofer_ingest.grader.worker import Worker
from gofer_ingest.grader.zip_watch import watching_zips
from shared.catalogue import load_catalogue
from shared.config import GraderSettings, read_settings
from shared.errors import ConfigError, GoferError, SpoolUnavailable
from shared.gradebook.engine import open_gradebook
from shared.logs import set_up_logging
from shared.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from shared.catalogue import Catalogue

log = logging.getLogger(__name__)

EXIT_FAILED = 1
EXIT_CONFIG = 2
STALE_AFTER = timedelta(hours=1)


def main(arguments: list[str] | None = None) -> int:
    """Run one of the grader's commands; return its exit code."""
    options = _options(arguments)
    try:
        settings = read_settings(GraderSettings)
        set_up_logging(settings.log_level, settings.log_format)
        if options.command == "image":
            return _build(settings, options)
        if options.command == "doctor":
            return _examine(settings, as_json=options.json)
        return _run(settings)
    except _Asked as asked:
        log.info("Stopped", extra={"action": "stopped", "clean": True, "signal": asked.signal})
        return 0
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's own last words
        return EXIT_CONFIG
    except GoferError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's own last words
        return EXIT_FAILED


def _make_passback(
    settings: GraderSettings, catalogue: Catalogue, gradebook: Engine
) -> PassbackLoop:
    credentials = Credentials(settings.lti_consumer_key, settings.lti_consumer_secret)
    lanes = make_lanes(catalogue, credentials)
    return PassbackLoop(gradebook, lanes, holds_unless_told=not settings.post_grade)


def _run(settings: GraderSettings) -> int:
    sandbox = WarmPool(
        make_sandbox(settings), memory_bytes=settings.warm_memory, most=settings.concurrency
    )
    catalogue = load_catalogue(
        course_config=settings.course_config_path,
        autograders=settings.autograders,
        defaults=settings.defaults,
        course=settings.course,
    )
    refuse_secrets_beside_processes(sandbox, catalogue)
    spool = Spool(settings.volume_path)
    try:
        spool.prepare()
    except SpoolUnavailable as error:
        raise SpoolUnavailable(
            f"VOLUME_PATH: {settings.volume_path} cannot be used: {error}"
        ) from error
    if sandbox.name == "process":
        log.warning(
            "Notebooks run as processes of this machine, WITHOUT a container: "
            "only for trying Gofer out, with notebooks you trust",
            extra={"action": "process_sandbox"},
        )
    with _alone_on(settings.volume_path):
        # a classic gradebook names no course; the one that is set is the best guess
        course = {"course": settings.course} if settings.course else {}
        gradebook = open_gradebook(settings.volume_path, settings.database_url, **course)
        _sweep(spool)
        autograders = Autograders(sandbox, gradebook)
        passback = _make_passback(settings, catalogue, gradebook)
        tools = Tools(
            *(spool, catalogue, autograders, sandbox, gradebook, settings.max_tries),
            passback=passback,
        )
        worker = Worker(
            tools,
            concurrency=settings.concurrency,
            sweep_s=settings.sweep_s,
            drain_s=settings.drain_s,
        )
        backups = Backups(
            settings.volume_path,
            settings.database_url,
            settings.backup_folder(settings.volume_path),
            settings.backups_kept,
        )
        announcer = Announcer(
            settings.volume_path,
            standing=worker.standing,
            tally=tools.tally,
            concurrency=settings.concurrency,
            passback=passback.outlook,
            warmth=sandbox.warmth,
            backed_up_at=lambda: backups.made_at,
        )
        pattern = re.compile(settings.batch_pattern) if settings.batch_pattern else None
        intake = Intake(settings.volume_path, spool, catalogue, gradebook, pattern)
        folder = DropFolder(settings.volume_path / "spool" / "drop")
        drop = Drop(folder, intake, settle_s=min(SETTLE_S, settings.sweep_s))
        with (
            announcer.announcing(),
            closing(sandbox),
            reaping(sandbox),
            sandbox.warming(),
            backups.making(),
            telling_outdated(gradebook, catalogue),
            watching_zips(gradebook, catalogue, settings.sweep_s),
            watching(drop, settings.sweep_s),
            posting(passback),
            bell(spool.new_dir, worker.ring),
            _stopping_on_signals(worker),
        ):
            log.info(
                "Grading",
                extra={
                    "action": "started",
                    "volume": str(settings.volume_path),
                    "sandbox": sandbox.name,
                    "assignments": len(catalogue),
                    "concurrency": settings.concurrency,
                    "pending": len(spool.pending()),
                },
            )
            _expect_usual(sandbox, catalogue)
            is_clean = _work(worker)
        gradebook.dispose()
        if not is_clean:
            # Threads still wait for their runs, and joining them would outlast the drain. What they
            # had in hand lies in the spool.
            reap(sandbox)
            log.warning("Stopped with runs in hand", extra={"action": "stopped", "clean": False})
            logging.shutdown()
            os._exit(EXIT_FAILED)
    log.info("Stopped", extra={"action": "stopped", "clean": True})
    return 0


class _Asked(Exception):
    """A standby was asked to stop. It has nothing in hand, and no worker that would heed it."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number).name
        super().__init__(self.signal)


@contextmanager
def _alone_on(volume: Path) -> Iterator[None]:
    """Hold the volume's lock. A signal ends the wait for it.

    Raises:
        GraderError: the lock's file cannot be opened.
        _Asked: SIGTERM or SIGINT came while another grader held it.
    """
    asked: queue.SimpleQueue[int] = queue.SimpleQueue()

    def pause() -> None:
        with suppress(queue.Empty):
            raise _Asked(asked.get(timeout=LOOK_EVERY_S))

    with ExitStack() as held:
        with _signals_to(asked):
            held.enter_context(grader_lock(volume, pause))
        if not asked.empty():
            raise _Asked(asked.get())
        yield


@contextmanager
def _signals_to(asked: queue.SimpleQueue[int]) -> Iterator[None]:
    """Put SIGTERM and SIGINT where somebody waits for them, as long as the block lasts.

    A signal's handler may interrupt the very line that writes to the log or holds a lock, so it
    does nothing else: `SimpleQueue.put` may be interrupted.
    """
    earlier = {
        number: signal.signal(number, lambda received, _frame: asked.put(received))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _expect_usual(pool: WarmPool, catalogue: Catalogue) -> None:
    """Have a slot made of the kind that most assignments use, for whoever comes first."""
    kinds = Counter((one.image, one.limits) for one in catalogue)
    for (image, limits), _ in kinds.most_common(1):
        pool.expect(image, limits)


def _sweep(spool: Spool) -> None:
    swept = spool.sweep_tmp(STALE_AFTER)
    if swept:
        log.info(
            "Removed half-written submissions",
            extra={"action": "swept", "half_written_entries": swept},
        )


@contextmanager
def _stopping_on_signals(worker: Worker) -> Iterator[None]:
    """Stop the worker when SIGTERM or SIGINT comes, and say so, from a thread."""
    asked: queue.SimpleQueue[int] = queue.SimpleQueue()

    def heed() -> None:
        while number := asked.get():
            name = signal.Signals(number).name
            log.info("Asked to stop", extra={"action": "stopping", "signal": name})
            worker.stop()

    heeding = threading.Thread(target=heed, name="signals", daemon=True)
    heeding.start()
    try:
        with _signals_to(asked):
            yield
    finally:
        asked.put(0)
        heeding.join()


def _work(worker: Worker) -> bool:
    outcome: list[bool] = []
    # The loop has a thread of its own: what its end takes is not interrupted by a signal's handler,
    # which runs in the main thread.
    loop = threading.Thread(target=lambda: outcome.append(worker.run()), name="worker")
    loop.start()
    loop.join()
    return bool(outcome and outcome[0])


def _build(settings: GraderSettings, options: argparse.Namespace) -> int:
    target = Target(options.target)
    tag = options.tag or (settings.grader_image if target is Target.GRADER else "gofer-service")
    built = build_image(
        target=target,
        tag=tag,
        cache=options.cache or settings.volume_path.parent / ".cache" / "wheelhouse",
        docker_host=settings.docker_host,
        base=options.base,
        say=lambda line: print(line, flush=True),  # noqa: T201 - a command's progress
    )
    done = "Built" if built.is_new else "Nothing to do: there is already"
    print(f"{done} {built.tag} ({built.image_id[7:19]}).")  # noqa: T201 - a command's result
    return 0


def _examine(settings: GraderSettings, *, as_json: bool) -> int:
    checks = [*examine(settings), *examine_passback(settings)]
    if as_json:
        print(json.dumps({"checks": checks}))  # noqa: T201 - a command's result
    else:
        for check in checks:
            print(f"{check['status']:8} {check['name']}: {check['message']} {check['advice']}")  # noqa: T201
    return EXIT_FAILED if any(check["status"] == "problem" for check in checks) else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gofer_ingest.grader")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="grade what is in the spool (the default)")
    image = commands.add_parser("image", help="build an image, unless it is there already")
    image.add_argument("--target", choices=list(Target), default=Target.GRADER)
    image.add_argument("--tag")
    image.add_argument("--base", help="base image; by default one is pulled or made")
    image.add_argument("--cache", type=Path, help="where wheels are kept between builds")
    doctor = commands.add_parser("doctor", help="say what is wrong on the grader's side")
    doctor.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
