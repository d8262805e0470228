"""Strategies side by side and one by one: figures worked out by hand."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api_lab import Api
from api_seed import START, Seeded, ms
from trading_api import breakdowns
from trading_api.closed import ClosedPositions
from trading_api.comparison import Filter, closed_ratios, result_fields
from trading_core.db.times import utc
from trading_core.metrics.trades import Trade
from trading_core.model import DAY_MS
from trading_core.money import NOTHING_USD, usd

MINUTE_MS = 60_000
ARB = "funding_arb"
PAGE = Path(__file__).parents[3] / "frontend" / "src"


def a_trade(realised: str, exit_ms: int = 60_000, **changes: Any) -> Trade:
    """Its price result is `realised` and the costs are nothing unless said."""
    given = {
        "strategy": ARB, "asset": "BTC", "entry_ms": exit_ms - 60_000, "exit_ms": exit_ms, "exit_reason": "timeout",
        "fees": NOTHING_USD, "funding_pnl": NOTHING_USD, "slippage_cost": NOTHING_USD,
        "gross_pnl": usd(Decimal(realised)), "realised_pnl": usd(Decimal(realised)),
    }  # fmt: skip
    return Trade(**{**given, **changes})


def a_row(trade: Trade) -> dict[str, Any]:
    """As `queries.standing.CLOSED` gives it."""
    row = msgspec.structs.asdict(trade)
    return {**row, "exchange": "hyperliquid", "entry_ts": utc(trade.entry_ms), "exit_ts": utc(trade.exit_ms)}


def test_a_time_out_after_exactly_an_hour_was_held_for_up_to_an_hour() -> None:
    ends = [0, 300_000, 3_600_000, 3_600_001, 86_400_001]
    found = breakdowns.holds([a_trade("1", entry_ms=0, exit_ms=end) for end in ends])
    assert [each.trades for each in found] == [2, 0, 1, 1, 0, 1]


def test_the_result_is_split_into_four_that_add_up() -> None:
    costs: dict[str, Any] = {"fees": Decimal("0.2"), "funding_pnl": Decimal("-0.1"), "slippage_cost": Decimal("0.3")}
    # Gross 5.0 is after 0.3 of slippage: 5.3 - 0.3 - 0.2 - 0.1 = 4.7.
    _, fields = result_fields([a_trade("4.7", gross_pnl=Decimal("5.0"), **costs)])
    found = {name: Decimal(amount) for name, amount in fields["split"].items()}
    assert found == {
        "price": Decimal("5.3"), "slippage": Decimal("-0.3"), "fees": Decimal("-0.2"), "funding": Decimal("-0.1"),
    }  # fmt: skip
    assert sum(found.values()) == Decimal("4.7")
    assert fields["sparkline"] == [0.0, 4.7]


def test_ratios_of_closed_positions_count_days_without_an_exit() -> None:
    # Capital 1,000; day 1: +10; day 2: none; day 3: -20. Returns 0.01, 0, -20/1010; deepest 20/1010.
    trades = [a_trade("10", MINUTE_MS), a_trade("-20", 2 * DAY_MS + MINUTE_MS)]
    found = closed_ratios(trades, Decimal(1_000), (0, 3 * DAY_MS), 365)
    mean = (0.01 - 20 / 1010) / 3
    deviation = (((0.01 - mean) ** 2 + mean**2 + (-20 / 1010 - mean) ** 2) / 2) ** 0.5
    assert found["days"] == 3
    assert found["sharpe"] == pytest.approx(mean / deviation * 365**0.5)
    assert found["max_drawdown"] == found["drawdown"] == pytest.approx(20 / 1010)


def test_a_filter_takes_exits_from_its_beginning_and_not_at_its_end() -> None:
    held = ClosedPositions(ARB)
    for exit_ms in (100, 200, 300):
        held.append(a_row(a_trade("1", exit_ms)))
    assert [each.exit_ms for each in held.trades(Filter(from_ms=100, to_ms=300))] == [100, 200]
    assert list(held.trades(Filter(exchange="polymarket"))) == []
    assert not Filter()


def test_what_is_kept_of_a_closed_position_is_exact() -> None:
    costs = {
        "fees": "4.500001",
        "funding_pnl": "-0.000001",
        "slippage_cost": "0.000000",
        "gross_pnl": "9876543.123456",
    }
    amounts: dict[str, Any] = {name: Decimal(amount) for name, amount in costs.items()}
    losing = a_trade("-12.345678", 1_764_000_000_001, asset="ETH", suspect=True, **amounts)
    winning = a_trade("0.000001", 1_764_000_000_001, exit_reason="target")
    held = ClosedPositions(ARB)
    held.append(a_row(losing))
    held.append(a_row(winning))
    assert len(held) == 2
    assert [str(each) for each in held.trades()] == [str(losing), str(winning)]


def test_results_are_grouped_in_round_widths_with_an_edge_at_nothing() -> None:
    # From -1 to 3 in about 20 groups: 0.2 wide; -0.1 and 0.1 lie on either side of 0.
    found = breakdowns.results([a_trade(amount) for amount in ("-1", "-0.1", "0.1", "0.1", "3")])
    assert sum(each.trades for each in found) == 5
    assert any(each.low == 0 and each.trades == 2 for each in found)
    assert found[0].high is not None
    assert found[0].high - found[0].low == pytest.approx(0.2)
    assert breakdowns.results([]) == []


def test_a_docstring_falls_into_its_headed_parts() -> None:
    found = breakdowns.sections("## Thesis\nIt comes back.\n\n## Risk\nTrends.")
    assert [(each.title, each.text) for each in found] == [("Thesis", "It comes back."), ("Risk", "Trends.")]


async def test_the_table_under_a_filter_and_one_strategy_in_detail(api: Api, seeded: Seeded, ledger: Any) -> None:
    half = START.replace(hour=9)
    ends = [row for row in seeded.closed(ARB) if row["asset"] == "ETH" and row["exit_ts"] < half]
    rows = {row["name"]: row for row in await api.get("/api/strategies", asset="ETH", to=ms(half))}
    row = rows[ARB]
    assert row["basis"] == "closed"
    assert row["trades"] == len(ends) > 0
    assert Decimal(row["total_pnl"]) == sum(each["realised_pnl"] for each in ends)
    assert sum(Decimal(amount) for amount in row["split"].values()) == Decimal(row["realised_pnl"])
    assert all(each["trades"] == 0 for each in await api.get("/api/strategies", exchange="polymarket"))

    await ledger.execute(
        "UPDATE trading_paper.strategies SET docs = $2, params = $3 WHERE name = $1",
        ARB, "## Thesis\nCarry.", json.dumps({"threshold": 0.0005}),
    )  # fmt: skip
    closed = seeded.closed(ARB)
    detail = await api.get(f"/api/strategies/{ARB}")
    assert detail["docs"] == [{"title": "Thesis", "text": "Carry."}]
    assert detail["params"] == {"threshold": 0.0005}
    assert [(month["name"], month["trades"]) for month in detail["months"]] == [("2025-03", len(closed))]
    for groups in (detail["results"], detail["holds"], detail["exit_reasons"]):
        assert sum(group["trades"] for group in groups) == len(closed)
    assert (await api.http.get("/api/strategies/nobody")).status_code == 404

    bitcoin = await api.get("/api/assets/BTC/performance")
    own = [each for each in seeded.positions if each["asset"] == "BTC" and each["status"] == "CLOSED"]
    assert bitcoin["trades"] == len(own)
    assert Decimal(bitcoin["realised_pnl"]) == sum(each["realised_pnl"] for each in own)
    assert sum(part["trades"] for part in bitcoin["strategies"]) == len(own)
    assert (await api.http.get("/api/assets/NOPE/performance")).status_code == 404

    kinds = {
        each["name"]: [alert["kind"] for alert in each["alerts"]] for each in await api.get("/api/strategy-health")
    }
    assert kinds["momentum_breakout"][0] == "failed"
    health = next(each for each in await api.get("/api/strategy-health") if each["name"] == ARB)
    opened = [each for each in seeded.positions if each["strategy"] == ARB]
    assert health["window_h"] == seeded.minutes / 60
    assert health["positions_per_day"] == pytest.approx(len(opened) / seeded.minutes * 1_440)

    named = {each["name"] for each in await api.get("/api/metrics/definitions")}
    assert {"sharpe", "win_rate", "max_drawdown"} <= named
    assert _explained_by_the_page() <= named
    assert (await api.http.get("/api/strategies", params={"asset": "eth"})).status_code == 422


def _explained_by_the_page() -> set[str]:
    """The figures whose meaning the page's sources ask for: a misspelt one would have no tooltip."""
    named = re.compile(r"""(?:metric[:=]\s*|meaning\()['"]([a-z_.0-9]+)['"]""")
    sources = [file.read_text() for file in PAGE.rglob("*.ts*") if ".test." not in file.name]
    found = {name for source in sources for name in named.findall(source)}
    assert len(found) > 40, "the sources of the page have moved: look for them there"
    return found
