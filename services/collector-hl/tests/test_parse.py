from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_hl import parse
from collector_hl.parse import AckRow, BboRow, CandleRow, ClockRow, CtxRow, TradeRow
from trading_core.errors import VenueMessageInvalid


def a_trade(**changes: Any) -> dict[str, Any]:
    trade = {
        "coin": "BTC",
        "side": "B",
        "px": "84143.0",
        "sz": "0.25",
        "time": 1_790_232_237_145,
        "tid": 7,
        "hash": "0x",
    }
    return trade | changes


def a_candle(**changes: Any) -> dict[str, Any]:
    candle = {"t": 1_787_195_040_000, "T": 1_787_195_099_999, "s": "BTC", "i": "1m", "v": "0.8", "n": 47}
    return candle | {"o": "101.0", "c": "102.0", "h": "103.5", "l": "100.0"} | changes


def a_bbo(bid: str | None = "100.0", ask: str | None = "100.5") -> dict[str, Any]:
    sides = [{"px": price, "sz": "1.5", "n": 3} if price else None for price in (bid, ask)]
    return {"coin": "BTC", "time": 1_790_232_237_145, "bbo": sides}


def a_ctx(**changes: Any) -> dict[str, Any]:
    ctx = {"funding": "0.0000125", "openInterest": "12.5", "oraclePx": "100.1", "markPx": "100.0", "midPx": "100.2"}
    return {"coin": "BTC", "ctx": ctx | changes}


def framed(channel: str, data: Any) -> bytes:
    return json.dumps({"channel": channel, "data": data}).encode()


def one(channel: str, data: Any) -> parse.Row:
    [row] = parse.frame(framed(channel, data))[1]
    return row


def test_a_trade_keeps_the_digits_of_the_venue() -> None:
    row = one("trades", [a_trade(px="84143.10")])
    assert isinstance(row, TradeRow)
    assert (row.px, row.sz, row.side) == ("84143.10", "0.25", "B")


def test_a_bad_trade_does_not_take_its_neighbours_with_it() -> None:
    _, rows, rejects = parse.frame(framed("trades", [a_trade(), a_trade(px="-1"), a_trade(tid=8), a_trade(side="X")]))
    assert [row.tid for row in rows if isinstance(row, TradeRow)] == [7, 8]
    assert rejects[0].reason == "px must be > 0, got -1"
    assert json.loads(rejects[0].payload)["px"] == "-1"
    assert len(rejects) == 2


@pytest.mark.parametrize("price", ["NaN", "Infinity", "1e5", "", " 1", "0x10", "1_0", "--1", "0", "0.0", "1" * 33])
def test_a_price_is_a_positive_decimal_of_at_most_32_characters(price: str) -> None:
    _, rows, rejects = parse.frame(framed("trades", [a_trade(px=price)]))
    assert not rows
    assert len(rejects) == 1


def test_a_size_may_be_zero_but_not_negative() -> None:
    assert one("trades", [a_trade(sz="0.0")])
    assert not parse.frame(framed("trades", [a_trade(sz="-0.1")]))[1]


def test_a_candle_is_a_whole_minute() -> None:
    row = one("candle", a_candle())
    assert isinstance(row, CandleRow)
    assert row.close_ms == row.t + 60_000
    for changes in ({"i": "5m"}, {"t": 1_787_195_040_001}, {"T": 1_787_195_100_000}):
        with pytest.raises(VenueMessageInvalid, match="not a 1m bucket"):
            one("candle", a_candle(**changes))


@pytest.mark.parametrize("changes", [{"l": "101.5"}, {"h": "101.5"}, {"o": "99.0"}, {"c": "104.0"}])
def test_a_candle_with_crossed_prices_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(VenueMessageInvalid, match="low <= open, close <= high"):
        one("candle", a_candle(**changes))


def test_an_empty_side_of_the_book_is_none() -> None:
    row = one("bbo", a_bbo(bid=None))
    assert isinstance(row, BboRow)
    assert row.bbo[0] is None


@pytest.mark.parametrize("bid", ["100.5", "100.6"])
def test_a_crossed_book_is_refused(bid: str) -> None:
    with pytest.raises(VenueMessageInvalid, match="crossed book"):
        one("bbo", a_bbo(bid=bid))


def test_a_context_may_lack_open_interest_and_mid() -> None:
    row = one("activeAssetCtx", {"coin": "BTC", "ctx": {"markPx": "100.0", "midPx": None, "premium": None}})
    assert isinstance(row, CtxRow)
    assert (row.ctx.open_interest, row.ctx.mid_px, row.ctx.mark_px) == (None, None, "100.0")


def test_a_context_without_a_mark_is_refused() -> None:
    with pytest.raises(VenueMessageInvalid, match="markPx"):
        one("activeAssetCtx", {"coin": "BTC", "ctx": {"funding": "0.0"}})


def test_acknowledgements_and_clock_frames_are_understood() -> None:
    subscription = {"type": "l2Book", "coin": "BTC", "nSigFigs": None, "mantissa": None, "fast": False}
    row = one("subscriptionResponse", {"method": "subscribe", "subscription": subscription})
    assert row == AckRow(type="l2Book", coin="BTC")
    assert one("clock", {"time": 5, "speed": 300.0}) == ClockRow(time=5, speed=300.0)


@pytest.mark.parametrize("time_ms", [0, -1, 4_102_444_800_000])
def test_a_time_that_no_venue_knows_is_refused_by_name(time_ms: int) -> None:
    assert parse.frame(framed("trades", [a_trade(time=time_ms)]))[2][0].reason == f"time is no time: {time_ms}"
    for channel, data in (("bbo", a_bbo()), ("l2Book", {"coin": "BTC", "levels": [[], []]}), ("clock", {})):
        with pytest.raises(VenueMessageInvalid, match="time is no time"):
            parse.frame(framed(channel, data | {"time": time_ms}))


def test_the_greeting_of_old_servers_is_ignored() -> None:
    assert parse.frame(b"Websocket connection established.") == ("greeting", [], [])


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"channel":"what"}', b"\xff\xfe", b'{"channel":"bbo"}', b"null"])
def test_whatever_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(VenueMessageInvalid):
        parse.frame(data)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_venue_message_invalid(data: bytes) -> None:
    try:
        parse.frame(data)
    except VenueMessageInvalid:
        return


@given(st.data())
def test_no_mutated_frame_raises_anything_but_venue_message_invalid(data: st.DataObject) -> None:
    frames = [("trades", [a_trade()]), ("candle", a_candle()), ("bbo", a_bbo()), ("activeAssetCtx", a_ctx())]
    good = framed(*data.draw(st.sampled_from(frames)))
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + data.draw(st.binary(max_size=4)) + good[at + data.draw(st.integers(0, 4)) :]
    try:
        parse.frame(bad)
    except VenueMessageInvalid:
        return


def test_contexts_of_a_poll_are_matched_by_place() -> None:
    meta = {"universe": [{"name": "BTC"}, {"name": "DOGE"}, {"name": "ETH"}]}
    contexts = [{"markPx": "1.0"}, {"markPx": "bad"}, {"markPx": "3.0"}]
    found, rejects = parse.contexts(json.dumps([meta, contexts]).encode(), {"BTC", "ETH"})
    assert {asset: context.mark_px for asset, context in found.items()} == {"BTC": "1.0", "ETH": "3.0"}
    assert rejects == []
    with pytest.raises(VenueMessageInvalid, match="3 assets, 1 contexts"):
        parse.contexts(json.dumps([meta, contexts[:1]]).encode(), {"BTC"})


def test_half_an_answer_to_a_poll_says_what_it_was() -> None:
    with pytest.raises(VenueMessageInvalid, match="truncated") as refused:
        parse.contexts(b'[{"universe":[{"na', {"BTC"})
    assert refused.value.payload == '[{"universe":[{"na'


def test_delisted_assets_do_not_count_as_traded() -> None:
    universe = [{"name": "BTC"}, {"name": "LOOM", "isDelisted": True}, {"name": "ETH", "isDelisted": None}]
    assert parse.listed(json.dumps({"universe": universe}).encode()) == {"BTC", "ETH"}


def test_a_bad_row_of_history_is_set_aside() -> None:
    rows, rejects = parse.candles(json.dumps([a_candle(), a_candle(v="x")]).encode())
    assert (len(rows), len(rejects)) == (1, 1)
    funding = [{"coin": "BTC", "fundingRate": "0.0000125", "time": 1_769_916_000_000}, {"coin": "BTC"}]
    settled, refused = parse.funding(json.dumps(funding).encode())
    assert (settled[0].premium, len(settled), len(refused)) == (None, 1, 1)
