from __future__ import annotations

from typing import Any

import msgspec
import pytest

from recorder import rows, tables
from recorder.tables import Batch
from recorder.visibility import Visibility
from trading_core.bus.connection import Delivered
from trading_core.db.times import EPOCH
from trading_core.errors import MessageInvalid
from trading_core.messages import (
    CandleMessage,
    CtxMessage,
    FundingMessage,
    GapMessage,
    Message,
    SignalMessage,
    TradeMessage,
    WatermarkMessage,
    encode,
)

MARKET: dict[str, Any] = {"exchange": "hyperliquid", "asset": "BTC", "event_time_ms": 60_000, "visible_ms": 60_000}


def delivered(message: Message | bytes, sequence: int = 1, subject: str = "market.hyperliquid.BTC.kind") -> Delivered:
    data = message if isinstance(message, bytes) else encode(message)
    return Delivered(subject=subject, data=data, sequence=sequence, ingest_time_ns=sequence * 1_000_000)


def a_candle(**changes: Any) -> CandleMessage:
    prices = {"open": "100", "high": "110", "low": "90", "close": "105", "volume": "3.5"}
    return CandleMessage(**{"id": "c:1", "open_time_ms": 0, **MARKET, **prices, **changes})


def a_gap(state: str, **changes: Any) -> GapMessage:
    values = {"id": f"g:{state}", "channel": "ctx", "from_ms": 1_000, "state": state, **MARKET, **changes}
    return GapMessage(**values)


def projected(*found: Message) -> Batch:
    batch, project = Batch(), rows.market(Visibility({}))
    for number, message in enumerate(found, start=1):
        project(batch, delivered(message, number))
    return batch


def test_the_payload_of_a_tick_is_the_message_to_the_byte() -> None:
    raw = b'{"v":1, "t":"trade","id":"t:1","exchange":"hyperliquid","asset":"BTC","event_time_ms":1,"visible_ms":1,'
    raw += b'"price":"1.50","size":"2","side":"buy","trade_id":"1","later_field":true}'
    batch = Batch()
    rows.market(Visibility({}))(batch, delivered(raw, subject="market.hyperliquid.BTC.trade"))
    [tick] = batch.of(tables.TICKS)
    assert tick[9] == raw.decode()
    assert tick[1:9] == ("t:1", "hyperliquid", "BTC", "trade", 1, "1.50", "2", "buy")


def test_a_message_after_a_watermark_is_visible_after_it() -> None:
    mark = WatermarkMessage(id="w", exchange="hyperliquid", watermark_ms=90_000)
    batch = projected(a_candle(), mark, a_candle(id="c:2"))
    assert [tick[5] for tick in batch.of(tables.TICKS)] == [60_000, 90_001]
    assert [row[10] for row in batch.of(tables.CANDLE_REVISIONS)] == [60_000, 90_001]
    assert len(batch.of(tables.WATERMARKS)) == 1


def test_only_a_polled_context_with_an_estimate_is_a_funding_snapshot() -> None:
    streamed = CtxMessage(id="x:1", mark_price="100", funding_estimate_1h="0.0001", **MARKET)
    polled = msgspec.structs.replace(streamed, id="x:2", polled=True, open_interest="12")
    without = msgspec.structs.replace(polled, id="x:3", funding_estimate_1h=None)
    batch = projected(streamed, polled, without)
    assert [row[6] for row in batch.of(tables.FUNDING_SNAPSHOTS)] == ["x:2"]
    assert len(batch.of(tables.TICKS)) == 3


def test_settled_funding_is_a_rate_of_its_hour() -> None:
    [row] = projected(FundingMessage(id="f", hour_ms=0, rate="0.0000125", **MARKET)).of(tables.FUNDING_RATES)
    assert (row[2], row[4], row[5]) == (EPOCH, "0.0000125", None)


@pytest.mark.parametrize("opening_first", [True, False])
def test_the_messages_of_one_gap_become_one_row_in_either_order(opening_first: bool) -> None:
    opened = a_gap("open", reason="socket_closed", visible_ms=2_000)
    closed = a_gap("filled", to_ms=9_000, visible_ms=9_500)
    [row] = projected(*((opened, closed) if opening_first else (closed, opened))).of(tables.GAPS)
    assert row[0] == "g:hl:BTC:ctx:1000"
    assert row[5] == rows.at(9_000)
    assert row[6:] == ("filled", "socket_closed", 2_000, 9_500)


def test_of_several_rows_with_one_key_the_last_is_written() -> None:
    candles = projected(a_candle(), a_candle(id="c:2", close="99")).of(tables.CANDLES)
    assert [row[0] for row in tables.newest_by_key(tables.CANDLES, candles)] == ["c:2"]


@pytest.mark.parametrize(
    "message",
    [
        a_candle(low="200"),
        a_candle(close="NaN"),
        a_candle(event_time_ms=10**18),
        TradeMessage(id="t", price="1e999999", size="1", side="buy", trade_id="1", **MARKET),
        FundingMessage(id="f", hour_ms=0, rate="a lot", **MARKET),
        SignalMessage(
            id="s", strategy="s", exchange="e", asset="BTC", instrument="BTC", ts=1, grid="e", direction="PASS"
        ),
        b"not json",
        b'{"t":"trade","id":"t:1"}',
        b'{"t":"unheard_of","id":"1"}',
    ],
)
def test_what_cannot_be_stored_is_refused_whole(message: Message | bytes) -> None:
    batch = Batch()
    with pytest.raises(MessageInvalid):
        rows.market(Visibility({}))(batch, delivered(message))
    assert not any(batch.rows.values())


def test_a_pass_has_no_direction() -> None:
    batch = Batch()
    signal = SignalMessage(
        id="s:1", strategy="rsi", exchange="hyperliquid", asset="BTC", instrument="BTC", ts=60_000, grid="hyperliquid",
        direction="PASS", reason="no_candle", metadata={"rsi": 50.5},
    )  # fmt: skip
    rows.signals(batch, delivered(signal))
    rows.signals(batch, delivered(msgspec.structs.replace(signal, direction="LONG", entry_price="100.5")))
    passed, long = batch.of(tables.SIGNALS)
    assert (passed[4], passed[10], passed[7]) == (None, "no_candle", '{"rsi":50.5}')
    assert (long[4], long[6]) == ("LONG", "100.5")


def test_everything_in_the_dead_letter_stream_becomes_a_row() -> None:
    advisory = (
        b'{"type":"io.nats.jetstream.advisory.v1.terminated","id":"abc","timestamp":"2026-01-01T00:00:00Z",'
        b'"stream":"MARKET","consumer":"rec","stream_seq":7,"deliveries":1}'
    )
    batch = Batch()
    for number, data in enumerate((advisory, b"\x00\xff", encode(a_candle())), start=1):
        rows.dead_letters(batch, delivered(data, number, subject="dlq.MARKET.rec"))
    first, second, third = batch.of(tables.DEAD_LETTERS)
    assert first[:4] == ("adv:abc", "dlq.MARKET.rec", "MARKET.rec", "terminated of message 7")
    assert second[4] == "\ufffd\ufffd"
    assert third[3] == "not a dead letter"
