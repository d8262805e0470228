"""What a runner says besides opinions: that a strategy has none at a grid point, and that the grid point is through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from trading_core import ids
from trading_core.config import RetentionConfig
from trading_core.messages import SignalMessage
from trading_core.seed.tables import Record
from trading_core.strategy.registry import LoadedStrategy

DAYS = RetentionConfig().pass_retention_days
"""At the end of the past: as many as a platform keeps of evaluations without an opinion, some 26,000 a day."""


def passes(
    strategies: Sequence[LoadedStrategy], assets: Sequence[str], ts: int, heard: bool, said: Sequence[SignalMessage],
    mute: Mapping[tuple[str, str], str],
) -> Iterator[SignalMessage]:  # fmt: skip
    """A PASS of each strategy and asset whose turn it is at `ts` and that is not among those who `said` something.

    `mute`: the reasons of those who cannot have an opinion; "" is not evaluated and says nothing.
    """
    spoken = {(signal.strategy, signal.asset) for signal in said}
    for strategy in strategies:
        if ts % strategy.interval_ms:
            continue
        for asset in assets:
            if asset in strategy.assets and (strategy.name, asset) not in spoken:
                reason = mute.get((strategy.name, asset), "no_signal" if heard else "gap")
                if not reason:
                    continue
                exchange = strategy.exchanges[0]
                yield SignalMessage(
                    id=ids.signal(strategy.name, exchange, asset, ts), strategy=strategy.name, exchange=exchange,
                    asset=asset, instrument=asset, ts=ts, grid=strategy.grid, direction="PASS",
                    reason=reason, metadata={"made_up": True},
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
