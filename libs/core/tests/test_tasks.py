"""Parts that end together, however they take a cancellation."""

import asyncio

import pytest

from trading_core.errors import ConfigError
from trading_core.tasks import one_sentence, unless, until_one_fails


async def test_a_part_that_swallows_a_cancellation_ends_all_the_same() -> None:
    swallowed = 0

    async def deaf() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if swallowed:
                    raise
                swallowed += 1

    async def fails() -> None:
        raise ConnectionError("gone")

    with pytest.raises(ExceptionGroup) as raised:
        await asyncio.wait_for(until_one_fails(deaf(), fails()), 10)
    assert [str(error) for error in raised.value.exceptions] == ["gone"]
    assert swallowed == 1


async def test_all_parts_that_return_are_waited_for() -> None:
    done: list[int] = []

    async def works(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    await until_one_fails(works(1), works(2))
    assert done == [1, 2]


def test_the_sentence_for_a_person_is_found_however_deep_it_lies() -> None:
    refused = ConfigError("nats.url: refused")
    group = ExceptionGroup("a", [ConnectionError("gone"), ExceptionGroup("b", [refused])])
    with pytest.raises(ConfigError, match="refused"), one_sentence():
        raise group


async def test_trouble_ends_the_work_beside_it() -> None:
    ended = asyncio.Event()

    async def for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def trouble() -> None:
        raise ConfigError("the server has gone")

    with pytest.raises(ConfigError, match="has gone"):
        await unless(for_ever(), trouble())
    assert ended.is_set()


async def test_work_that_ends_needs_no_trouble_any_more() -> None:
    async def work() -> int:
        return 3

    async def never() -> None:
        await asyncio.Event().wait()

    assert await unless(work(), never()) == 3
