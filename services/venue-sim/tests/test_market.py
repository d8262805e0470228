from __future__ import annotations

import itertools

import pytest
from venue_lab import the_market

from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS
from venue_sim.clock import whole_days_before
from venue_sim.market import Market

MINUTE = 1_560
P = MINUTE * 4


@pytest.fixture
def market() -> Market:
    return the_market()


def test_the_prints_of_a_minute_give_back_its_recorded_candle(market: Market) -> None:
    for coin, asset in market.sample.assets.items():
        candle = market.candle(coin, "1m", P + 3)
        assert candle is not None
        recorded = [float(column[MINUTE]) for column in (asset.open, asset.high, asset.low, asset.close)]
        assert [float(candle[key]) for key in "ohlc"] == recorded
        lots = round(float(candle["v"]) * 10**asset.spec.size_decimals)
        assert lots == int(asset.volume_lots[MINUTE])
        assert candle["n"] == 4


def test_a_running_candle_knows_only_the_prints_so_far(market: Market) -> None:
    first = market.candle("BTC", "1m", P)
    assert first is not None
    assert first["o"] == first["h"] == first["l"] == first["c"]
    assert float(first["v"]) == pytest.approx(sum(float(market.trade("BTC", q)["sz"]) for q in (P,)))


def test_wider_candles_are_made_of_the_minutes_inside(market: Market) -> None:
    last = (MINUTE - MINUTE % 15 + 15) * 4 - 1
    wide = market.candle("ETH", "15m", last)
    assert wide is not None
    parts = [market.candle("ETH", "1m", last, wide["t"] + k * MINUTE_MS) for k in range(15)]
    inside = [part for part in parts if part is not None]
    assert wide["o"] == inside[0]["o"]
    assert wide["c"] == inside[-1]["c"]
    assert float(wide["h"]) == max(float(part["h"]) for part in inside)
    assert float(wide["l"]) == min(float(part["l"]) for part in inside)
    assert float(wide["v"]) == pytest.approx(sum(float(part["v"]) for part in inside))
    assert wide["n"] == 60


def test_history_starts_with_the_bucket_containing_the_start_and_ends_with_the_running_one(market: Market) -> None:
    now_ms = market.time_ms(P)
    rows = market.candles("BTC", "1m", P, now_ms - 10 * MINUTE_MS + 7, None)
    assert [row["t"] for row in rows] == [now_ms - k * MINUTE_MS for k in range(10, -1, -1)]
    assert rows[-1]["n"] == 1


def test_history_keeps_the_newest_five_thousand_candles(market: Market) -> None:
    late = 6_000 * 4
    assert len(market.candles("BTC", "1m", late, 0, None)) == 5_000


def test_the_quote_lies_half_a_tick_around_the_print(market: Market) -> None:
    for coin, asset in market.sample.assets.items():
        bid, ask = market.bid_ask(coin, P)
        assert float(bid) < market.price(coin, P) < float(ask)
        assert float(ask) - float(bid) == pytest.approx(asset.spec.tick)


def test_a_book_is_a_plain_ladder_behind_the_quote(market: Market) -> None:
    for coin, asset in market.sample.assets.items():
        bids, asks = market.book(coin, P)["levels"]
        assert (bids[0], asks[0]) == tuple(market.bbo(coin, P)["bbo"])
        assert len(bids) == len(asks) == 20
        assert {level["sz"] for level in (*bids, *asks)} == {market.trade(coin, P)["sz"]}
        steps = [float(far["px"]) - float(near["px"]) for near, far in itertools.pairwise(asks)]
        assert steps == pytest.approx([asset.spec.tick] * 19, rel=1e-6)
        assert [float(bid["px"]) + float(ask["px"]) for bid, ask in zip(bids, asks, strict=True)] == pytest.approx(
            [2 * market.price(coin, P)] * 20
        )


def test_a_context_has_no_open_interest_and_marks_at_the_last_print(market: Market) -> None:
    context = market.ctx("SOL", P + 1)
    assert "openInterest" not in context
    assert context["markPx"] == repr(market.price("SOL", P + 1))


def test_the_last_print_at_a_time_is_the_newest_not_after_it(market: Market) -> None:
    for q in range(P, P + 9):
        assert market.last_print_at(market.time_ms(q)) == q
        assert market.last_print_at(market.time_ms(q) - 1) == q - 1
    assert market.last_print_at(market.first_ms - 1) == -1


def test_funding_shows_no_row_after_now_and_keeps_the_recorded_milliseconds(market: Market) -> None:
    now_ms = market.first_ms + 3 * HOUR_MS + 500
    rows = market.funding("BTC", now_ms, 0, None)
    assert [row["time"] - market.first_ms for row in rows][:2] == [11, HOUR_MS + 121]
    assert all(row["time"] <= now_ms for row in rows)


def test_funding_of_sol_is_the_eight_hour_rate_over_eight_at_each_hour(market: Market) -> None:
    asset = market.sample.assets["SOL"]
    assert asset.funding.derived
    rows = market.funding("SOL", market.first_ms + 17 * HOUR_MS, 0, None)
    assert [row["time"] for row in rows] == [market.first_ms + k * HOUR_MS for k in range(18)]
    # The row stamped six milliseconds past the sixteenth hour counts from that hour on.
    assert float(rows[0]["fundingRate"]) == pytest.approx(-6.756e-05 / 8)
    assert float(rows[16]["fundingRate"]) == pytest.approx(-9.298e-05 / 8)


def test_the_sample_is_moved_by_whole_days_and_ends_before_now(market: Market) -> None:
    for wall_ms in (market.sample.end_ms, market.sample.end_ms + 37 * DAY_MS + 1, market.sample.end_ms + DAY_MS - 1):
        shift_ms = whole_days_before(market.sample.end_ms, wall_ms)
        assert shift_ms % DAY_MS == 0
        assert wall_ms - DAY_MS < market.sample.end_ms + shift_ms <= wall_ms
