"""What Alembic runs to migrate: on the connection it is given, inside that one's transaction.

There is no `alembic.ini`; `shared.gradebook.migrate` makes the configuration. Without a connection
the SQL is written out instead of run, for the dialect that the configuration names.
"""

from __future__ import annotations

from alembic import context

from shared.gradebook import passback_tables  # noqa: F401 - makes the metadata whole
from shared.gradebook.tables import metadata

_given = context.config.attributes

if context.is_offline_mode():
    context.configure(dialect_name=_given["dialect_name"], target_metadata=metadata)
else:
    # Batch mode: SQLite changes a table by making it anew.
    context.configure(
        connection=_given["connection"],
        target_metadata=metadata,
        render_as_batch=True,
    )
with context.begin_transaction():
    context.run_migrations()
