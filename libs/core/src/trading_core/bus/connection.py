"""The one connection of a service to NATS: publish, direct gets, what was heard from the server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
import structlog
from nats import errors
from nats.aio.msg import Msg
from nats.js import api
from nats.js.client import JetStreamContext

import trading_core.cancellation  # noqa: F401 - before anything waits for an answer
from trading_core.bus import subjects
from trading_core.bus.client import TappedClient
from trading_core.bus.pull import Place
from trading_core.errors import ConfigError, MessageInvalid
from trading_core.messages import Message, encode
from trading_core.streams import StreamSpec

ACK_TIMEOUT_S = 2.0
REACH_S = 5.0
GONE_S, LOOK_S = 15.0, 0.5
RETRY_S = (0.05, 0.1, 0.2, 0.5, 1.0)
FLUSH_TIMEOUT_S = 2
OnError = Callable[[Exception], None]

RETRIED = (
    errors.TimeoutError,
    errors.NoRespondersError,
    errors.OutboundBufferLimitError,
    errors.ConnectionReconnectingError,
)
"""Unknown outcomes: the server is away, slow, or has no such stream yet."""

_DENIED = re.compile(r'permissions violation for (\w+) to "([^"]+)"', re.IGNORECASE)
_LOGIN_REFUSED = "authorization violation"
_JETSTREAM_RETRIES = (408, 429, 500, 503)
_log = structlog.get_logger("trading_core.bus")


class Stored(Protocol):
    """A message as a stream holds it, however it was read."""

    @property
    def subject(self) -> str: ...

    @property
    def data(self) -> bytes: ...

    @property
    def place(self) -> Place: ...


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """One stored message. `sequence` is the stream's: a position to log and compare, never a key.

    `ingest_time_ns` is when the server stored it (its wall clock).
    """

    subject: str
    data: bytes
    sequence: int
    ingest_time_ns: int

    @property
    def place(self) -> Place:
        return self.ingest_time_ns, self.sequence


class Bus:
    """Connected until `close`; reconnects for ever. `connected` is set while the server answers."""

    def __init__(self, client: TappedClient, on_error: OnError | None, source: str = "") -> None:
        self.nc = client
        self.js: JetStreamContext = client.jetstream()
        self.connected = asyncio.Event()
        self.connections = 0
        """How many connections there have been: a reader or publisher that saw another number starts over."""
        self.source = source
        self.errors_heard = 0
        self.on_error = on_error
        self._last_logged = ""
        self._denied: set[str] = set()

    async def publish(self, subject: str, message: Message, *, headers: Mapping[str, str] | None = None) -> int:
        """Stream sequence of `message`, once it is stored.

        Without an answer the outcome is unknown, so the same id is sent until one comes (cancel to give
        up). MessageInvalid when the stream refuses the message, ConfigError when this user may not send it.
        For MARKET and BOOK use a WindowPublisher: it also repeats what a killed server had only in memory.
        """
        payload = encode(message)
        merged = {**headers_of(message, self.source), **(headers or {})}
        attempt = 0
        while True:
            try:
                reply = await self.nc.request(subject, payload, timeout=ACK_TIMEOUT_S, headers=merged)
                answer = ack_of(reply.data, subject)
                if answer is not None:
                    return answer
            except RETRIED:
                pass
            self.raise_if_denied(subject)
            await self.pause(attempt)
            attempt += 1

    async def publish_live(self, subject: str, payload: bytes) -> None:
        """Core NATS, no stream: whoever listens now hears it. Dropped while the server is away."""
        try:
            await self.nc.publish(subject, payload)
        except errors.OutboundBufferLimitError:
            return

    async def last(self, stream: StreamSpec, subject: str) -> Delivered | None:
        """The newest message of `subject` (wildcards allowed) in `stream`."""
        if stream.allow_direct and not _is_wildcard(subject):
            return await self._get(f"$JS.API.DIRECT.GET.{stream.name}.{subject}", {})
        return await self._get(_get_subject(stream), {"last_by_subj": subject})

    async def first(self, stream: StreamSpec, subject: str, *, from_sequence: int = 1) -> Delivered | None:
        """The oldest message of `subject` (wildcards allowed) in `stream`, at or after a sequence number."""
        return await self._get(_get_subject(stream), {"seq": from_sequence, "next_by_subj": subject})

    async def request_json(self, subject: str, body: Mapping[str, object]) -> Msg:
        """The reply to a JetStream API request, asked again until there is one."""
        payload = json.dumps(body).encode() if body else b""
        attempt = 0
        while True:
            try:
                return await self.nc.request(subject, payload, timeout=ACK_TIMEOUT_S)
            except RETRIED:
                self.raise_if_denied(subject)
                await self.pause(attempt)
                attempt += 1

    async def pause(self, attempt: int) -> None:
        """Back-off before attempt `attempt` + 1; while the server is away, until it is back."""
        await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
        await self.wait_connected()

    async def wait_connected(self, limit_s: float | None = None) -> bool:
        """True once the server is there, False when it is not within `limit_s`.

        ConnectionError when the client has given up: the server closed it for a reason that does not pass.
        """
        try:
            async with asyncio.timeout(limit_s):
                await self.connected.wait()
        except TimeoutError:
            return False
        if self.nc.is_closed:
            raise ConnectionError(f"the connection to NATS is closed: {self.nc.last_error or 'by this service'}")
        return True

    def raise_if_denied(self, subject: str) -> None:
        """ConfigError when the server was heard to refuse a publish to `subject`: it never answers one."""
        if subject.lower() in self._denied:
            raise ConfigError(f"NATS does not let this user publish to {subject}. Grant it in the server's settings.")

    async def close(self) -> None:
        """Flush what was published, then disconnect. Never longer than a few seconds."""
        if self.nc.is_closed:
            return
        if self.nc.is_connected:
            try:
                # nats-py's PING overtakes buffered commands unless its flusher ran before.
                await asyncio.sleep(0)
                await self.nc.flush(timeout=FLUSH_TIMEOUT_S)
            except errors.Error:
                self.errors_heard += 1
        await self.nc.close()

    async def heard_error(self, error: Exception) -> None:
        """nats-py's `error_cb`: denied publishes and lost connections are heard nowhere else."""
        self.errors_heard += 1
        denied = _DENIED.search(str(error))
        if denied:
            self._denied.add(denied[2].lower())  # nats-py passes on the server's words in lower case
        if not self.connections and _LOGIN_REFUSED in str(error).lower():
            raise ConfigError("nats.url: the server refuses this user and password. Fix TRADING_NATS__URL.")
        if self.on_error is not None:
            self.on_error(error)
            return
        text = str(error) or type(error).__name__
        if text != self._last_logged:  # A server that is away fails the same way twice a second.
            self._last_logged = text
            _log.warning("nats_error_heard", error=text)

    async def heard_disconnect(self) -> None:
        self.connected.clear()
        self.connections += 1
        self.nc.forget_pending()

    async def heard_reconnect(self) -> None:
        self.connected.set()
        self._last_logged = ""
        _log.info("nats_reconnected")

    async def heard_close(self) -> None:
        """Wakes who waits for a connection, so that it hears that there will be none."""
        self.connected.set()

    async def _get(self, api_subject: str, body: Mapping[str, object]) -> Delivered | None:
        reply = await self.request_json(api_subject, body)
        if "DIRECT" in api_subject:
            return _from_direct(reply)
        return _from_message_get(json.loads(reply.data))


async def connect(url: str, *, name: str, inbox_prefix: str | None = None, on_error: OnError | None = None) -> Bus:
    """A connected Bus; waits for the server as long as it takes. `url` may list servers, comma-separated.

    `name` is `service/instance`; it is also `X-Src` of every message. `on_error` hears every asynchronous
    error (see `is_permission_error`). ConfigError when the server refuses the login.
    """
    client = TappedClient()
    bus = Bus(client, on_error, source=name)
    try:
        await _connect(client, bus, url, name, inbox_prefix)
    except (ConfigError, asyncio.CancelledError):
        await client.close()
        raise
    bus.connections += 1
    bus.connected.set()
    return bus


async def reach(url: str, *, name: str) -> Bus:
    """`connect` for a command that a person waits for: ConfigError when no server answers within REACH_S."""
    try:
        async with asyncio.timeout(REACH_S):
            return await connect(url, name=name, on_error=lambda _error: None)
    except TimeoutError as error:
        raise ConfigError(
            f"nats.url: {where(url)} cannot be reached. Start the platform, or set nats.url or TRADING_NATS__URL."
        ) from error


async def gone(bus: Bus, url: str) -> None:
    """ConfigError once the server has been away for GONE_S: a person who waits for a command must know."""
    while await bus.wait_connected(GONE_S):  # noqa: ASYNC110 - there is an event for its return alone
        await asyncio.sleep(LOOK_S)
    raise ConfigError(
        f"nats.url: {where(url)} went away and was not back within {GONE_S:.0f} s. Start the platform, then try again."
    )


def user_of(url: str) -> str | None:
    """Whom the server knows us as: it keeps the replies to each user apart."""
    return urlsplit(url.partition(",")[0].strip()).username


def where(url: str) -> str:
    """`url` without its user and password, fit for a log line."""
    return ",".join(part.rpartition("@")[2].removeprefix("nats://").strip() for part in url.split(","))


async def _connect(client: TappedClient, bus: Bus, url: str, name: str, inbox_prefix: str | None) -> None:
    await client.connect(
        [part.strip() for part in url.split(",")],
        name=name,
        error_cb=bus.heard_error,
        disconnected_cb=bus.heard_disconnect,
        reconnected_cb=bus.heard_reconnect,
        closed_cb=bus.heard_close,
        inbox_prefix=inbox_prefix or subjects.inbox_prefix(user_of(url) or name),
        connect_timeout=2,
        reconnect_time_wait=0.5,  # type: ignore[arg-type]  # nats-py sleeps on it: a float is fine
        max_reconnect_attempts=-1,
        ping_interval=4,  # and two more unanswered: a connection that has gone half-open is known after 12 s
        max_outstanding_pings=2,
        # Nothing is buffered for a server that is away: what was not sent is known to be unsent.
        pending_size=0,
    )


def is_permission_error(error: Exception) -> bool:
    """True when a person must change the server's or this service's credentials; retrying cannot help."""
    text = str(error).lower()
    return "permissions violation" in text or "authorization" in text


def headers_of(message: Message, source: str) -> dict[str, str]:
    tag = type(message).__struct_config__.tag
    headers = {"Nats-Msg-Id": message.id, "X-Schema": f"{tag}/{message.v}"}
    if source:
        headers["X-Src"] = source
    return headers


def ack_of(data: bytes, subject: str) -> int | None:
    """Stream sequence in a publish acknowledgement; None when it is worth sending again."""
    answer = json.loads(data)
    error = answer.get("error")
    if error is None:
        return int(answer["seq"])
    if error.get("code") in _JETSTREAM_RETRIES:
        return None
    raise MessageInvalid(f"the stream of {subject} refuses the message: {error.get('description')}")


def _is_wildcard(subject: str) -> bool:
    return "*" in subject or ">" in subject


def _get_subject(stream: StreamSpec) -> str:
    return f"$JS.API.DIRECT.GET.{stream.name}" if stream.allow_direct else f"$JS.API.STREAM.MSG.GET.{stream.name}"


def _from_direct(reply: Msg) -> Delivered | None:
    headers = reply.headers or {}
    if api.Header.STATUS in headers:
        return None
    return Delivered(
        subject=headers["Nats-Subject"],
        data=reply.data,
        sequence=int(headers["Nats-Sequence"]),
        ingest_time_ns=_nanoseconds(headers["Nats-Time-Stamp"]),
    )


def _from_message_get(answer: Mapping[str, object]) -> Delivered | None:
    if "error" in answer:
        return None
    stored = msgspec.convert(answer["message"], _Answer)
    return Delivered(
        subject=stored.subject, data=stored.data, sequence=stored.seq, ingest_time_ns=_nanoseconds(stored.time)
    )


class _Answer(msgspec.Struct):
    subject: str
    seq: int
    time: str
    data: bytes = b""


def _nanoseconds(text: str) -> int:
    """Unix nanoseconds of an RFC 3339 time with up to nine fractional digits."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0") or 0)
