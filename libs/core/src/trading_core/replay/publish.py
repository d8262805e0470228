"""Publishing a past span again, at its own pace or as fast as it goes."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable

from trading_core.bus.connection import Bus, headers_of
from trading_core.bus.publisher import WindowPublisher
from trading_core.errors import ConfigError
from trading_core.replay.span import Original, delay_s
from trading_core.streams import REPLAY, REPLAYED

Progress = Callable[[int, int], None]
"""Called with (event time reached in UTC ms, messages sent)."""
_TELL_EVERY = 500


async def clear(bus: Bus, prefix: str) -> None:
    """Forget what an earlier replay left under `prefix`; a longer prefix is another one's."""
    for subject in (subject for stream in REPLAYED for subject in stream.subjects):
        reply = await bus.request_json(f"$JS.API.STREAM.PURGE.{REPLAY.name}", {"filter": f"{prefix}{subject}"})
        error = json.loads(reply.data).get("error")
        if error is not None:
            raise ConfigError(f"stream {REPLAY.name} cannot be emptied: {error.get('description')}")


async def publish(
    bus: Bus, span: AsyncIterator[Original], prefix: str, speed: float | None, progress: Progress
) -> Counter[str]:
    """How many messages of each kind (first subject token) went out under `prefix`, all of them acknowledged.

    Bytes and order are the originals'; ids are of this replay alone, so that a second one is not taken for a repeat.
    """
    loop = asyncio.get_running_loop()
    publisher = WindowPublisher(bus)
    replay, sent = f"rp:{time.time_ns() // 1_000_000}", Counter[str]()
    first_ms, began = 0, 0.0
    try:
        async for original in span:
            number = sent.total()
            if not number:
                first_ms, began = original.at_ms, loop.time()
            wait_s = began + delay_s(original.at_ms, first_ms, speed) - loop.time() if speed is not None else 0.0
            if wait_s > 0:
                progress(original.at_ms, number)
                await asyncio.sleep(wait_s)
            headers = {**headers_of(original.message, bus.source), "Nats-Msg-Id": f"{replay}:{number}"}
            await publisher.send_bytes(prefix + original.subject, original.data, headers)
            sent[original.subject.partition(".")[0]] += 1
            if number % _TELL_EVERY == 0:
                progress(original.at_ms, number)
        await publisher.barrier()
    finally:
        await publisher.close()
    return sent
