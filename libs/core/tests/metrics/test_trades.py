"""What closed trades say."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_core.metrics.trades import Trade, trade_metrics


def a_trade(pnl: str = "1", **changes: Any) -> Trade:
    values: dict[str, Any] = {
        "strategy": "alpha",
        "asset": "BTC",
        "entry_ms": 0,
        "exit_ms": 60_000,
        "exit_reason": "timeout",
        "gross_pnl": Decimal(pnl),
        "fees": Decimal(0),
        "funding_pnl": Decimal(0),
        "slippage_cost": Decimal(0),
        "realised_pnl": Decimal(pnl),
    }
    return Trade(**{**values, **changes})


def test_wins_and_losses_are_counted_and_averaged() -> None:
    metrics = trade_metrics([a_trade("3"), a_trade("1"), a_trade("-1"), a_trade("0")])
    assert (metrics.trades, metrics.wins, metrics.losses) == (4, 2, 1)
    assert (metrics.win_rate, metrics.loss_rate) == (0.5, 0.25)
    assert (metrics.avg_win, metrics.avg_loss) == (2.0, 1.0)
    assert metrics.profit_factor == 4.0
    assert metrics.expectancy == 0.75  # 0.5 x 2 - 0.25 x 1
    assert metrics.realised_pnl == 3


def test_only_wins_have_an_infinite_profit_factor() -> None:
    metrics = trade_metrics([a_trade("3")])
    assert (metrics.profit_factor, metrics.profit_factor_infinite, metrics.avg_loss) == (None, True, None)


def test_a_trade_at_exactly_zero_is_neither() -> None:
    metrics = trade_metrics([a_trade("0")])
    assert (metrics.wins, metrics.losses, metrics.profit_factor, metrics.profit_factor_infinite) == (0, 0, None, False)
    assert metrics.expectancy == 0.0


def test_without_trades_nothing_is_defined() -> None:
    metrics = trade_metrics([])
    assert metrics.trades == 0
    undefined = (metrics.win_rate, metrics.avg_win, metrics.profit_factor, metrics.expectancy, metrics.avg_hold_s)
    assert undefined == (None,) * 5
    assert metrics.exit_reasons == {}
    assert metrics.fees == 0


def test_the_hold_is_averaged_in_seconds_and_reasons_are_counted() -> None:
    metrics = trade_metrics([a_trade(exit_ms=90_000), a_trade(exit_ms=30_000, exit_reason="manual", suspect=True)])
    assert metrics.avg_hold_s == 60.0
    assert metrics.exit_reasons == {"manual": 1, "timeout": 1}
    assert metrics.suspect == 1


def test_sums_stay_exact() -> None:
    metrics = trade_metrics([a_trade("0.1", fees=Decimal("0.100000"))] * 3)
    assert (metrics.realised_pnl, metrics.fees) == (Decimal("0.3"), Decimal("0.3"))


@given(st.lists(st.decimals("-100", "100", places=6), min_size=1, max_size=50))
def test_the_expectancy_is_the_mean_result(results: list[Decimal]) -> None:
    metrics = trade_metrics([a_trade(str(result)) for result in results])
    assert metrics.win_rate is not None
    assert metrics.loss_rate is not None
    expected = metrics.win_rate * (metrics.avg_win or 0) - metrics.loss_rate * (metrics.avg_loss or 0)
    assert metrics.expectancy == pytest.approx(expected, rel=1e-9, abs=1e-12)
