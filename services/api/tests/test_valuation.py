"""What an open position is worth on the page, in terms of what is held. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from trading_api.live.marks import Mark, Marks
from trading_api.live.prospects import funding_ahead
from trading_api.live.valuation import value
from trading_core.broker.events import PositionState
from trading_core.market.samples import A_MARKET, T0, a_poll


def a_position(**changes: Any) -> PositionState:
    """100 tokens bought at 0.30, with a stop at 0.27 and a target at 0.36."""
    given: dict[str, Any] = {
        "event_id": "p", "portfolio": "", "ts_ms": 0, "position_id": "p", "version": 1, "strategy": "s",
        "asset": "BTC", "exchange": "polymarket", "instrument": A_MARKET, "direction": "SHORT", "status": "OPEN",
        "signal_id": "", "confidence": 1.0, "quantity": Decimal(100), "stake": Decimal(30), "entry_ms": 0,
        "entry_ref": Decimal("0.3"), "entry_price": Decimal("0.3"), "entry_notional": Decimal(30),
        "stop_price": Decimal("0.27"), "target_price": Decimal("0.36"), "deadline_ms": None, "fees": Decimal(0),
        "funding_pnl": Decimal(0), "slippage_cost": Decimal(0), "suspect": False, "late": False,
    }  # fmt: skip
    return PositionState(**given | changes)


def test_a_no_token_is_valued_at_one_minus_the_market() -> None:
    worth = value(a_position(), Decimal("0.67"))
    # NO at 0.33: 100 x 0.03; the stop lies 0.06 / 0.33 below, the target 0.03 / 0.33 above.
    assert worth.unrealised_pnl == 3
    assert worth.unrealised_fraction == 0.1
    assert (worth.stop_distance, worth.target_distance) == (float(Decimal(6) / 33), float(Decimal(3) / 33))
    assert worth.mark == Decimal("0.33")


def test_a_yes_token_and_a_coin_are_valued_at_the_mark_itself() -> None:
    assert value(a_position(direction="LONG"), Decimal("0.33")).unrealised_pnl == 3
    coin = a_position(exchange="hyperliquid", instrument="BTC", stop_price=None, target_price=None)
    assert value(coin, Decimal("0.28")).unrealised_pnl == 2


def test_a_poll_is_the_mark_of_its_market_and_no_news() -> None:
    marks = Marks()
    marks.hear(a_poll(mid="0.67"))
    assert marks.newest["polymarket", A_MARKET] == Mark(Decimal("0.67"), T0)
    assert not marks.changed


def test_the_next_funding_is_what_a_long_would_pay_at_this_rate() -> None:
    """0.01 at 84,000 are 840 USD of notional; a rate of 0.0001 makes 0.084 an hour, 0.672 in eight."""
    long = a_position(exchange="hyperliquid", instrument="BTC", direction="LONG", quantity=Decimal("0.01"))
    mark = Mark(Decimal(84_000), T0, Decimal("0.0001"))
    hour_ms = 3_600_000
    now_ms = 5 * hour_ms
    assert funding_ahead(long, mark, now_ms, 1) == {
        "funding_interval_ms": hour_ms,
        "next_funding_ms": 6 * hour_ms,  # that of this very hour has been settled
        "funding_rate_1h": "0.0001",
        "next_funding": "-0.084000",
    }
    assert funding_ahead(replace(long, direction="SHORT"), mark, now_ms, 8)["next_funding"] == "0.672000"
    assert "next_funding" not in funding_ahead(long, Mark(Decimal(84_000), T0), now_ms, 1)
    assert funding_ahead(a_position(), mark, now_ms, 1) == {}, "a token pays none"
