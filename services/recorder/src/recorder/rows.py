"""What each message becomes in Postgres. Pure: messages in, rows out, MessageInvalid for what cannot be stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

import msgspec

from recorder import tables
from recorder.tables import Batch
from recorder.visibility import Visibility
from trading_core import ids, messages, streams
from trading_core.bus.connection import Stored
from trading_core.db.signals import signal_row
from trading_core.db.times import EARLIEST_MS, LATEST_MS, utc
from trading_core.errors import MessageInvalid

Project = Callable[[Batch, Stored], None]

_is_decimal = re.compile(r"-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?").fullmatch
_NUL = "\x00"


def market(visibility: Visibility) -> Project:
    """MARKET and BOOK: every message but the watermarks whole into `ticks`, and its projection."""

    def project(batch: Batch, stored: Stored) -> None:
        message = messages.decode(stored.data)
        place = stored.place
        if isinstance(message, messages.WatermarkMessage):
            visibility.note(message.exchange, message.watermark_ms, place)
            stream = stored.subject.split(".", 1)[0].upper()
            batch.add(tables.WATERMARKS, message.exchange, stream, message.watermark_ms, at(ingest_ms(stored)))
            return
        if not isinstance(message, messages.MarketMessage):
            raise MessageInvalid(f"{type(message).__name__} on {stored.subject}")
        # All that can be refused is looked at before the first row is added: a message is stored whole or not.
        check_time(message.event_time_ms)
        kind, payload = _kind_of(stored.subject), text_of(stored)
        price, size, side = _COLUMNS.get(type(message), _no_columns)(message)
        visible_ms = visibility.of(message.exchange, message.visible_ms, place)
        projection = _PROJECTIONS.get(type(message))
        if projection is not None:
            projection(batch, message, visible_ms)
        batch.rows[tables.TICKS].append(
            (
                message.event_time_ms, message.id, message.exchange, message.asset, kind, visible_ms, price, size, side,
                payload,
            )
        )  # fmt: skip

    return project


_kind_of = lru_cache(maxsize=4_096)(streams.kind_of)

Columns = tuple[str | None, str | None, str | None]
"""Price, size and side where a message has one; the whole of it is in the payload."""


def _no_columns(_message: messages.MarketMessage) -> Columns:
    return None, None, None


def _of_trade(message: messages.TradeMessage) -> Columns:
    return number(message.price), number(message.size), message.side


def _of_context(message: messages.CtxMessage) -> Columns:
    return number(message.mark_price), None, None


def _of_candle(message: messages.CandleMessage) -> Columns:
    return number(message.close), number(message.volume), None


def _of_poll(message: messages.ProbMessage) -> Columns:
    return optional(message.mid), None, None


# By type and not by `match`: a trade, the most frequent of all, would be asked for every other kind first.
_COLUMNS: dict[type, Callable[..., Columns]] = {
    messages.TradeMessage: _of_trade,
    messages.CtxMessage: _of_context,
    messages.CandleMessage: _of_candle,
    messages.ProbMessage: _of_poll,
}


def _funding(batch: Batch, message: messages.FundingMessage, visible_ms: int) -> None:
    batch.add(
        tables.FUNDING_RATES, message.exchange, message.asset, at(message.hour_ms), at(message.event_time_ms),
        number(message.rate), optional(message.premium), message.id, visible_ms,
    )  # fmt: skip


def _context(batch: Batch, message: messages.CtxMessage, _visible_ms: int) -> None:
    if message.polled and message.funding_estimate_1h is not None:
        batch.add(
            tables.FUNDING_SNAPSHOTS, message.exchange, message.asset, at(message.event_time_ms),
            number(message.funding_estimate_1h), optional(message.open_interest), number(message.mark_price),
            message.id,
        )  # fmt: skip


def _result(batch: Batch, message: messages.ResolvedMessage, visible_ms: int) -> None:
    batch.add(
        tables.POLYMARKET_RESULTS, message.market, message.asset, at(message.event_time_ms),
        number(message.yes_payout), message.id, visible_ms,
    )  # fmt: skip


def _book(_batch: Batch, message: messages.BookMessage, _visible_ms: int) -> None:
    """It has no table of its own; a level that is no number must not get into `ticks` either."""
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


_PROJECTIONS: dict[type, Callable[..., None]] = {
    messages.CandleMessage: _candle,
    messages.FundingMessage: _funding,
    messages.CtxMessage: _context,
    messages.GapMessage: _gap,
    messages.ProbMessage: _poll,
    messages.ResolvedMessage: _result,
    messages.BookMessage: _book,
}


def signals(batch: Batch, stored: Stored) -> None:
    """SIGNALS: every evaluation (PASS has no direction) and the grid messages."""
    message = messages.decode(stored.data)
    match message:
        case messages.SignalMessage():
            at(message.ts)  # a time that no calendar has is refused here, by name
            optional(message.entry_price)
            batch.add(tables.SIGNALS, *signal_row(message, text_of(stored)))
        case messages.GridMessage():
            batch.add(tables.GRIDS, message.id, message.exchanges, message.asset, message.ts, message.evaluations)
        case _:
            raise MessageInvalid(f"{type(message).__name__} on {stored.subject}")


def executions(batch: Batch, stored: Stored) -> None:
    """EXEC: the independent copy of what the broker says it did."""
    message = messages.decode(stored.data)
    if not isinstance(message, messages.ExecMessage):
        raise MessageInvalid(f"{type(message).__name__} on {stored.subject}")
    batch.add(
        tables.EXEC_EVENTS, message.id, message.outbox_id, message.kind, message.portfolio, message.strategy,
        message.asset, at(message.event_time_ms), text_of(stored),
    )  # fmt: skip


def operations(batch: Batch, stored: Stored) -> None:
    """OPS. An event without a time of its own gets the time at which the stream stored it."""
    message = messages.decode(stored.data)
    if not isinstance(message, messages.OpsMessage):
        raise MessageInvalid(f"{type(message).__name__} on {stored.subject}")
    time_ms = message.event_time_ms
    when = at(ingest_ms(stored) if time_ms is None else time_ms)
    batch.add(tables.EVENTS, message.id, when, message.service, message.event, message.severity, json(message.body))


def heartbeats(batch: Batch, stored: Stored) -> None:
    """HEALTH: the newest heartbeat of each instance."""
    message = messages.decode(stored.data)
    if not isinstance(message, messages.HeartbeatMessage):
        raise MessageInvalid(f"{type(message).__name__} on {stored.subject}")
    event_time = None if message.event_time_ms is None else at(message.event_time_ms)
    batch.add(
        tables.HEARTBEATS, message.service, message.instance, at(message.sent_time_ms), at(message.started_time_ms),
        message.status, event_time, json(message.detail),
    )  # fmt: skip


def dead_letters(batch: Batch, stored: Stored) -> None:
    """DLQ: our own letters, the server's advisories, and anything else as it is. Never refuses one."""
    text = stored.data.decode(errors="replace")
    try:
        letter = messages.decode(stored.data)
    except MessageInvalid as error:
        row = _advisory(text) or (f"raw:{stored.subject}:{ids.h8([text, stored.place[0]])}", "", str(error))
        event_id, source, reason, payload = *row, text
    else:
        if isinstance(letter, messages.DeadLetterMessage):
            event_id, source, reason, payload = letter.id, letter.source, letter.reason, letter.payload
        else:
            event_id, source, reason, payload = letter.id, "", "not a dead letter", text
    clean = (text.replace(_NUL, "\ufffd") for text in (event_id, stored.subject, source, reason, payload))
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


def ingest_ms(stored: Stored) -> int:
    """When the stream stored it, UTC ms."""
    return stored.place[0] // 1_000_000


def at(time_ms: int) -> datetime:
    """UTC time of `time_ms`; MessageInvalid when no calendar has it."""
    check_time(time_ms)
    return utc(time_ms)


def check_time(time_ms: int) -> None:
    """MessageInvalid when no calendar has `time_ms`."""
    if not EARLIEST_MS <= time_ms <= LATEST_MS:
        raise MessageInvalid(f"time {time_ms} ms is out of range")


def text_of(stored: Stored) -> str:
    try:
        return stored.data.decode()
    except UnicodeDecodeError as error:
        raise MessageInvalid(str(error)) from error


def number(text: str) -> str:
    """`text`, which Postgres will read as NUMERIC; MessageInvalid when it is not a finite decimal."""
    if not _is_decimal(text):
        raise MessageInvalid(f"{text[:40]!r} is not a decimal number")
    return text


def optional(text: str | None) -> str | None:
    return None if text is None else number(text)


def json(value: object) -> str:
    return msgspec.json.encode(value).decode()
