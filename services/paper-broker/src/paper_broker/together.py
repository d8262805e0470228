"""Several statements as one, so that a transaction costs a few round trips and not one per row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from paper_broker.rows import Statement

_PARAMETER = re.compile(r"\$(\d+)")


def groups(statements: Iterable[Statement]) -> Iterator[list[Statement]]:
    """Statements that may run as one, in order.

    Parts of one statement see the same snapshot and run in no promised order: a position that is closed
    and one that is opened in its place must not share one.
    """
    group: list[Statement] = []
    for statement in statements:
        if statement.alone and any(other.alone for other in group):
            yield group
            group = []
        group.append(statement)
    if group:
        yield group


def as_one(group: list[Statement]) -> tuple[str, list[Any]]:
    """SQL that runs all of `group` and answers one row: how many rows each touched, or what it returns of them."""
    parts: list[str] = []
    values: list[Any] = []
    for number, statement in enumerate(group):
        first = len(values)
        sql = _PARAMETER.sub(lambda found, first=first: f"${int(found[1]) + first}", statement.sql)  # type: ignore[misc]
        wanted = (
            f"array_agg({statement.returning} ORDER BY {statement.returning})" if statement.returning else "count(*)"
        )
        returned = statement.returning or "1"
        parts += [f"s{number} AS ({sql} RETURNING {returned})", f"c{number} AS (SELECT {wanted} FROM s{number})"]  # noqa: S608
        values += statement.values
    counts = ", ".join(f"(TABLE c{number})" for number in range(len(group)))
    return f"WITH {', '.join(parts)} SELECT {counts}", values
