"""`python -m bench.browsers PORT COUNT`: WebSocket clients that listen as pages do, until SIGTERM.

Then one line of JSON: how many messages each heard, and when the first of them heard of each fill, ns since the epoch.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time

import uvloop
from websockets.asyncio.client import connect


async def listen(port: int, first: bool, heard: list[int], fills: dict[str, int]) -> None:
    """A page decodes what it hears; here one client does, and the others only read."""
    count = 0
    try:
        async with connect(f"ws://127.0.0.1:{port}/api/ws", max_queue=None, max_size=None) as socket:
            async for text in socket:
                count += 1
                if first and isinstance(text, str) and '"kind":"fill"' in text[:60]:
                    message = json.loads(text)
                    fills.setdefault(message["fill"]["id"], time.time_ns())
    finally:
        heard.append(count)


async def main(port: int, count: int) -> None:
    heard: list[int] = []
    fills: dict[str, int] = {}
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    listening = [asyncio.create_task(listen(port, number == 0, heard, fills)) for number in range(count)]
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait([*listening, waiting], return_when=asyncio.FIRST_COMPLETED)
    lost = [task for task in listening if task.done()]
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    print(json.dumps({"lost": len(lost), "heard": heard, "fills": fills}), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
