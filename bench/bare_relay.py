"""The least that a decision costs: one message pulled, one row committed, one message published, one at a time."""

from __future__ import annotations

import asyncio

import asyncpg
import msgspec
import nats
import uvloop
from nats.js import api

from bench.bare_chain import IN, SUBJECT_IN, SUBJECT_OUT
from trading_core.config import load


class _Id(msgspec.Struct):
    id: str


async def work() -> None:
    settings = load()
    database = await asyncpg.connect(settings.database.url)
    client = await nats.connect(settings.nats.url)
    js = client.jetstream()
    config = api.ConsumerConfig(ack_policy=api.AckPolicy.NONE, deliver_policy=api.DeliverPolicy.ALL, mem_storage=True)
    subscription = await js.pull_subscribe(SUBJECT_IN, stream=IN.name, config=config)
    insert = await database.prepare("INSERT INTO bench.relayed (id, payload) VALUES ($1, $2)")
    print("ready", flush=True)
    while True:
        try:
            # One at a time: a larger fetch would wait for its batch to fill.
            [message] = await subscription.fetch(1, timeout=5)
        except TimeoutError:  # nothing came: asked again until the process is ended
            continue
        await insert.fetch(msgspec.json.decode(message.data, type=_Id).id, message.data.decode())
        await js.publish(SUBJECT_OUT, message.data)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())
