"""What each message becomes in Postgres. Pure: messages in, rows out, MessageInvalid for what cannot be stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import msgspec

from recorder import tables
from recorder.tables import Batch
from recorder.visibility import Visibility
from trading_core import ids, messages, streams
from trading_core.bus.connection import Delivered
from trading_core.db.signals import signal_row
from trading_core.db.times import utc
from trading_core.errors import MessageInvalid

Project = Callable[[Batch, Delivered], None]

_DECIMAL = re.compile(r"-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?")
_NUL = "\x00"


def market(visibility: Visibility) -> Project:
    """MARKET and BOOK: every message but the watermarks whole into `ticks`, and its projection."""

    def project(batch: Batch, delivered: Delivered) -> None:
        message = messages.decode(delivered.data)
        place = (delivered.ingest_time_ns, delivered.sequence)
        if isinstance(message, messages.WatermarkMessage):
            visibility.note(message.exchange, message.watermark_ms, place)
            stream = delivered.subject.split(".", 1)[0].upper()
            ingested = at(delivered.ingest_time_ns // 1_000_000)
            batch.add(tables.WATERMARKS, message.exchange, stream, message.watermark_ms, ingested)
            return
        if not isinstance(message, messages.MarketMessage):
            raise MessageInvalid(f"{type(message).__name__} on {delivered.subject}")
        # All that can be refused is looked at before the first row is added: a message is stored whole or not.
        when, payload = at(message.event_time_ms), text_of(delivered)
        price, size, side = _columns(message)
        visible_ms = visibility.of(message.exchange, message.visible_ms, place)
        _project_market(batch, message, visible_ms)
        kind = streams.kind_of(delivered.subject)
        batch.add(
            tables.TICKS,
            when,
            message.id,
            message.exchange,
            message.asset,
            kind,
            visible_ms,
            price,
            size,
            side,
            payload,
        )

    return project


def _columns(message: messages.MarketMessage) -> tuple[str | None, str | None, str | None]:
    """Price, size and side where a message has one; the whole of it is in the payload."""
    match message:
        case messages.TradeMessage():
            return number(message.price), number(message.size), message.side
        case messages.CtxMessage():
            return number(message.mark_price), None, None
        case messages.CandleMessage():
            return number(message.close), number(message.volume), None
        case messages.ProbMessage():
            return optional(message.mid), None, None
        case _:
            return None, None, None


def _project_market(batch: Batch, message: messages.MarketMessage, visible_ms: int) -> None:
    match message:
        case messages.CandleMessage():
            _candle(batch, message, visible_ms)
        case messages.FundingMessage():
            batch.add(
                tables.FUNDING_RATES, message.exchange, message.asset, at(message.hour_ms), at(message.event_time_ms),
                number(message.rate), optional(message.premium), message.id, visible_ms,
            )  # fmt: skip
        case messages.CtxMessage(polled=True, funding_estimate_1h=str(estimate)):
            batch.add(
                tables.FUNDING_SNAPSHOTS, message.exchange, message.asset, at(message.event_time_ms), number(estimate),
                optional(message.open_interest), number(message.mark_price), message.id,
            )  # fmt: skip
        case messages.GapMessage():
            _gap(batch, message, visible_ms)
        case messages.ProbMessage():
            _poll(batch, message, visible_ms)
        case messages.ResolvedMessage():
            batch.add(
                tables.POLYMARKET_RESULTS, message.market, message.asset, at(message.event_time_ms),
                number(message.yes_payout), message.id, visible_ms,
            )  # fmt: skip
        case messages.BookMessage():
            for price, size in (*message.bids, *message.asks):
                number(price)
                number(size)


def _candle(batch: Batch, message: messages.CandleMessage, visible_ms: int) -> None:
    try:
        message.candle()
    except ValueError as error:
        raise MessageInvalid(str(error)) from error
    prices = (message.open, message.high, message.low, message.close, message.volume)
    revision = (
        message.id, message.exchange, message.asset, message.interval, at(message.open_time_ms),
        *map(number, prices), visible_ms,
    )  # fmt: skip
    batch.add(tables.CANDLE_REVISIONS, *revision)
    batch.add(tables.CANDLES, *revision, message.backfilled)


def _poll(batch: Batch, message: messages.ProbMessage, visible_ms: int) -> None:
    """The mission's two prices are the middle of the YES token's book and the rest of one; null without a middle."""
    middle = optional(message.mid)
    batch.add(
        tables.POLYMARKET_MARKETS, message.market, message.title, message.asset, at(message.event_time_ms), middle,
        None if middle is None else format(1 - Decimal(middle), "f"), optional(message.volume_24h),
        optional(message.liquidity), message.slug, at(message.end_time_ms), optional(message.bid),
        optional(message.ask), optional(message.last), optional(message.spread), message.id, visible_ms,
        None if message.start_time_ms is None else at(message.start_time_ms),
    )  # fmt: skip


def _gap(batch: Batch, message: messages.GapMessage, visible_ms: int) -> None:
    """Opening and closing messages share a row; several of one gap in a batch are merged as the table would."""
    is_open = message.state == "open"
    key = ids.gap(message.exchange, message.asset, message.channel, message.from_ms)
    to = None if message.to_ms is None else at(message.to_ms)
    closed = None if is_open else visible_ms
    state, reason, opened = message.state, message.reason, visible_ms
    rows = batch.rows[tables.GAPS]
    for index, row in enumerate(rows):
        if row[0] == key:
            earlier = rows.pop(index)
            to = to or earlier[5]
            state = earlier[6] if is_open else state
            reason = earlier[7] or reason
            opened = min(opened, earlier[8])
            closed = earlier[9] if earlier[9] is not None else closed
            break
    rows.append(
        (key, message.exchange, message.asset, message.channel, at(message.from_ms), to, state, reason, opened, closed)
    )


def signals(batch: Batch, delivered: Delivered) -> None:
    """SIGNALS: every evaluation (PASS has no direction) and the grid messages."""
    message = messages.decode(delivered.data)
    match message:
        case messages.SignalMessage():
            at(message.ts)  # a time that no calendar has is refused here, by name
            optional(message.entry_price)
            batch.add(tables.SIGNALS, *signal_row(message, text_of(delivered)))
        case messages.GridMessage():
            batch.add(tables.GRIDS, message.id, message.exchanges, message.asset, message.ts, message.evaluations)
        case _:
            raise MessageInvalid(f"{type(message).__name__} on {delivered.subject}")


def executions(batch: Batch, delivered: Delivered) -> None:
    """EXEC: the independent copy of what the broker says it did."""
    message = messages.decode(delivered.data)
    if not isinstance(message, messages.ExecMessage):
        raise MessageInvalid(f"{type(message).__name__} on {delivered.subject}")
    batch.add(
        tables.EXEC_EVENTS, message.id, message.outbox_id, message.kind, message.portfolio, message.strategy,
        message.asset, at(message.event_time_ms), text_of(delivered),
    )  # fmt: skip


def operations(batch: Batch, delivered: Delivered) -> None:
    """OPS. An event without a time of its own gets the time at which the stream stored it."""
    message = messages.decode(delivered.data)
    if not isinstance(message, messages.OpsMessage):
        raise MessageInvalid(f"{type(message).__name__} on {delivered.subject}")
    time_ms = message.event_time_ms
    when = at(delivered.ingest_time_ns // 1_000_000 if time_ms is None else time_ms)
    batch.add(tables.EVENTS, message.id, when, message.service, message.event, message.severity, json(message.body))


def heartbeats(batch: Batch, delivered: Delivered) -> None:
    """HEALTH: the newest heartbeat of each instance."""
    message = messages.decode(delivered.data)
    if not isinstance(message, messages.HeartbeatMessage):
        raise MessageInvalid(f"{type(message).__name__} on {delivered.subject}")
    event_time = None if message.event_time_ms is None else at(message.event_time_ms)
    batch.add(
        tables.HEARTBEATS, message.service, message.instance, at(message.sent_time_ms), at(message.started_time_ms),
        message.status, event_time, json(message.detail),
    )  # fmt: skip


def dead_letters(batch: Batch, delivered: Delivered) -> None:
    """DLQ: our own letters, the server's advisories, and anything else as it is. Never refuses one."""
    text = delivered.data.decode(errors="replace")
    try:
        letter = messages.decode(delivered.data)
    except MessageInvalid as error:
        row = _advisory(text) or (f"raw:{delivered.subject}:{ids.h8([text, delivered.ingest_time_ns])}", "", str(error))
        event_id, source, reason, payload = *row, text
    else:
        if isinstance(letter, messages.DeadLetterMessage):
            event_id, source, reason, payload = letter.id, letter.source, letter.reason, letter.payload
        else:
            event_id, source, reason, payload = letter.id, "", "not a dead letter", text
    clean = (text.replace(_NUL, "\ufffd") for text in (event_id, delivered.subject, source, reason, payload))
    batch.add(tables.DEAD_LETTERS, *clean)


class _Advisory(msgspec.Struct):
    """What the server says about a message that it gave up on."""

    id: str
    type: str
    stream: str
    consumer: str
    stream_seq: int


def _advisory(text: str) -> tuple[str, str, str] | None:
    """(event id, source, reason) when `text` is an advisory of the server."""
    try:
        advisory = msgspec.json.decode(text, type=_Advisory)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    source = f"{advisory.stream}.{advisory.consumer}"
    return f"adv:{advisory.id}", source, f"{advisory.type.rsplit('.', 1)[-1]} of message {advisory.stream_seq}"


def at(time_ms: int) -> datetime:
    """UTC time of `time_ms`; MessageInvalid when no calendar has it."""
    try:
        return utc(time_ms)
    except OverflowError as error:
        raise MessageInvalid(f"time {time_ms} ms is out of range") from error


def text_of(delivered: Delivered) -> str:
    try:
        return delivered.data.decode()
    except UnicodeDecodeError as error:
        raise MessageInvalid(str(error)) from error


def number(text: str) -> str:
    """`text`, which Postgres will read as NUMERIC; MessageInvalid when it is not a finite decimal."""
    if not _DECIMAL.fullmatch(text):
        raise MessageInvalid(f"{text[:40]!r} is not a decimal number")
    return text


def optional(text: str | None) -> str | None:
    return None if text is None else number(text)


def json(value: object) -> str:
    return msgspec.json.encode(value).decode()
