"""What tests of every package share."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")
POLL_S = 0.02


@overload
async def eventually(probe: Callable[[], Awaitable[T | None]], timeout: float = 60) -> T: ...
@overload
async def eventually(probe: Callable[[], T | None], timeout: float = 60) -> T: ...
async def eventually(probe: Callable[[], Any], timeout: float = 60) -> Any:
    """The first truthy result of `probe`, a plain or an async callable, polled until then.

    An AssertionError inside `probe` counts as "not yet". AssertionError with the last result or the last
    failed assertion once `timeout` seconds have passed.
    """
    deadline = time.monotonic() + timeout
    failure: AssertionError | None = None
    seen: object = None
    while True:
        try:
            result = probe()
            value = await result if inspect.isawaitable(result) else result
            if value:
                return value
            seen, failure = value, None
        except AssertionError as error:
            failure = error
        if time.monotonic() >= deadline:
            if failure is not None:
                raise failure
            raise AssertionError(f"not true within {timeout} s; the last result was {seen!r}")
        await asyncio.sleep(POLL_S)
