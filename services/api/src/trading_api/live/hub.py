"""Every browser hears the same numbered messages, each encoded once; one that cannot keep up is sent away.

The newest messages are kept for a while: a browser whose line broke goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from trading_api import metrics
from trading_api.live_messages import LiveModel

QUEUE_SIZE = 1_000
KEPT_S = 300.0
KEPT_MESSAGES = 4_000
KEPT_CHARACTERS = 8 * 1024 * 1024


@dataclass(frozen=True)
class Heard:
    """How far a browser had come: the number of the last message, and whose number that is."""

    instance: str
    sequence: int


@dataclass(eq=False)
class Subscriber:
    """`since` is the number of the last message before it came; `missed` what it missed up to there, None: start anew.

    `dismissed` is set when it must go: with `outdated` because numbers no longer follow, else because it is too slow.
    """

    since: int
    missed: Sequence[str] | None = None
    queue: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(QUEUE_SIZE))
    dismissed: asyncio.Event = field(default_factory=asyncio.Event)
    outdated: bool = False


class Hub:
    """`connections` counts sockets from their first moment, subscribers or not yet."""

    def __init__(self) -> None:
        self.instance = secrets.token_hex(8)
        self.sequence = 0
        self.connections = 0
        self.subscribers: set[Subscriber] = set()
        self._kept: deque[tuple[float, str]] = deque()
        """With the monotonic second each was told at."""
        self._characters = 0

    def join(self, heard: Heard | None = None) -> Subscriber:
        missed = None if heard is None else self._after(heard)
        subscriber = Subscriber(self.sequence if heard is None or missed is None else heard.sequence, missed)
        self.subscribers.add(subscriber)
        metrics.BROWSERS.set(len(self.subscribers))
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        self.subscribers.discard(subscriber)
        metrics.BROWSERS.set(len(self.subscribers))

    @property
    def next_sequence(self) -> int:
        return self.sequence + 1

    def publish(self, message: LiveModel) -> None:
        """`message.seq` must be `next_sequence`: one that could not be made leaves no hole."""
        assert message.seq == self.next_sequence
        self.sequence = message.seq
        text = message.model_dump_json()
        self._keep(text)
        for subscriber in self.subscribers:
            try:
                subscriber.queue.put_nowait(text)
            except asyncio.QueueFull:
                subscriber.dismissed.set()

    def renew(self) -> None:
        """Something was not heard here: nobody can go on from a number of before."""
        self.instance = secrets.token_hex(8)
        self._kept.clear()
        self._characters = 0
        for subscriber in self.subscribers:
            subscriber.outdated = True
            subscriber.dismissed.set()

    def _keep(self, text: str) -> None:
        now = time.monotonic()
        self._kept.append((now, text))
        self._characters += len(text)
        while len(self._kept) > KEPT_MESSAGES or self._characters > KEPT_CHARACTERS or self._kept[0][0] < now - KEPT_S:
            self._characters -= len(self._kept.popleft()[1])

    def _after(self, heard: Heard) -> Sequence[str] | None:
        """The messages after `heard`, oldest first; None when they are no longer kept, or were never sent here."""
        behind = self.sequence - heard.sequence
        if heard.instance != self.instance or not 0 <= behind <= len(self._kept):
            return None
        return [text for _, text in islice(self._kept, len(self._kept) - behind, None)]
