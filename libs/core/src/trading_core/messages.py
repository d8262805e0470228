"""Every message on the bus: frozen, tagged msgspec structs, JSON on the wire.

`t` names the kind and `v` the major version. Prices and sizes are decimal strings exactly as the venue
printed them; times are UTC milliseconds. Decoders ignore unknown fields; a new field needs a default.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

from trading_core.errors import MessageInvalid
from trading_core.model import Candle


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="t"):
    """`id` is deterministic: it is `Nats-Msg-Id` and the key in Postgres (see `ids.py`)."""

    id: str
    v: int = 1


class MarketMessage(Message, frozen=True, kw_only=True, gc=False):
    """`event_time_ms` is the venue's; `visible_ms` is when it may influence a decision (never earlier).

    Only texts and numbers in it: a replay of millions need not have the garbage collector look at each.
    """

    exchange: str
    asset: str
    event_time_ms: int
    visible_ms: int
    received_time_ms: int = 0
    """Wall clock of the collector; a latency metric only, never an input of a decision."""


class TradeMessage(MarketMessage, frozen=True, kw_only=True, tag="trade"):
    """One execution printed by a venue. `side` is the aggressor's."""

    price: str
    size: str
    side: Literal["buy", "sell"]
    trade_id: str


class BboMessage(MarketMessage, frozen=True, kw_only=True, tag="bbo"):
    """Best bid and offer; a side that is empty is None."""

    bid_price: str | None = None
    bid_size: str | None = None
    ask_price: str | None = None
    ask_size: str | None = None


class CtxMessage(MarketMessage, frozen=True, kw_only=True, tag="ctx"):
    """Asset context of a perpetual. `open_interest` in base units, `funding_estimate_1h` a fraction per hour.

    `polled` marks the REST poll of `poll_interval_s`: it feeds `funding_snapshots` and open interest and
    is never a mark, so that marks come from one ordered source.
    """

    mark_price: str
    oracle_price: str | None = None
    mid_price: str | None = None
    open_interest: str | None = None
    funding_estimate_1h: str | None = None
    polled: bool = False


class CandleMessage(MarketMessage, frozen=True, kw_only=True, tag="candle"):
    """One closed 1m candle. `event_time_ms` is its close time. `backfilled`: read over REST afterwards."""

    open_time_ms: int
    interval: str = "1m"
    open: str
    high: str
    low: str
    close: str
    volume: str
    trade_count: int | None = None
    backfilled: bool = False

    def candle(self) -> Candle:
        """The domain candle; ValueError when it breaks the candle invariant."""
        return Candle(
            asset=self.asset,
            open_time_ms=self.open_time_ms,
            interval_ms=self.event_time_ms - self.open_time_ms,
            open=float(self.open),
            high=float(self.high),
            low=float(self.low),
            close=float(self.close),
            volume=float(self.volume),
        )


class FundingMessage(MarketMessage, frozen=True, kw_only=True, tag="funding"):
    """The settled rate of the hour `hour_ms` (the venue's stamp floored to the hour), per hour."""

    hour_ms: int
    rate: str
    premium: str | None = None


class GapMessage(MarketMessage, frozen=True, kw_only=True, tag="gap"):
    """A hole in one channel's data, `[from_ms, to_ms]`. `open` has no end yet; `filled` and `lost` close it."""

    channel: str
    from_ms: int
    to_ms: int | None = None
    state: Literal["open", "filled", "lost"]
    reason: str = ""


Level = tuple[str, str]
"""Price and size of one book level, as the venue printed them."""


class BookMessage(MarketMessage, frozen=True, kw_only=True, tag="book"):
    """The best levels of a book, best first: what was known to stand at `event_time_ms`.

    `book_time_ms` is when the venue last changed it; an unchanged book is told again while it is known to stand.
    `market` names one prediction market, whose YES/Up token this is the book of; empty: the book of the coin itself.
    """

    market: str = ""
    book_time_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    tick_size: str | None = None


class ProbMessage(MarketMessage, frozen=True, kw_only=True, tag="prob"):
    """One poll of an open prediction market: its terms and its consensus, all in terms of the YES/Up token.

    `bid`, `ask`, `mid`, `last` are probabilities, `volume_24h` and `liquidity` USD; None is unknown, never zero.
    The taker fee is quantity × `fee_rate` × (p × (1 − p)) ^ `fee_exponent`; without a rate there is none.
    """

    market: str
    slug: str
    title: str
    start_time_ms: int | None = None
    """When its window opens; None for a market without one."""
    end_time_ms: int
    yes_token: str
    no_token: str
    bid: str | None = None
    ask: str | None = None
    mid: str | None = None
    last: str | None = None
    spread: str | None = None
    volume_24h: str | None = None
    liquidity: str | None = None
    tick_size: str | None = None
    min_size: str | None = None
    fee_rate: str | None = None
    fee_exponent: str | None = None


class ResolvedMessage(MarketMessage, frozen=True, kw_only=True, tag="resolved"):
    """The venue's report of a result: what one YES/Up token pays, 0 to 1; the other one pays the rest of 1."""

    market: str
    yes_payout: str


class WatermarkMessage(Message, frozen=True, kw_only=True, tag="watermark"):
    """A promise: whatever is published in this stream after it has `visible_ms > watermark_ms`."""

    exchange: str
    watermark_ms: int


class SignalMessage(Message, frozen=True, kw_only=True, tag="signal"):
    """One evaluation: LONG, SHORT or CLOSE with a confidence and a price, or PASS with its `reason`."""

    strategy: str
    exchange: str
    asset: str
    instrument: str
    ts: int
    """The grid point T, UTC ms."""
    grid: str
    """The exchanges that this strategy needs, joined by '-': which grid message counts it."""
    direction: Literal["LONG", "SHORT", "CLOSE", "PASS"]
    confidence: float | None = None
    entry_price: str | None = None
    """Decimal string of the float the strategy gave (`repr`)."""
    reason: str | None = None
    metadata: dict[str, Any] = {}
    code_hash: str = ""
    params_hash: str = ""


class GridMessage(Message, frozen=True, kw_only=True, tag="grid"):
    """The runner of `asset` has evaluated grid point `ts`; `evaluations` counts its signals, PASS included."""

    exchanges: str
    asset: str
    ts: int
    evaluations: int


ExecKind = Literal["decision", "order", "fill", "position", "funding", "equity", "risk", "skip", "command"]
EXEC_KINDS: tuple[ExecKind, ...] = get_args(ExecKind)


class ExecMessage(Message, frozen=True, kw_only=True, tag="exec"):
    """One row of the broker's outbox. `kind` is the second subject token; `body` is that kind's record."""

    kind: ExecKind
    portfolio: str
    strategy: str | None = None
    asset: str | None = None
    event_time_ms: int
    outbox_id: int
    body: dict[str, Any]


class OpsMessage(Message, frozen=True, kw_only=True, tag="ops"):
    """Something an operator wants to know: `gap`, `backfill`, `reload`, `config`, `error`."""

    service: str
    event: str
    event_time_ms: int | None = None
    severity: Literal["info", "warning", "error"] = "info"
    body: dict[str, Any] = {}


class HeartbeatMessage(Message, frozen=True, kw_only=True, tag="heartbeat"):
    """Every five seconds per service instance. `status` is `ok`, `standby` or `degraded`; wall clock times."""

    service: str
    instance: str
    sent_time_ms: int
    started_time_ms: int
    status: Literal["ok", "standby", "degraded"] = "ok"
    event_time_ms: int | None = None
    """How far this service is in event time, where it has such a position."""
    detail: dict[str, Any] = {}


class DeadLetterMessage(Message, frozen=True, kw_only=True, tag="dead_letter"):
    """A message that could not be used, with its reason; `payload` is the original text, cut at 64 KiB."""

    source: str
    reason: str
    payload: str
    received_time_ms: int = 0


MarketData = (
    TradeMessage
    | BboMessage
    | CtxMessage
    | CandleMessage
    | FundingMessage
    | GapMessage
    | BookMessage
    | ProbMessage
    | ResolvedMessage
)
AnyMessage = (
    TradeMessage
    | BboMessage
    | CtxMessage
    | CandleMessage
    | FundingMessage
    | GapMessage
    | BookMessage
    | ProbMessage
    | ResolvedMessage
    | WatermarkMessage
    | SignalMessage
    | GridMessage
    | ExecMessage
    | OpsMessage
    | HeartbeatMessage
    | DeadLetterMessage
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyMessage] = msgspec.json.Decoder(AnyMessage)


def encode(message: Message) -> bytes:
    """Compact JSON; the field order is the declaration order, so equal messages give equal bytes."""
    return _encoder.encode(message)


def decode(data: bytes | str) -> AnyMessage:
    """The message in `data`. MessageInvalid when it is not one of ours or a field is missing or mistyped."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageInvalid(str(error)) from error


def market_data(payload: bytes | str, visible_ms: int) -> MarketData:
    """A recorded market message with the `visible_ms` that readers gave it. MessageInvalid when it is none."""
    message = decode(payload)
    if not isinstance(message, MarketData):
        raise MessageInvalid(f"not market data but a {type(message).__name__}: {message.id}")
    return message if message.visible_ms == visible_ms else msgspec.structs.replace(message, visible_ms=visible_ms)
