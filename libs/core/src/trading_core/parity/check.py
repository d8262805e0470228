"""Both replays of one part of a ledger's history: what the command and the nightly check have in common."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import asyncpg

import trading_core
from trading_core.broker.portfolios import portfolios
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, RuleBook
from trading_core.config import Settings
from trading_core.errors import ConfigError
from trading_core.model import MINUTE_MS
from trading_core.parity.causes import IdealReport
from trading_core.parity.ideal import IdealRun
from trading_core.parity.imported import with_imported
from trading_core.parity.outputs import outputs
from trading_core.parity.recording import Span, checkpoint_days, market_messages, recorded_span
from trading_core.parity.replay import Replay, Report
from trading_core.parity.results import Order, Result, result_of
from trading_core.parity.starts import Part, parts, start_of
from trading_core.strategy.files import code_hash
from trading_core.strategy.registry import enabled_strategies


def every_ledger(settings: Settings) -> list[RuleBook]:
    """All that a broker with these settings keeps: of each portfolio its one ledger, or one per strategy."""
    overrides = {strategy.name: strategy.rules for strategy in enabled_strategies(settings)}
    return [ledger for one in portfolios(settings, overrides, DEFAULT_SZ_DECIMALS) for ledger in one.ledgers]


class Checker:
    """One ledger by today's strategies and settings. `db` may be anybody who can read everything."""

    def __init__(self, db: asyncpg.Connection, settings: Settings, rules: RuleBook) -> None:
        """rules: of the ledger to look at."""
        self._db = db
        self._enabled = enabled_strategies(settings)
        self.exchanges = sorted({name for strategy in self._enabled for name in strategy.exchanges})
        self._assets = settings.assets
        self.rules = rules
        self._portfolio = rules.portfolio
        self._snapshot = settings.snapshot
        self._version = f"{version('trading-core')} {code_hash(Path(trading_core.__file__).parent)}"

    async def recorded(self) -> Span:
        """All that can be checked. ConfigError when there is nothing yet."""
        shards = {(strategy.grid, asset) for strategy in self._enabled for asset in self._assets}
        return await recorded_span(self._db, self._portfolio, self.exchanges, sorted(shards))

    async def days(self, span: Span) -> list[int]:
        """UTC days from which a replay can begin."""
        return await checkpoint_days(self._db, span.portfolio_id)

    async def parts(self, from_ms: int | None, to_ms: int | None) -> list[Part]:
        """What to replay for [from_ms, to_ms): day by day from stored checkpoints. ConfigError when that is nothing."""
        whole = await self.recorded()
        last_ms = whole.last_ms if to_ms is None else min(whole.last_ms, -(-to_ms // MINUTE_MS) * MINUTE_MS - MINUTE_MS)
        if last_ms < max(whole.first_ms, from_ms or 0):
            raise ConfigError(f"nothing was recorded in that span; there is {whole.period}.")
        asked = Span(whole.portfolio, whole.portfolio_id, whole.first_ms, last_ms)
        return parts(asked, await self.days(whole), from_ms)

    async def check(
        self,
        part: Part,
        orders: Sequence[Order],
        progress: Callable[[int], None],
        from_ms: int | None = None,
    ) -> AsyncIterator[Result]:
        """The replays of one part; `progress` hears each minute of each.

        Differences before `from_ms` are left out.
        """
        live = await outputs(self._db, part.span)
        start = await start_of(self._db, part, self._enabled, self._assets)
        given = (self._enabled, self._assets, self.exchanges, self.rules, self._snapshot, start)
        for order in orders:
            began = time.perf_counter()
            exchanges = start.exchanges(self.exchanges)
            market = market_messages(self._db, exchanges, part.span.last_ms, start.market_after_ms)
            report: Report | IdealReport
            if order == "recorded":
                report = await Replay(part.span, live, *given).run(market, progress)
            else:
                history = with_imported(self._db, market, exchanges, part.span)
                report = await IdealRun(part.span, live, *given).run(history, progress)
            if from_ms is not None:
                report.since(from_ms)
            yield result_of(
                report,
                from_checkpoint=part.from_checkpoint,
                duration_ms=int((time.perf_counter() - began) * 1000),
                code_version=self._version,
            )
