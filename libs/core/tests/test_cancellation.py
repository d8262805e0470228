"""A stop must reach a task even at the moment at which what it waited for arrives."""

from __future__ import annotations

import asyncio

import pytest

from trading_core.bus import connection  # noqa: F401  what the services wait on


async def test_a_cancellation_is_not_lost_to_a_result_that_comes_with_it() -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    waiting = asyncio.ensure_future(asyncio.wait_for(answer, 10))
    await asyncio.sleep(0)
    answer.set_result("too late")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_waiting_still_ends_with_the_result_the_limit_or_the_error() -> None:
    async def answer() -> str:
        await asyncio.sleep(0)
        return "yes"

    async def fail() -> None:
        raise ValueError("no")

    assert await asyncio.wait_for(answer(), 10) == "yes"
    assert await asyncio.wait_for(answer(), None) == "yes"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), 0)
    with pytest.raises(ValueError, match="no"):
        await asyncio.wait_for(fail(), 10)
