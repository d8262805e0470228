"""What a runner says besides opinions: that a strategy has none at a grid point, and that the grid point is through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from trading_core import ids
from trading_core.config import RetentionConfig
from trading_core.messages import SignalMessage
from trading_core.seed.tables import Record
from trading_core.strategy.registry import LoadedStrategy

DAYS = RetentionConfig().pass_retention_days
"""At the end of the past: as many as a platform keeps of evaluations without an opinion, some 26,000 a day."""


def passes(
    strategies: Sequence[LoadedStrategy], assets: Sequence[str], ts: int, heard: bool, said: Sequence[SignalMessage]
) -> Iterator[SignalMessage]:
    """A PASS of each strategy and asset whose turn it is at `ts` and that is not among those who `said` something."""
    spoken = {(signal.strategy, signal.asset) for signal in said}
    for strategy in strategies:
        if ts % strategy.interval_ms:
            continue
        for asset in assets:
            if asset in strategy.assets and (strategy.name, asset) not in spoken:
                exchange = strategy.exchanges[0]
                yield SignalMessage(
                    id=ids.signal(strategy.name, exchange, asset, ts), strategy=strategy.name, exchange=exchange,
                    asset=asset, instrument=asset, ts=ts, grid=strategy.grid, direction="PASS",
                    reason="no_signal" if heard else "gap", metadata={"made_up": True},
                    code_hash=strategy.code_hash, params_hash=strategy.params_hash,
                )  # fmt: skip


def grids(
    strategies: Sequence[LoadedStrategy], assets: Sequence[str], ts: int, said: Sequence[SignalMessage]
) -> Iterator[Record]:
    """Rows of `trading_ops.grids` at `ts`: how many evaluations each asset and set of exchanges in use had."""
    counts = Counter((signal.grid, signal.asset) for signal in said)
    for exchanges in sorted({strategy.grid for strategy in strategies}):
        for asset in assets:
            yield ids.grid(exchanges, asset, ts), exchanges, asset, ts, counts[exchanges, asset]
