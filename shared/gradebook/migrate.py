"""The schema, from whatever it is to the newest; and the refusal of one that is newer still.

Alembic is imported where it is used: with its templates it takes a tenth of a second, and whoever
opens a gradebook imports this module, every `gofer` command among them.
"""

from __future__ import annotations

import functools
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from shared.errors import GradebookError, NewerSchema
from shared.gradebook.copies import copy_file
from shared.gradebook.transactions import reading, writing
from shared.model import utc_now

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import Connection, Engine

log = logging.getLogger(__name__)

_SCRIPTS: Final = Path(__file__).with_name("migrations")

# Alembic keeps what it is at in a module's variables.
_one_at_a_time = threading.Lock()


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest revision, in one transaction; make it where there is none.

    A SQLite file of an older revision is copied first, to `gradebook-before-REVISION-DATE.db`
    beside it.

    Raises:
        NewerSchema: it is of a revision that this Gofer does not know. Nothing was changed.
        GradebookError: the database refused. Nothing was changed.
    """
    newest = _scripts().get_heads()
    with _one_at_a_time:
        with reading(engine, "be read") as connection:
            before = _revisions(connection)
        _refuse_newer(before)
        if set(before) == set(newest):
            return
        copy = _copy_of_older(engine) if before else None
        with writing(engine, "be brought up to date") as connection:
            config = _config()
            config.attributes["connection"] = connection
            _run(config)
    log.info(
        "The gradebook's schema was brought up to date",
        extra={
            "action": "gradebook_migrate",
            "from_revision": ",".join(before) or "none",
            "to_revision": ",".join(newest),
            "copy": copy.name if copy else "none",
        },
    )


def check_up_to_date(connection: Connection) -> None:
    """Make sure that what this Gofer knows of the schema is true.

    Raises:
        NewerSchema: it is of a revision that this Gofer does not know.
        GradebookError: it is older, or not made yet.
    """
    found = _revisions(connection)
    _refuse_newer(found)
    if not found:
        raise GradebookError(
            "There is no gradebook in this file yet. If the grader is just starting, try again in "
            "a moment; otherwise start it: it makes the gradebook."
        )
    if set(found) != set(_scripts().get_heads()):
        raise GradebookError(
            "The gradebook is of an older Gofer. Start the grader: it brings it up to date."
        )


def refuse_newer(connection: Connection) -> None:
    """Make sure that this Gofer can use it, or bring it up to date.

    Raises:
        NewerSchema: it is of a revision that this Gofer does not know.
    """
    _refuse_newer(_revisions(connection))


def write_sql(dialect_name: str, output: TextIO) -> None:
    """Write the SQL of all migrations for a database, without one."""
    config = _config()
    config.output_buffer = output
    config.attributes["dialect_name"] = dialect_name
    with _one_at_a_time:
        _run(config, only_sql=True)


def _copy_of_older(engine: Engine) -> Path | None:
    if engine.dialect.name != "sqlite" or engine.url.database is None:
        return None  # a database server's backups are its administrators'
    path = Path(engine.url.database)
    newest = ",".join(_scripts().get_heads())
    # One of a day: a start that fails again and again must not fill the disk.
    copy = path.with_name(f"{path.stem}-before-{newest}-{utc_now().date().isoformat()}.db")
    copy_file(path, copy)
    return copy


def _run(config: Config, *, only_sql: bool = False) -> None:
    from alembic import command  # noqa: PLC0415 - as the module's first lines say

    command.upgrade(config, "heads", sql=only_sql)


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


@functools.cache
def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    return ScriptDirectory.from_config(_config())


def _revisions(connection: Connection) -> tuple[str, ...]:
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as above

    return MigrationContext.configure(connection).get_current_heads()


def _refuse_newer(found: tuple[str, ...]) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    unknown = [revision for revision in found if revision not in known]
    if unknown:
        raise NewerSchema(
            f"The gradebook was written by a newer Gofer (schema {', '.join(unknown)}; this one "
            f"knows up to {', '.join(_scripts().get_heads())}). Install that Gofer again, or put "
            "back the copy from before the update: `gofer restore gradebook-before-….db`."
        )
