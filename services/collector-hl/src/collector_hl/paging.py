"""Rows of a time range that come in pages: the newest row's time is where the next page begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from collector_hl.rest import PAGE_ROWS

RowT = TypeVar("RowT")


async def paged(
    ask: Callable[[int], Awaitable[list[RowT]]], time_ms: Callable[[RowT], int], start_ms: int
) -> list[RowT]:  # fmt: skip
    """Every row from `start_ms` on, oldest first. `ask`: one page from a moment on."""
    rows: list[RowT] = []
    newest_ms = -1
    while True:
        page = await ask(start_ms)
        # The page begins with the row that ended the one before.
        fresh = sorted((row for row in page if time_ms(row) > newest_ms), key=time_ms)
        rows += fresh
        if not fresh or len(page) < PAGE_ROWS:
            return rows
        start_ms = newest_ms = time_ms(rows[-1])
