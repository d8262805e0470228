"""Which rows of `trading_paper` belong to the portfolio that is shown.

A shared portfolio is one ledger of its own name; with `isolation: per_strategy` there is one for each strategy, named
`PORTFOLIO-STRATEGY` (`trading_core.broker.portfolios`).
"""

from __future__ import annotations

import time

from trading_api.database import Database
from trading_core.broker.rules import Isolation
from trading_core.config import Settings

FRESH_S = 1.0
_ALONE = """
SELECT id, name FROM trading_paper.portfolio
WHERE name IN (SELECT $1 || '-' || s.name FROM trading_paper.strategies s) ORDER BY name COLLATE "C"
"""
_SHARED = "SELECT id, name FROM trading_paper.portfolio WHERE name = $1"


def isolation_of(settings: Settings) -> Isolation:
    """How the portfolio that is shown is kept."""
    shown = settings.every_portfolio[settings.broker.portfolio]
    return shown.isolation or settings.broker.isolation


class Ledgers:
    """The ledgers of the shown portfolio by id; looked up again after a second: a new strategy brings one."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self.portfolio = settings.broker.portfolio
        self.isolation = isolation_of(settings)
        self._query = _SHARED if self.isolation == "shared" else _ALONE
        self._names: dict[int, str] = {}
        self._read_at_s = float("-inf")

    async def names(self) -> dict[int, str]:
        """Names by id, in order of the names; empty before the broker has opened any."""
        if time.monotonic() - self._read_at_s > FRESH_S:
            rows = await self._database.fetch(self._query, self.portfolio)
            self._names = {row["id"]: row["name"] for row in rows}
            self._read_at_s = time.monotonic()
        return self._names

    def holds(self, ledger: str) -> bool:
        """Whether a message of the broker that names this ledger is about the shown portfolio."""
        return ledger == self.portfolio or (
            self.isolation == "per_strategy" and ledger.startswith(f"{self.portfolio}-")
        )

    async def of_strategy(self, strategy: str) -> list[int]:
        """Where this strategy trades: the one ledger of all, or its own; empty when there is none."""
        if self.isolation == "shared":
            return await self.ids()
        wanted = f"{self.portfolio}-{strategy}"
        return [number for number, name in (await self.names()).items() if name == wanted]

    async def ids(self) -> list[int]:
        return list(await self.names())
