"""Work that belongs together: when one part fails, the others end too."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable, Iterator
from typing import Any, TypeVar

from trading_core.errors import TradingError

AGAIN_S = 0.5
T = TypeVar("T")


async def until_one_fails(*work: Coroutine[Any, Any, None]) -> None:
    """Runs all of `work`; returns when all have. ExceptionGroup of what failed first, once the others have ended.

    Unlike a TaskGroup it cancels until they end: a client's request may swallow a cancellation that meets its answer.
    """
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failures = [task.exception() for task in tasks if task.done() and not task.cancelled()]
    finally:
        await _end(tasks)
    if found := [failure for failure in failures if isinstance(failure, Exception)]:
        raise ExceptionGroup("a part of it failed", found)


async def unless(work: Coroutine[Any, Any, T], trouble: Coroutine[Any, Any, None]) -> T:
    """The result of `work`, which ends when `trouble` raises: its error is raised then."""
    working, looking = asyncio.ensure_future(work), asyncio.ensure_future(trouble)
    try:
        await asyncio.wait((working, looking), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            looking.result()
        return await working
    finally:
        await _end((working, looking))


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """A person reads one sentence, not a tree: the first error we raise on purpose stands for its group."""
    try:
        yield
    except BaseExceptionGroup as group:
        known = [error for error in leaves(group) if isinstance(error, TradingError)]
        if known:
            raise known[0] from group
        raise


def leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """What failed, without the groups around it."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error


async def _end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=AGAIN_S)
