"""Long lists in chunks, each a short transaction that begins after the last key of the one before.

A reader that stayed in one transaction would keep the writer's WAL growing. What changes meanwhile
may show or not; nothing comes twice or is passed over for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import tuple_

from shared.gradebook.transactions import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Engine, Row, Select

CHUNK_ROWS: Final = 1000


def in_chunks(
    engine: Engine, statement: Select[Any], key: Sequence[ColumnElement[Any]], *, size: int
) -> Iterator[Sequence[Row[Any]]]:
    """Yield the rows of a statement in the order of `key`, up to `size` of them at a time.

    Args:
        engine: of the gradebook.
        statement: not ordered; its first columns are those of `key`, in the same order.
        key: no two rows have the same.
        size: rows of a chunk, > 0.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    ordered = statement.order_by(*key).limit(size)
    page = ordered
    while True:
        with reading(engine, "be read") as connection:
            rows = connection.execute(page).all()
        if rows:
            yield rows
        if len(rows) < size:
            return
        page = ordered.where(tuple_(*key) > tuple_(*rows[-1][: len(key)]))
