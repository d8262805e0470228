"""The rules of candle backtests, each on a few bars, with numbers worked out by hand.

ETH at 2500: a LONG buys 200 / 2501.3 = 0.0799 at 2501.3 (stop 2451.274, target 2601.352), a SHORT sells
200 / 2498.7 = 0.0800 at 2498.7 (stop 2548.674, target 2398.752).
"""

from decimal import Decimal

import pytest
from backtest_builders import T0, a_run, bars, flat, minute, scripted

from trading_core.backtest.engine import Run
from trading_core.backtest.history import FundingRow, Gap
from trading_core.backtest.report import report, summary
from trading_core.broker.events import PositionState
from trading_core.model import HOUR_MS

CALM = flat(2_500.0)
LONG_AT_3 = {(3, "ETH"): ("LONG", 0.9)}
SHORT_AT_3 = {(3, "ETH"): ("SHORT", 0.9)}


def one_bar(bar: tuple[float, float, float, float], script: dict[tuple[int, str], tuple[str, float]]) -> PositionState:
    """The one trade of a run whose position of minute 3 sees `bar` in minute 4 to 5 and calm before and after."""
    run = a_run({"ETH": bars("ETH", [(0, 4, CALM), (4, 1, bar), (5, 5, CALM)])}, scripted(script), minutes=10)
    [trade] = run.trades
    return trade


def test_a_stop_inside_the_bar_fills_at_the_level() -> None:
    trade = one_bar((2_490.0, 2_495.0, 2_451.0, 2_460.0), LONG_AT_3)
    assert (trade.exit_reason, trade.exit_ref, trade.exit_ms) == ("stop_loss", Decimal("2451.274"), minute(5))
    # 2451.274 x 0.9995 = 2450.048363, down to 2450.0; 0.0799 x (2450 - 2501.3) = -4.09887.
    assert (trade.exit_price, trade.gross_pnl) == (Decimal(2_450), Decimal("-4.098870"))
    # Fees 0.0799 x 2501.3 x 0.0005 = 0.099926935 and 0.0799 x 2450 x 0.0005 = 0.0978775 (half to even: 0.097878).
    assert trade.fees == Decimal("0.099927") + Decimal("0.097878")
    assert trade.realised_pnl == Decimal("-4.296675")


def test_an_open_beyond_the_stop_fills_at_the_open() -> None:
    assert one_bar((2_400.0, 2_410.0, 2_390.0, 2_405.0), LONG_AT_3).exit_ref == 2_400


def test_a_target_fills_at_its_level_or_at_a_better_open() -> None:
    inside = one_bar((2_520.0, 2_602.0, 2_510.0, 2_590.0), LONG_AT_3)
    beyond = one_bar((2_620.0, 2_630.0, 2_610.0, 2_620.0), LONG_AT_3)
    assert (inside.exit_reason, inside.exit_ref) == ("take_profit", Decimal("2601.352"))
    assert (beyond.exit_reason, beyond.exit_ref) == ("take_profit", Decimal(2_620))


def test_the_stop_goes_first_even_when_the_bar_opened_at_the_target() -> None:
    run = a_run(
        {"ETH": bars("ETH", [(0, 4, CALM), (4, 1, (2_650.0, 2_650.0, 2_400.0, 2_500.0)), (5, 5, CALM)])},
        scripted(LONG_AT_3), minutes=10,
    )  # fmt: skip
    assert [trade.exit_reason for trade in run.trades] == ["stop_loss"]
    assert run.both_levels == 1
    assert summary(run, 252)["exits_with_both_levels_in_bar"] == 1


def test_a_short_is_mirrored() -> None:
    stopped = one_bar((2_510.0, 2_549.0, 2_505.0, 2_540.0), SHORT_AT_3)
    gapped = one_bar((2_600.0, 2_610.0, 2_590.0, 2_600.0), SHORT_AT_3)
    reached = one_bar((2_450.0, 2_455.0, 2_398.0, 2_420.0), SHORT_AT_3)
    assert (stopped.exit_reason, stopped.exit_ref) == ("stop_loss", Decimal("2548.674"))
    assert gapped.exit_ref == 2_600
    assert (reached.exit_reason, reached.exit_ref) == ("take_profit", Decimal("2398.752"))
    # 2398.752 x 1.0005 = 2399.951376, up to 2400; 0.08 x (2498.7 - 2400).
    assert (reached.exit_price, reached.gross_pnl) == (Decimal(2_400), Decimal("7.896000"))


def test_the_bar_before_the_entry_is_not_looked_at() -> None:
    candles = {"ETH": bars("ETH", [(0, 2, CALM), (2, 1, (2_500.0, 2_500.0, 1_000.0, 2_500.0)), (3, 5, CALM)])}
    [trade] = a_run(candles, scripted(LONG_AT_3), minutes=8).trades
    assert trade.exit_reason == "manual"


def test_at_the_end_everything_closes_with_costs_and_nothing_opens() -> None:
    script = {(3, "ETH"): ("LONG", 0.9), (6, "ETH"): ("SHORT", 0.9)}
    run = a_run({"ETH": bars("ETH", [(0, 6, CALM)])}, scripted(script), minutes=6)
    [trade] = run.trades
    assert (trade.exit_reason, trade.exit_ms, trade.exit_price) == ("manual", minute(6), Decimal("2498.7"))
    assert len(run.decisions) == 1
    assert run.equity[-1].open_positions == 0
    assert summary(run, 252)["forced_closes"] == 1


def test_a_timeout_inside_a_gap_waits_for_the_next_bar() -> None:
    candles = {"ETH": bars("ETH", [(0, 10, CALM), (15, 5, flat(2_505.0))])}
    [trade] = a_run(candles, scripted(LONG_AT_3, timeout_m=10), minutes=20).trades
    assert (trade.exit_reason, trade.exit_ms, trade.exit_ref) == ("timeout", minute(16), Decimal(2_505))


def test_a_stop_in_the_last_bar_goes_before_the_timeout() -> None:
    candles = {"ETH": bars("ETH", [(0, 7, CALM), (7, 1, (2_500.0, 2_500.0, 2_400.0, 2_480.0)), (8, 5, CALM)])}
    [trade] = a_run(candles, scripted(LONG_AT_3, timeout_m=5), minutes=12).trades
    assert (trade.exit_reason, trade.exit_ms) == ("stop_loss", minute(8))


def test_missing_minutes_are_passes_and_gaps_never_filled_in() -> None:
    candles = {"ETH": bars("ETH", [(0, 3, CALM), (5, 3, CALM)])}
    run = a_run(candles, scripted({}), minutes=10)
    [day] = run.passes.by_day().values()
    # T = 0 has no candle before it, 4 and 5 close missing ones, 9 too.
    assert day.counts == {"alpha/ETH/no_candle": 4, "alpha/ETH/no_signal": 6}
    assert run.gaps == [Gap("ETH", minute(3), minute(5)), Gap("ETH", minute(8), minute(10))]
    assert summary(run, 252)["missing_minutes"] == 4


def test_candles_before_the_start_warm_up_and_give_the_first_mark() -> None:
    candles = {"ETH": bars("ETH", [(0, 20, CALM)])}
    run = a_run(candles, scripted({(5, "ETH"): ("LONG", 0.9), (4, "ETH"): ("LONG", 0.9)}), first=5, minutes=10)
    [decision] = run.decisions
    assert (decision.decision, decision.ts_ms) == ("opened", minute(5))
    assert [row.ts_ms for row in run.equity] == [minute(number) for number in range(5, 11)]


def test_the_start_needs_no_alignment() -> None:
    candles = {"ETH": bars("ETH", [(0, 30, CALM)])}
    run = a_run(candles, scripted({(10, "ETH"): ("LONG", 0.9)}, interval="5m"), first=3, minutes=13)
    assert [decision.ts_ms for decision in run.decisions] == [minute(10)]
    assert run.evaluations == 2  # at minutes 5 and 10


def test_a_wider_candle_exists_only_when_all_its_minutes_do() -> None:
    candles = {"ETH": bars("ETH", [(0, 6, CALM), (7, 13, CALM)])}
    run = a_run(candles, scripted({}, interval="5m"), minutes=20)
    [day] = run.passes.by_day().values()
    assert day.counts == {"alpha/ETH/no_candle": 2, "alpha/ETH/no_signal": 2}  # 0 and 10; 5 and 15


def test_the_row_of_an_hour_pays_at_that_hour_whatever_its_stamp() -> None:
    rows = [FundingRow(T0 + HOUR_MS + 45_000, Decimal("0.0002"))]
    candles = {"ETH": bars("ETH", [(0, 70, CALM)])}
    script = {(50, "ETH"): ("LONG", 0.9)}
    run = a_run(candles, scripted(script), minutes=65, funding={"ETH": rows})
    [payment] = run.payments
    # 0.0799 x 2500 x 0.0002
    assert (payment.ts_ms, payment.amount) == (minute(60), Decimal("-0.039950"))
    assert not run.owed


def test_an_hour_without_a_row_stays_owed() -> None:
    rows = [FundingRow(T0 + 2 * HOUR_MS, Decimal("0.0002"))]
    candles = {"ETH": bars("ETH", [(0, 130, CALM)])}
    script = {(50, "ETH"): ("SHORT", 0.9)}
    run = a_run(candles, scripted(script, timeout_m=None), minutes=125, funding={"ETH": rows})
    assert [owed.hour_ms for owed in run.owed] == [minute(60)]
    assert [(payment.hour_ms, payment.amount) for payment in run.payments] == [(minute(120), Decimal("0.040000"))]


def test_signals_of_one_minute_go_by_strategy_then_asset_each_seeing_what_the_last_left() -> None:
    candles = {"ETH": bars("ETH", [(0, 9, CALM)]), "BTC": bars("BTC", [(0, 9, flat(80_000.0))])}
    say = {(3, "ETH"): ("LONG", 0.9), (3, "BTC"): ("LONG", 0.9)}
    run = a_run(candles, scripted(say, name="beta"), scripted(say, name="alpha"), minutes=8)
    order = [(decision.strategy, decision.asset) for decision in run.decisions]
    assert order == [("alpha", "BTC"), ("alpha", "ETH"), ("beta", "BTC"), ("beta", "ETH")]
    stakes = [trade.stake for trade in run.trades]  # closed in order of opening
    assert stakes[0] == 200
    assert stakes == sorted(stakes, reverse=True)
    assert len(set(stakes)) == 4


def test_a_days_basis_is_taken_before_the_bar_that_ends_at_midnight() -> None:
    # A held LONG gains 0.0799 x 50 in that bar: equity is 9999.796203 before it and 10003.791203 after it. The next
    # day beta buys 0.0784 at 2551.3 and sells at 2548.7: -0.20384 less fees of 0.100011 and 0.099909 is -0.403760.
    # Its limit of 0.00004037196 is 0.403711 of the first and 0.403873 of the second, so only the first pauses it.
    last = 24 * 60
    rise = (2_500.0, 2_550.0, 2_500.0, 2_550.0)
    candles = {"ETH": bars("ETH", [(0, last - 1, CALM), (last - 1, 1, rise), (last, 9, flat(2_550.0))])}
    holder = scripted({(last - 3, "ETH"): ("LONG", 0.9)}, name="holder", timeout_m=None)
    said = {1: "LONG", 2: "CLOSE", 3: "LONG"}
    script = {(last + number, "ETH"): (direction, 0.9) for number, direction in said.items()}
    run = a_run(candles, holder, scripted(script, name="beta", max_daily_loss="0.00004037196"), minutes=last + 6)
    [lost] = [trade for trade in run.trades if trade.strategy == "beta"]
    assert lost.realised_pnl == Decimal("-0.403760")
    assert run.equity[last - 1].total_equity == Decimal("9999.796203")
    assert run.equity[last].total_equity == Decimal("10003.791203")
    assert list(run.decisions)[-1].reason == "paused"


def test_a_strategy_without_candles_to_run_on_is_named_instead_of_showing_no_trades() -> None:
    candles = {"ETH": bars("ETH", [(0, 9, CALM)])}
    run = a_run(candles, scripted({}, name="contrarian", exchanges=("polymarket",)), minutes=5)
    assert run.evaluations == 0
    assert summary(run, 252)["strategies_not_evaluated"] == {"contrarian": "there are no candles of polymarket"}


def test_an_empty_span_is_refused() -> None:
    with pytest.raises(ValueError, match="an empty span"):
        a_run({"ETH": bars("ETH", [(0, 9, CALM)])}, scripted({}), minutes=0)


def test_two_runs_are_identical() -> None:
    def run() -> Run:
        candles = {"ETH": bars("ETH", [(0, 4, CALM), (4, 1, (2_490.0, 2_495.0, 2_451.0, 2_460.0)), (5, 30, CALM)])}
        script = {(number, "ETH"): (("LONG", "SHORT", "CLOSE")[number % 3], 0.9) for number in range(2, 30)}
        return a_run(candles, scripted(script, cooldown_s=60), minutes=32)

    assert report(run(), 252) == report(run(), 252)


def test_the_report_of_a_run_worked_out_by_hand() -> None:
    run = a_run({"ETH": bars("ETH", [(0, 10, CALM)])}, scripted(LONG_AT_3), minutes=10)
    result = report(run, 252)
    # Bought at 2501.3 and sold at 2498.7: -0.0799 x 2.6, fees 0.099927 and 0.0799 x 2498.7 x 0.0005 = 0.099823065.
    [trade] = result["trades"]
    assert trade == {
        "strategy": "alpha", "asset": "ETH", "direction": "LONG", "quantity": "0.0799", "stake": "200.000000",
        "confidence": 0.9, "entry_time": minute(3), "entry_ref": "2500.0", "entry_price": "2501.3",
        "exit_time": minute(10), "exit_ref": "2500.0", "exit_price": "2498.7", "exit_reason": "manual",
        "gross_pnl": "-0.207740", "fees": "0.199750", "funding_pnl": "0.000000", "slippage_cost": "0.207740",
        "realised_pnl": "-0.407490", "suspect": False,
    }  # fmt: skip
    totals = result["summary"]
    assert totals["final_equity"] == "9999.592510"
    assert (totals["trades"], totals["losses"], totals["exit_reasons"]) == (1, 1, {"manual": 1})
    assert totals["decisions"] == {"alpha/opened": 1}
    assert totals["passes"] == {"alpha:no_candle": 1, "alpha:no_signal": 8}
    assert totals["days"] == 1
    assert totals["daily_returns"] == pytest.approx((-0.000040749,))
    assert totals["sharpe"] is None
    assert totals["max_drawdown"] == pytest.approx(0.000040749)
    assert totals["by_asset"]["ETH"]["realised_pnl"] == totals["by_strategy"]["alpha"]["realised_pnl"] == "-0.407490"
    assert totals["avg_hold_s"] == 420.0
    assert result["mark_to_market_rows"] == 11
    assert result["equity"]["rows"][0] == [T0, "10000.000000", "0.000000", "0.000000", "0.000000", 0]
    # From the entry on: 0.0799 x (2500 - 2501.3) and the entry's fee.
    assert result["equity"]["rows"][3][1:] == ["9999.796203", "-0.103870", "0.000000", "-0.099927", 1]
