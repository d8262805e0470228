"""One reader for live, warm-up and replay: complete, in order, without duplicates, whatever the server does."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from nats import errors

from trading_core.bus.client import Raw
from trading_core.bus.connection import Bus, Delivered
from trading_core.bus.pull import Pull, place_of, sequences, unbroken
from trading_core.errors import ConfigError
from trading_core.streams import StreamSpec

IDLE_S = 0.2
REQUEST_TIMEOUT_S = 2.0
INACTIVE_S = 60
LOG_EVERY = 50
WINDOW = 10_000
"""Messages on their way at once: enough that a replay is not slowed down by asking."""
OVERLAP_NS = 1_000_000_000
"""How far before the last message a read starts over when the stream has lost that message."""
RECENT_NS = 5 * OVERLAP_NS
SEEN_NS = 60 * OVERLAP_NS
"""What was read within RECENT_NS is recognised for SEEN_NS: publishers send the lost end once more."""
_REFUSED = 400
_BY_TIME, _BY_SEQUENCE = "by_start_time", "by_start_sequence"
_log = structlog.get_logger("trading_core.bus")


@dataclass(frozen=True)
class Start:
    """Where a read begins. Times are the server's ingest times, never event times."""

    policy: str
    time_ns: int = 0

    @classmethod
    def all(cls) -> Start:
        return cls("all")

    @classmethod
    def new(cls) -> Start:
        """Only what is stored from the moment of the first connection on."""
        return cls("new")

    @classmethod
    def from_time(cls, time_ns: int) -> Start:
        return cls(_BY_TIME, time_ns)


class OrderedPull:
    """Reads `filters` of `stream` by an ephemeral consumer that is replaced whenever anything is wrong.

    Each consumer numbers its deliveries from 1: one number missing, a consumer gone, a lost connection,
    and the read starts again right after the last message that was yielded. Pulling is the back-pressure.
    """

    def __init__(self, bus: Bus, stream: StreamSpec, filters: Sequence[str], start: Start, *, batch: int = 500) -> None:
        self.caught_up = False
        """True when the newest matching message of the stream has been yielded."""
        self.restarts = 0
        self._bus = bus
        self._stream = stream
        self._filters = list(filters)
        self._start = start
        self._batch = batch
        self._pull: Pull | None = None
        self._consumer = ""
        self._connection = -1
        self._next = 1
        self._last: Delivered | None = None
        self._recent: deque[list[Delivered]] = deque()
        self._confirm = False
        self._by_time = False
        self._seen: set[tuple[str, bytes]] = set()
        self._seen_until = 0

    async def batches(self) -> AsyncGenerator[list[Delivered], None]:
        """Never ends. Yields [] about every 0.2 s when nothing comes in, also while the server is away."""
        attempt = 0
        try:
            while True:
                if self._pull is None:
                    reason = await self._open()
                    if reason is not None:
                        if attempt % LOG_EVERY == 0:
                            _log.warning("reader_waiting", stream=self._stream.name, reason=reason)
                        attempt += 1
                        yield []
                        continue
                    attempt = 0
                batch = await self._read()
                if batch:
                    self._remember(batch)
                yield batch
        finally:
            await self.close()

    async def close(self) -> None:
        """Delete the consumer; the server does so by itself after a minute."""
        if self._pull is None:
            return
        await self._drop()
        await self._delete(self._consumer)

    async def _delete(self, consumer: str) -> None:
        try:
            subject = f"$JS.API.CONSUMER.DELETE.{self._stream.name}.{consumer}"
            await self._bus.nc.request(subject, b"", timeout=IDLE_S)
        except errors.Error as error:
            _log.debug("consumer_left_behind", stream=self._stream.name, reason=str(error))

    async def _open(self) -> str | None:
        """Create a consumer at the right place and start pulling; otherwise why it did not work."""
        if not await self._bus.wait_connected(IDLE_S):
            return "not connected"
        self._connection = self._bus.connections
        config = self._config()
        if config["deliver_policy"] == _BY_TIME and len(self._filters) > 1:
            reason = await self._start_by_sequence(config)
            if reason is not None:
                return reason
        answer = await self._create(config)
        if isinstance(answer, str):
            return answer
        self._consumer = str(config["name"])
        if self._last is None and self._start.policy == "new":
            self._start = Start.from_time(_unix_ns(answer["created"]))
        if self._confirm and not answer["num_pending"]:
            self._by_time = True
            return "the stream lost the last message that was read"
        self.caught_up = not answer["num_pending"]
        self._next = 1
        self._pull = Pull(self._bus.nc, self._stream.name, self._consumer, WINDOW)
        await self._pull.open()
        return None

    async def _start_by_sequence(self, config: dict[str, object]) -> str | None:
        """In `config` the start time becomes the sequence of the first message from then on, or why not.

        nats-server 2.15 begins a consumer with several filters at the first message that any of them ever had, if
        that is later than the start time: what the others have between the two would be left out.
        """
        lookup = config | {"name": _name()}
        del lookup["filter_subjects"]
        answer = await self._create(lookup)
        if isinstance(answer, str):
            return answer
        await self._delete(str(lookup["name"]))
        del config["opt_start_time"]
        config["deliver_policy"] = _BY_SEQUENCE
        config["opt_start_seq"] = answer["delivered"]["stream_seq"] + 1
        return None

    async def _create(self, config: dict[str, object]) -> dict[str, Any] | str:
        """What the server answers about the new consumer; otherwise why there is none."""
        subject = f"$JS.API.CONSUMER.CREATE.{self._stream.name}.{config['name']}"
        request = {"stream_name": self._stream.name, "config": config}
        try:
            reply = await self._bus.nc.request(subject, json.dumps(request).encode(), timeout=REQUEST_TIMEOUT_S)
        except errors.Error as error:
            self._bus.raise_if_denied(subject)
            await asyncio.sleep(IDLE_S)
            return str(error)
        answer: dict[str, Any] = json.loads(reply.data)
        if "error" in answer:
            await asyncio.sleep(IDLE_S)
            return self._refused(answer["error"])
        return answer

    def _config(self) -> dict[str, object]:
        config: dict[str, object] = {
            "name": _name(),
            "ack_policy": "none",
            "max_deliver": -1,
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": INACTIVE_S * 10**9,
            "replay_policy": "instant",
            "filter_subjects": self._filters,
        }
        self._confirm = False
        if self._last is not None and self._by_time:
            self._seen = {(message.subject, message.data) for batch in self._recent for message in batch}
            self._seen_until = self._last.ingest_time_ns + SEEN_NS
            config["deliver_policy"] = _BY_TIME
            config["opt_start_time"] = _rfc3339(self._last.ingest_time_ns - OVERLAP_NS)
        elif self._last is not None:
            # The last message once more: seeing it proves that the stream is still the one that was read.
            config["deliver_policy"] = _BY_SEQUENCE
            config["opt_start_seq"] = self._last.sequence
            self._confirm = True
        else:
            config["deliver_policy"] = self._start.policy
            if self._start.policy == _BY_TIME:
                config["opt_start_time"] = _rfc3339(self._start.time_ns)
        return config

    async def _read(self) -> list[Delivered]:
        pull = self._pull
        assert pull is not None
        raw = await pull.take(self._batch, IDLE_S)
        batch = self._decode(raw)
        if batch is None or pull.broken is not None or self._connection != self._bus.connections:
            _log.info("reader_restarted", stream=self._stream.name, reason=pull.broken or "connection or sequence lost")
            await self._drop()
            self._bus.raise_if_denied(pull.subject)
            return batch or []
        return batch

    def _decode(self, raw: list[Raw]) -> list[Delivered] | None:
        """The next messages, in order; None when the stream is no longer the one that was read."""
        assert self._pull is not None
        if not raw:
            return []
        good = unbroken(raw, self._next)
        if good < len(raw):
            # What comes before the hole is in order; the restart continues after it.
            self._pull.broken = "a consumer sequence is missing"
            raw = raw[:good]
            if not raw:
                return []
        self._next += good
        self.caught_up = sequences(raw[-1][1])[4] == 0
        batch = delivered(raw)
        if self._confirm:
            self._confirm = False
            assert self._last is not None
            if (batch[0].sequence, batch[0].ingest_time_ns) != (self._last.sequence, self._last.ingest_time_ns):
                # After a power cut the server may have lost, and numbered anew, what was read already.
                self._by_time = True
                return None
            batch = batch[1:]
        return self._without_seen(batch) if self._seen else batch

    def _without_seen(self, batch: list[Delivered]) -> list[Delivered]:
        fresh = [message for message in batch if (message.subject, message.data) not in self._seen]
        if fresh:
            self._by_time = False
            if fresh[-1].ingest_time_ns > self._seen_until:
                self._seen = set()
        return fresh

    def _remember(self, batch: list[Delivered]) -> None:
        self._last = batch[-1]
        self._recent.append(batch)
        oldest = self._last.ingest_time_ns - RECENT_NS
        while self._recent[0][-1].ingest_time_ns < oldest:
            self._recent.popleft()

    async def _drop(self) -> None:
        pull, self._pull = self._pull, None
        self.caught_up = False
        self.restarts += 1
        if pull is not None:
            await pull.close()

    def _refused(self, error: dict[str, object]) -> str:
        if error.get("code") == _REFUSED:
            raise ConfigError(f"stream {self._stream.name} refuses filters {self._filters}: {error.get('description')}")
        return str(error.get("description"))


def _name() -> str:
    return f"ordered_{secrets.token_hex(8)}"


def delivered(raw: list[Raw]) -> list[Delivered]:
    messages: list[Delivered] = []
    for subject, reply, data in raw:
        time_ns, sequence = place_of(reply)
        messages.append(Delivered(subject=subject.decode(), data=data, sequence=sequence, ingest_time_ns=time_ns))
    return messages


def _rfc3339(time_ns: int) -> str:
    seconds, nanoseconds = divmod(max(0, time_ns), 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def _unix_ns(text: str) -> int:
    whole, _, fraction = text.rstrip("Z").partition(".")
    return int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()) * 10**9 + int(fraction.ljust(9, "0") or 0)
