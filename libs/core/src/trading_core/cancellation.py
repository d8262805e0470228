"""`asyncio.wait_for` as it is from Python 3.12 on, for 3.11.

There it loses a cancellation that comes together with the result waited for (python/cpython#86296). nats-py waits
for every answer of the server that way: a service that is stopped in that moment would go on for ever.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def wait_for(awaited: Awaitable[T], timeout: float | None) -> T:
    """The result; TimeoutError, with `awaited` cancelled, when it takes longer than `timeout` seconds."""
    async with asyncio.timeout(timeout):
        return await awaited


if sys.version_info < (3, 12):
    asyncio.wait_for = wait_for  # type: ignore[assignment]
