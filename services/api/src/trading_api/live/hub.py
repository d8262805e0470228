"""Every browser hears the same numbered messages, each encoded once; one that cannot keep up is sent away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from trading_api import metrics
from trading_api.live_messages import LiveModel

QUEUE_SIZE = 1_000


@dataclass(eq=False)
class Subscriber:
    """`since` is the number of the last message before it came; `overflowed` is set once it has fallen behind."""

    since: int
    queue: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(QUEUE_SIZE))
    overflowed: asyncio.Event = field(default_factory=asyncio.Event)


class Hub:
    def __init__(self) -> None:
        self.sequence = 0
        self.subscribers: set[Subscriber] = set()

    def join(self) -> Subscriber:
        subscriber = Subscriber(self.sequence)
        self.subscribers.add(subscriber)
        metrics.BROWSERS.set(len(self.subscribers))
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        self.subscribers.discard(subscriber)
        metrics.BROWSERS.set(len(self.subscribers))

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence

    def publish(self, message: LiveModel) -> None:
        """`message.seq` must come from `next_sequence`."""
        text = message.model_dump_json()
        for subscriber in self.subscribers:
            try:
                subscriber.queue.put_nowait(text)
            except asyncio.QueueFull:
                subscriber.overflowed.set()
