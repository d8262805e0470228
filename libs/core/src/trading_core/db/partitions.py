"""Monthly partitions of `ticks`: made ahead of need, and back to where recorded data may reach."""

from __future__ import annotations

import asyncpg

BACK_MONTHS, AHEAD_MONTHS = 3, 2


async def ensure_partitions(url: str) -> None:
    """Makes what is missing. `url` must be of the tables' owner."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute("SELECT trading_ops.ensure_partitions($1, $2)", BACK_MONTHS, AHEAD_MONTHS)
    finally:
        await connection.close()
