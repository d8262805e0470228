"""Several statements as one, so that a transaction costs a few round trips and not one per row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import asyncpg

from paper_broker.rows import Statement

_PARAMETER = re.compile(r"\$(\d+)")


def groups(statements: Iterable[Statement]) -> Iterator[list[Statement]]:
    """Statements that may run as one, in order.

    Parts of one statement see the same snapshot and run in no promised order: two that write the same row must not
    share one. What they break together is judged when the whole is done (`positions_one_open` is deferrable for it).
    """
    group: list[Statement] = []
    written: set[str] = set()
    for statement in statements:
        if statement.writes in written:
            yield group
            group, written = [], set()
        group.append(statement)
        if statement.writes is not None:
            written.add(statement.writes)
    if group:
        yield group


def as_one(group: list[Statement]) -> tuple[str, list[Any]]:
    """SQL that runs all of `group` and answers one row: how many rows each touched, or what it returns of them.

    It fails as a whole when one of them has not touched as many rows as it must: `broken` reads which.
    """
    parts: list[str] = []
    values: list[Any] = []
    answers: list[str] = []
    for number, statement in enumerate(group):
        first = len(values)
        sql = _PARAMETER.sub(lambda found, first=first: f"${int(found[1]) + first}", statement.sql)  # type: ignore[misc]
        wanted = (
            f"array_agg({statement.returning} ORDER BY {statement.returning})" if statement.returning else "count(*)"
        )
        returned = statement.returning or "1"
        parts += [f"s{number} AS ({sql} RETURNING {returned})", f"c{number} AS (SELECT {wanted} FROM s{number})"]  # noqa: S608
        values += statement.values
        answer = f"(TABLE c{number})"
        if statement.rows is not None:
            values += (statement.rows, number)
            answer = f"trading_paper.rows_touched({answer}, ${len(values) - 1}, ${len(values)})"
        answers.append(answer)
    return f"WITH {', '.join(parts)} SELECT {', '.join(answers)}", values


def broken(group: list[Statement], error: asyncpg.RaiseError) -> str:
    """Which statement of `group` has not touched as many rows as it must."""
    found, number = (int(part) for part in str(error).split()[-2:])
    return f"expected {group[number].rows} row(s), got {found}: {group[number].sql.strip()}"
