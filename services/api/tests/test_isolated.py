"""A portfolio of one ledger per strategy is shown as the sum of its ledgers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from api_lab import Api, running
from api_seed import INITIAL, START, STRATEGIES, Seeded, ms
from trading_core.metrics.curve import curve_metrics

NUMBERS = dict(zip(STRATEGIES, (2, 3, 4), strict=True))
SILENT = "momentum_breakout"
LAST_WORD = START + timedelta(minutes=600)
"""The ledger of SILENT ends here: its strategy was switched off."""


def _breakdown(name: str, share: Decimal) -> str:
    return json.dumps({"strategies": {name: str(share)}, "assets": {"BTC": str(share)}})


async def _apart(ledger: Any) -> dict[Any, dict[str, Decimal]]:
    """Moves everything of each strategy to a ledger of its own, and gives what each had earned at each minute."""
    rows = await ledger.fetch(
        "SELECT ts, breakdown::text AS breakdown FROM trading_paper.mark_to_market WHERE portfolio_id = 1 ORDER BY ts"
    )
    shares = {}
    for row in rows:
        earned = json.loads(row["breakdown"])["strategies"]
        shares[row["ts"]] = {name: Decimal(earned[name]) for name in STRATEGIES}
    for name, number in NUMBERS.items():
        await ledger.execute(
            "INSERT INTO trading_paper.portfolio (id, name) VALUES ($1, $2)", number, f"default-{name}"
        )
        await ledger.execute("UPDATE trading_paper.positions SET portfolio_id = $2 WHERE strategy = $1", name, number)
        ends = LAST_WORD if name == SILENT else rows[-1]["ts"]
        await ledger.executemany(
            "INSERT INTO trading_paper.mark_to_market (portfolio_id, ts, total_equity, unrealised_pnl, realised_pnl, "
            "open_costs, open_positions, breakdown) VALUES ($1, $2, $3, 0, 0, 0, 0, $4)",
            [
                (number, ts, INITIAL + of[name], _breakdown(name, of[name]))
                for ts, of in shares.items()
                if ts <= ends
            ],
        )  # fmt: skip
    return shares


async def test_it_is_the_sum_of_its_ledgers_everywhere(
    api: Api, seeded: Seeded, ledger: Any, role_url: Callable[[str], str]
) -> None:
    together = {row["name"]: row for row in await api.get("/api/strategies")}
    shares = await _apart(ledger)
    kept = shares[LAST_WORD][SILENT]
    # Three ledgers of 10,000 each; the one that ended stays at its last row.
    equity = [
        (ms(ts), 3 * INITIAL + sum(of[name] for name in STRATEGIES if name != SILENT) + _of_silent(of, ts, kept))
        for ts, of in shares.items()
    ]
    expected = curve_metrics(equity, 3 * INITIAL, 252)
    async with running(role_url("api_ro"), isolation="per_strategy") as apart:
        summary = await apart.get("/api/summary")
        closed = sum((row["realised_pnl"] for row in seeded.positions if row["status"] == "CLOSED"), Decimal(0))
        assert Decimal(summary["initial_capital"]) == 3 * INITIAL
        assert Decimal(summary["realised_pnl"]) == closed
        assert Decimal(summary["equity"]) == 3 * INITIAL + Decimal(summary["total_pnl"])
        assert summary["open_positions"] == len(await apart.get("/api/positions/open")) > 0
        assert summary["trades"] == sum(row["trades"] for row in together.values())
        assert (summary["sharpe"], summary["max_drawdown"]) == (expected.sharpe, expected.max_drawdown)

        for row in await apart.get("/api/strategies"):
            if row["name"] != SILENT:  # its curve ends early here
                assert row == together[row["name"]], "on a ledger of the same size it is worth the same"

        curve = await apart.get("/api/equity-curve", points=2_000)
        assert [(point["t"], Decimal(point["equity"])) for point in curve["points"]] == equity
        own = await apart.get("/api/equity-curve", strategy="funding_arb")
        in_asset = await apart.get("/api/equity-curve", strategy="funding_arb", asset="BTC")
        assert Decimal(own["initial_capital"]) == INITIAL
        assert in_asset["points"] == own["points"], "here all of it was earned in BTC"
        btc = await apart.get("/api/equity-curve", asset="BTC", points=2_000)
        assert [point["equity"] for point in btc["points"]] == [point["equity"] for point in curve["points"]]


def _of_silent(of: dict[str, Decimal], ts: Any, kept: Decimal) -> Decimal:
    return of[SILENT] if ts <= LAST_WORD else kept


async def test_messages_of_every_ledger_of_the_portfolio_are_heard(role_url: Callable[[str], str]) -> None:
    async with running(role_url("api_ro"), isolation="per_strategy") as apart:
        holds = apart.context.ledgers.holds
        assert holds("default-funding_arb")
        assert not holds("other-funding_arb")
