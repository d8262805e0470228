"""`python -m bench.bare_relay STREAM FROM TO [--commit]`: the comparison's bare relay, one message in, one message out.

With --commit a row is committed in between.
"""

from __future__ import annotations

import argparse
import asyncio

import asyncpg
import msgspec
import nats
import uvloop
from nats.aio.msg import Msg
from nats.js import api

from trading_core.config import load


class _Id(msgspec.Struct):
    id: str


async def relay(stream: str, source: str, destination: str, *, commit: bool) -> None:
    settings = load()
    client = await nats.connect(settings.nats.url)
    js = client.jetstream()
    if commit:
        database = await asyncpg.connect(settings.database.url)
        insert = await database.prepare("INSERT INTO bench.relayed (id, payload) VALUES ($1, $2)")

    async def on_message(message: Msg) -> None:
        if commit:
            await insert.fetch(msgspec.json.decode(message.data, type=_Id).id, message.data.decode())
        await js.publish_async(destination, message.data)

    await js.subscribe(
        source, stream=stream, cb=on_message, ordered_consumer=True, deliver_policy=api.DeliverPolicy.ALL
    )
    await client.flush()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("stream", "source", "destination"):
        parser.add_argument(name)
    parser.add_argument("--commit", action="store_true")
    args = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(relay(args.stream, args.source, args.destination, commit=args.commit))
