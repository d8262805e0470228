"""Streams and subjects: the only place that spells one. General to particular, see `architecture`."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from trading_core import messages
from trading_core.model import Exchange

MIB = 1024 * 1024
GIB = 1024 * MIB
_TOKEN = re.compile(r"^[A-Za-z0-9_-]+$")


@dataclass(frozen=True)
class StreamSpec:
    """One JetStream stream. `asynchronous` streams skip the fsync per message: others can send it again."""

    name: str
    subjects: tuple[str, ...]
    max_age: timedelta
    max_bytes: int
    dedupe: timedelta = timedelta(minutes=2)
    storage: Literal["file", "memory"] = "file"
    asynchronous: bool = False
    compressed: bool = False
    max_message_bytes: int = -1
    per_subject: int = -1
    deny_delete: bool = False
    allow_direct: bool = False
    message_ttl: bool = False


MARKET = StreamSpec(
    "MARKET", ("market.>",), timedelta(days=7), 8 * GIB,
    asynchronous=True, compressed=True, allow_direct=True, max_message_bytes=64 * 1024,
)  # fmt: skip
BOOK = StreamSpec(
    "BOOK", ("book.>",), timedelta(hours=24), 3 * GIB, dedupe=timedelta(seconds=30),
    asynchronous=True, compressed=True, allow_direct=True, max_message_bytes=128 * 1024,
)  # fmt: skip
SIGNALS = StreamSpec(
    "SIGNALS", ("signal.>", "grid.>"), timedelta(days=90), GIB, dedupe=timedelta(hours=1),
    deny_delete=True, allow_direct=True,
)  # fmt: skip
EXEC = StreamSpec(
    "EXEC", ("exec.>",), timedelta(days=365), 3 * GIB, dedupe=timedelta(hours=1),
    asynchronous=True, deny_delete=True, allow_direct=True,
)  # fmt: skip
OPS = StreamSpec("OPS", ("ops.>",), timedelta(days=30), 512 * MIB)
# On disk: a memory stream is gone after a restart of the server, and only `provision` makes streams.
HEALTH = StreamSpec("HEALTH", ("heartbeat.>",), timedelta(hours=1), 64 * MIB, asynchronous=True, per_subject=60)
LEASE = StreamSpec("LEASE", ("lease.>",), timedelta(0), 16 * MIB, per_subject=1, message_ttl=True, allow_direct=True)
# Not of HEALTH: the server terminates what its limits delete unacknowledged, and heartbeats make room for newer ones.
_LOST = tuple(f"$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.{s.name}.>" for s in (MARKET, BOOK, SIGNALS, EXEC, OPS))
DLQ = StreamSpec(
    "DLQ", ("dlq.>", "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", *_LOST), timedelta(days=90), 512 * MIB
)
# Past spans published again for whoever wants to look: nothing that lives reads or needs it.
REPLAY = StreamSpec(
    "REPLAY", ("replay.>",), timedelta(days=1), 2 * GIB,
    asynchronous=True, compressed=True, allow_direct=True, max_message_bytes=128 * 1024,
)  # fmt: skip
REPLAYED = (MARKET, BOOK, SIGNALS, EXEC)
BACKED_UP = (SIGNALS, EXEC, MARKET, BOOK, OPS, DLQ)
"""Leases, heartbeats and replays are worth nothing later."""
ALL = (MARKET, BOOK, SIGNALS, EXEC, OPS, HEALTH, LEASE, DLQ, REPLAY)


def streams_of(pattern: str) -> list[StreamSpec]:
    """The streams that hold subjects of `pattern` (`*` and `>` allowed)."""
    return [stream for stream in ALL if any(_overlap(pattern, subject) for subject in stream.subjects)]


def _overlap(one: str, other: str) -> bool:
    """Whether some subject matches both patterns."""
    left, right = one.split("."), other.split(".")
    for ours, theirs in zip(left, right, strict=False):
        if ">" in (ours, theirs):
            return True
        if "*" not in (ours, theirs) and ours != theirs:
            return False
    return len(left) == len(right)


@dataclass(frozen=True)
class DurableSpec:
    """One durable pull consumer: created by `provision`, bound by its service."""

    stream: StreamSpec
    name: str
    filters: tuple[str, ...] = ()
    ack_wait: timedelta = timedelta(seconds=30)
    max_ack_pending: int = 5_000
    acknowledges_all_before: bool = False
    """One acknowledgement for a batch; otherwise one for each message, in any order."""


RECORDER_STREAMS = (MARKET, BOOK, SIGNALS, EXEC, OPS, HEALTH, DLQ)
# What its limits delete unacknowledged the server acknowledges itself, and with that all before it: so not of HEALTH,
# where they delete out of order, and not where a few messages a second make it worth nothing.
RECORDER = tuple(
    DurableSpec(stream, "rec", acknowledges_all_before=stream in (MARKET, BOOK)) for stream in RECORDER_STREAMS
)
BROKER = DurableSpec(SIGNALS, "broker", ("signal.>", "grid.>"), ack_wait=timedelta(seconds=10))
DURABLES = (*RECORDER, BROKER)


def _join(*tokens: str) -> str:
    for token in tokens:
        if not _TOKEN.match(token):
            raise ValueError(f"subject token {token!r} must be letters, digits, '_' or '-'")
    return ".".join(tokens)


def market_subject(message: messages.MarketData) -> str:
    """`market.hyperliquid.BTC.trade`; candles carry their interval: `market.hyperliquid.BTC.candle_1m`.

    What is said of one prediction market ends in its name, `market.polymarket.BTC.prob.0x…`, and so does its book in
    the stream of books: `book.polymarket.BTC.0x…`.
    """
    match message:
        case messages.BookMessage():
            return book_subject(message.exchange, message.asset, message.market)
        case messages.ProbMessage():
            return _join("market", message.exchange, message.asset, "prob", message.market)
        case messages.ResolvedMessage():
            return _join("market", message.exchange, message.asset, "resolved", message.market)
        case messages.CandleMessage():
            kind = f"candle_{message.interval}"
        case messages.TradeMessage():
            kind = "trade"
        case messages.BboMessage():
            kind = "bbo"
        case messages.CtxMessage():
            kind = "ctx"
        case messages.FundingMessage():
            kind = "funding"
        case messages.GapMessage():
            kind = "gap"
    return _join("market", message.exchange, message.asset, kind)


def book_subject(exchange: str, asset: str, market: str = "") -> str:
    """`book.hyperliquid.BTC`, or with a prediction market `book.polymarket.BTC.0x…`."""
    return _join("book", exchange, asset, *filter(None, [market]))


def market_kind(exchange: str, asset: str, kind: str) -> str:
    return _join("market", exchange, asset, kind)


def kind_of(subject: str) -> str:
    """What a subject of MARKET or BOOK is about: `trade`, `candle_1m`, `prob`, `book` …"""
    stream, _, _, *rest = subject.split(".")
    return "book" if stream == "book" else rest[0]


def watermark_subject(stream: StreamSpec, exchange: str) -> str:
    """`market.hyperliquid._.watermark` and `book.hyperliquid._.watermark`."""
    return _join(stream.name.lower(), exchange, "_", "watermark")


def signal_subject(strategy: str, exchange: str, asset: str) -> str:
    return _join("signal", strategy, exchange, asset)


def grid_subject(exchanges: str, asset: str) -> str:
    return _join("grid", exchanges, asset)


def exec_subject(kind: str, portfolio: str, strategy: str | None, asset: str | None) -> str:
    return _join("exec", kind, portfolio, strategy or "_", asset or "_")


def exec_subjects(kind: str, portfolio: str) -> str:
    """Every subject of one kind of one portfolio: `exec.fill.default.>`."""
    return f"{_join('exec', kind, portfolio)}.>"


def ops_subject(service: str, event: str) -> str:
    return _join("ops", service, event)


def heartbeat_subject(service: str, instance: str) -> str:
    return _join("heartbeat", service, instance)


def control_subject(service: str, verb: str) -> str:
    """Request and reply, no stream: `ctl.paper-broker.pause`."""
    return _join("ctl", service, verb)


def control_subjects(service: str) -> str:
    """Every request to one service."""
    return f"{_join('ctl', service)}.*"


def lease_subject(kind: str, key: str) -> str:
    """`lease.runner.BTC`: the newest message names its holder."""
    return _join("lease", kind, key)


def lease_subjects(kind: str) -> str:
    return f"{_join('lease', kind)}.*"


def dlq_subject(stream: StreamSpec, consumer: str) -> str:
    return _join("dlq", stream.name, consumer)


def venue_dlq_subject(exchange: str) -> str:
    return _join("dlq", "venue", exchange)


_BY_MARKET = frozenset({Exchange.POLYMARKET.value})
"""Exchanges whose subjects name the market as their last token."""


@dataclass(frozen=True)
class Filters:
    """Subject filters of one reader, by stream."""

    market: tuple[str, ...] = field(default=())
    book: tuple[str, ...] = field(default=())


def shard_filters(exchanges: tuple[str, ...], asset: str) -> Filters:
    """What the runner of one asset reads: what strategies can see, and the watermarks of both streams."""
    market = [subject for exchange in exchanges for subject in _seen_by_strategies(exchange, asset)]
    marks = [watermark_subject(MARKET, exchange) for exchange in exchanges]
    books = [f"{_join('book', exchange, asset)}.*" for exchange in exchanges if exchange in _BY_MARKET]
    return Filters(
        market=(*market, *marks),
        book=(*books, *(watermark_subject(BOOK, exchange) for exchange in exchanges)),
    )


def _seen_by_strategies(exchange: str, asset: str) -> list[str]:
    if exchange not in _BY_MARKET:
        return [market_kind(exchange, asset, kind) for kind in ("ctx", "candle_1m", "funding", "gap")]
    per_market = [f"{market_kind(exchange, asset, kind)}.*" for kind in ("prob", "resolved")]
    return [*per_market, market_kind(exchange, asset, "gap")]


def broker_filters(exchanges: tuple[str, ...], books: Container[str] = ()) -> Filters:
    """What the broker reads: marks, settled funding, prediction markets, and the watermarks of both streams.

    books: exchanges of which it also fills by the recorded books of coins.
    """
    market: list[str] = []
    book: list[str] = []
    for exchange in exchanges:
        if exchange in _BY_MARKET:
            market += by_market_subjects(exchange)
            book.append(f"{_join('book', exchange)}.*.*")  # its watermarks too: filters must not overlap
            continue
        market += [f"market.{exchange}.*.{kind}" for kind in ("ctx", "funding")]
        book += [f"{_join('book', exchange)}.*"] if exchange in books else []
        book.append(watermark_subject(BOOK, exchange))
    return Filters(market=(*market, *(watermark_subject(MARKET, exchange) for exchange in exchanges)), book=tuple(book))


def by_market_subjects(exchange: str) -> tuple[str, ...]:
    """Everything that MARKET has of prediction markets: what they are worth, and their results."""
    return tuple(f"{_join('market', exchange)}.*.{kind}.*" for kind in ("prob", "resolved"))


def book_subjects(exchange: str) -> str:
    """Everything that BOOK has of one exchange: books and watermarks."""
    return f"{_join('book', exchange)}.>"


def dashboard_filters() -> tuple[str, ...]:
    """What the dashboard reads of MARKET: marks, closed candles and polls, of every exchange and asset."""
    return ("market.*.*.ctx", "market.*.*.candle_1m", "market.*.*.prob.*")


def any_watermark(stream: StreamSpec) -> str:
    """The watermarks of every exchange in one stream."""
    return f"{stream.name.lower()}.*._.watermark"


def replay_prefix(text: str) -> str:
    """`text` if it leads into REPLAY and nowhere else: `replay.` or `replay.monday.`. ValueError otherwise."""
    *tokens, end = text.split(".")
    if end or tokens[:1] != ["replay"] or not all(map(_TOKEN.match, tokens)):
        raise ValueError(f"{text!r} must begin with 'replay.' and end with a dot, as replay. or replay.monday.")
    return text


def all_signals() -> tuple[str, ...]:
    """Of SIGNALS only what strategies said, without the grid messages."""
    return ("signal.>",)
