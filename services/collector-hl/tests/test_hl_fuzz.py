"""Whatever bytes come, every parser reads or refuses them: no other exception, and nothing absurd gets through."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_hl_fixtures import ALL, READERS
from test_parse import a_bbo, a_candle, a_ctx, a_trade, framed

from collector_hl import outgoing, parse
from collector_hl.parse import BboRow, BookRow, CandleRow, CtxRow, TradeRow
from fuzzing import any_json, read_damaged, read_with_one_replaced
from trading_core.errors import VenueMessageInvalid
from trading_core.messages import Message, decode, encode

BOOK = {"coin": "BTC", "time": 1_790_232_237_145, "levels": [[{"px": "1.0", "sz": "2"}], [{"px": "1.5", "sz": "2"}]]}
OWN = [
    framed("trades", [a_trade()]), framed("candle", a_candle()), framed("bbo", a_bbo()), framed("l2Book", BOOK),
    framed("activeAssetCtx", a_ctx()), json.dumps([a_candle()]).encode(),
    framed("subscriptionResponse", {"method": "subscribe", "subscription": {"type": "trades", "coin": "BTC"}}),
]  # fmt: skip
CORPUS = OWN + [path.read_bytes() for path in ALL if path.suffix == ".json" and path.stat().st_size < 8_000]
"""Small ones: the large hold the same kinds of values more often."""
JSON = any_json(1 << 62, -(1 << 63))


def published(row: parse.Row) -> Message | None:
    """What the collector would say of it."""
    match row:
        case TradeRow():
            return outgoing.trade(row, row.time, 0)
        case CandleRow():
            return outgoing.candle(row, row.close_ms, 0, backfilled=False)
        case BboRow():
            return outgoing.bbo(row, row.time, 0)
        case BookRow():
            return outgoing.book(row, row.time, row.time, 0)
        case CtxRow():
            return outgoing.ctx(row.coin, row.ctx, 1, 1, 0)
        case _:
            return None


def read_all(data: bytes) -> None:
    for read in READERS:
        with contextlib.suppress(VenueMessageInvalid):
            read(data)
    with contextlib.suppress(VenueMessageInvalid):
        for row in parse.frame(data)[1]:
            message = published(row)
            assert message is None or decode(encode(message)) == message


@given(st.binary(max_size=300))
@example(b"[" * 5_000)
@example(b'{"channel":"trades","data":[{"coin":"\\ud800"}]}')
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_all(data)


@settings(max_examples=200)
@given(JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    read_all(json.dumps(value).encode())


@settings(max_examples=200)
@given(st.data())
def test_a_good_payload_with_one_value_replaced_is_read_or_refused(data: st.DataObject) -> None:
    read_with_one_replaced(read_all, CORPUS, JSON, data)


@settings(max_examples=200)
@given(st.data())
def test_a_good_payload_with_bytes_cut_doubled_or_changed_is_read_or_refused(data: st.DataObject) -> None:
    read_damaged(read_all, CORPUS, data)
